"""Laws on parameters: get and set tell the truth, and a fit leaves them alone."""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_mlexp.contracts.applies import has
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import Broken, law
from pytest_mlexp.contracts.laws.copies import params_text
from pytest_mlexp.contracts.process import parameters_validated
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import SEEDS, Subject

MOST = 6
# Parameters that change no answer, or with which a fit takes many times as long.
SAME_OR_SLOW = ("verbose", "n_jobs", "device", "warm_start", "probability", "early_stopping")


@law("Fitting and predicting change no parameter.", needs=("get_params", "fit"))
def params_survive_fit(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    before = {name: params_text(value) for name, value in subject.build().get_params(deep=False).items()}
    model = subject.fitted(data)
    _same_params(before, model)
    subject.answers(model, data.X_test)
    _same_params(before, model)
    unusual = {"2 rows": data.first(2)}
    if isinstance(data.X, np.ndarray) and data.X.dtype.kind == "f" and has(subject, "own_code"):
        unusual["a column of zeros"] = _with_zeros(data)
    for what, rows in unusual.items():
        other = subject.tried(rows, doing=f"a fit on {what}")
        if not isinstance(other, Refused):
            _same_params(before, other)


def _with_zeros(data: Data) -> Data:
    """The same data with nothing in the first column."""
    return replace(data, X=data.X * (np.arange(data.X.shape[1]) != 0), key=("zeros", data.key))


def _same_params(before: dict[str, str], model: Any) -> None:
    after = {name: params_text(value) for name, value in model.get_params(deep=False).items()}
    for name in before.keys() | after.keys():
        if before.get(name) != after.get(name):
            raise Broken(
                "fit keeps parameters as they were given", f"{name} went from {before.get(name)} to {after.get(name)}"
            )


@law("get_params names what the constructor takes, and gives back what was set.", needs=("get_params", "set_params"))
def params_are_honest(subject: Subject, case: Case) -> None:
    import inspect

    model = subject.build()
    params = model.get_params(deep=False)
    taken = inspect.signature(type(model).__init__).parameters
    any_name = any(p.kind is p.VAR_KEYWORD for p in taken.values())
    if not any_name:
        named = {n for n, p in taken.items() if n != "self" and p.kind is not p.VAR_POSITIONAL}
        if set(params) != named:
            raise Broken(
                "get_params names exactly the constructor's parameters",
                f"{sorted(set(params) ^ named)} stand in one of the two only",
            )
    else:
        _lists_what_is_taken(model, params)
    again = model.set_params(**params)
    if again is not model:
        raise Broken("set_params returns the model itself", f"{again!r:.80}")
    now = model.get_params(deep=False)
    for name, value in params.items():
        if params_text(now.get(name)) != params_text(value):
            raise Broken(f"set_params({name}=v), then get_params gives v", f"{model.get_params()[name]!r:.80}")
    now = model.set_params(**_changed(params)).get_params(deep=False)
    for name, value in _changed(params).items():
        if now.get(name) != value:
            raise Broken(f"set_params({name}={value!r}) sets it", "get_params still gives another value")
    _copies_keep(subject, _changed(params))
    if not any_name:
        _refuses_unknown(subject)


def _copies_keep(subject: Subject, changed: dict[str, Any]) -> None:
    """What was set is kept by a clone and by whatever else copies a model, before it is fitted."""
    from sklearn.base import clone

    for what, copied in {"clone": clone, "copy.deepcopy": copy.deepcopy}.items():
        try:
            made = copied(subject.build().set_params(**changed))
        except Exception:  # noqa: BLE001, S112 - other laws ask whether it can be copied at all
            continue
        kept = made.get_params(deep=False)
        for name, value in changed.items():
            if kept.get(name) != value:
                raise Broken(f"{what} keeps {name}={value!r}, which was set", f"the copy has {kept.get(name)!r:.80}")


def _refuses_unknown(subject: Subject) -> None:
    try:
        subject.build().set_params(no_such_parameter_=1)
    except Exception:  # noqa: BLE001 - any refusal will do
        return
    raise Broken("set_params refuses a parameter that does not exist", "it was taken without a word")


def _lists_what_is_taken(model: Any, params: dict[str, Any]) -> None:
    """A constructor that takes parameters by any name: those that it keeps are listed."""
    for name, value in _changed({n: v for n, v in vars(model).items() if not n.startswith("_")}).items():
        try:
            kept = vars(type(model)(**{name: value})).get(name) == value
        except Exception:  # noqa: BLE001, S112 - then it is no parameter
            continue
        if kept and name not in params:
            raise Broken(f"get_params names {name}, which the constructor takes", f"it names {sorted(params)}")


def _changed(params: dict[str, Any]) -> dict[str, Any]:
    """Other values for plain parameters, a little off so that most stay legal."""
    found: dict[str, Any] = {}
    for name, value in sorted(params.items()):
        if name in SEEDS or name in SAME_OR_SLOW or name.startswith("copy"):
            continue
        if isinstance(value, bool):
            found[name] = not value
        elif isinstance(value, int):
            found[name] = value + 1
        elif isinstance(value, float) and np.isfinite(value):
            found[name] = value * 0.5 if value else 0.25
    return dict(list(found.items())[:MOST])


@law("A parameter set later means what it means in the constructor.", needs=("get_params", "set_params", "trained"))
def set_params_takes_effect(subject: Subject, case: Case) -> None:
    if subject.declares.nondeterministic:
        return
    data = subject.data(case)
    params = subject.build().get_params(deep=False)
    with parameters_validated(wanted=True):  # other values than those of all laws
        _judge(subject, data, params, _changed(params))


def _judge(subject: Subject, data: Data, params: dict[str, Any], changed: dict[str, Any]) -> None:
    """Judge all changes at once; where they are refused, those that the refusal names apart, or each half of them."""
    refusal = _refusal(subject, data, params, changed)
    if refusal is None or len(changed) < 2:
        return
    names = list(changed)
    named = [name for name in names if re.search(rf"\b{re.escape(name)}\b", refusal)]
    half = len(names) // 2
    first = [name for name in names if name not in named] if 0 < len(named) < len(names) else names[:half]
    for part in (first, [name for name in names if name not in first]):
        _judge(subject, data, params, {name: changed[name] for name in part})


def _refusal(subject: Subject, data: Data, params: dict[str, Any], changed: dict[str, Any]) -> str | None:
    """Compare what both ways give; what is said of values that are refused, of which nothing is asked."""
    found = []
    for constructed in (True, False):
        try:
            made = type(subject.build())
            if constructed:
                model = made(**{**params, **changed})
            else:  # of a model that has been fitted: what was derived from the old values is derived anew
                before = made(**params) if subject.declares.warm_start else subject.fitted(data)
                model = before.set_params(**changed)
            fitted = subject.try_fit(data.X, data.y, doing="a fit with other parameters", model=model)
            if isinstance(fitted, Refused):
                return str(fitted)
            found.append(subject.answers(fitted, data.X_test))
        except Exception as error:  # noqa: BLE001 - values that are not legal may be refused in whatever way
            return str(error)
    told = ", ".join(f"{name}={value!r}" for name, value in changed.items())
    claim = f"{told} through set_params gives what it gives through the constructor"
    same(found[1], found[0], claim, tolerance=max(1e-7, subject.declares.tolerance / 10), X=data.X)
    return None


LAWS = (params_survive_fit, params_are_honest, set_params_takes_effect)
