"""Laws on fitting again and beside each other: a fit knows its own data only."""

from __future__ import annotations

import copy
import inspect
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from pytest_mlexp.blocks.splitting import take
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data, is_texts, names_of
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Answers, Subject

TOLERANCE = 1e-7
WORDS = ("x", "y", "z", "zz")


@law("A refit forgets the previous fit: its width, scale, labels, sign and names.", needs=("trained", "deterministic"))
def refit_forgets(subject: Subject, case: Case) -> None:
    if subject.declares.warm_start:
        raise NotApplicable("warm_start is set: a fit goes on from the one before")
    data = subject.data(case)
    want = subject.expected(data)
    earlier = _earlier(subject, case, data)
    names = list(earlier)
    # Two chains, since what the first fit leaves behind may hide what a later one would: wide first, narrow first.
    for chain in (names[::2], names[1::2]):
        try:
            _refit(subject, [earlier[what] for what in chain], data, want, "other data")
        except Broken:
            for what in chain:
                _refit(subject, [earlier[what]], data, want, what)
            raise


def _refit(subject: Subject, earlier: list[Data], data: Data, want: Answers, what: str) -> None:
    """Fit one model on all of these in turn, then on the data, and compare."""
    model = subject.build()
    for one in earlier:
        if not isinstance(subject.try_fit(one.X, one.y, doing=f"a first fit on {what}", model=model), Refused):
            subject.try_ask(model, one.X_test, doing="its own rows", methods=("predict",))
    got = subject.answers(subject.train(model, data.X, data.y), data.X_test)
    claim = f"after a fit on {what}, another fit gives what a first one gives"
    _same(subject, got, want, claim, X=data.X, y=data.y)


def _earlier(subject: Subject, case: Case, data: Data) -> dict[str, Data]:
    """Data to be forgotten."""
    from dataclasses import replace

    same = Data(data.X, _other(data.y), data.X_test, None)
    found: dict[str, Data] = {}
    if subject.declares.given:
        X = _changed(data.X)
        if X is not None:
            found["other inputs"] = Data(X, data.y, take(X, range(3)), None)
        return {**found, "the same inputs, other targets": same}
    wide = replace(case, columns=case.columns + 2, train_rows=case.train_rows + 13, classes=case.classes + 1)
    other = {"scale": 50.0, "shift": 7.0, "target_scale": -20.0}
    if subject.declares.positive_target:
        other["target_scale"] = 20.0
    narrow = replace(case, columns=max(case.columns - 1, 2), classes=2, seed=case.seed + 1)
    found["wider data with more classes, another scale and sign"] = subject.data(wide, **other, labels=WORDS)
    found["narrower data with fewer classes"] = subject.data(narrow, labels=(7, 9))
    if isinstance(data.X, np.ndarray):
        found["a frame with names"] = _named(data)
        bad = np.full((len(data), data.X.shape[1] + 1), np.nan)
        found["nothing but NaN, which may be refused"] = Data(bad, data.y, data.X_test, None)
    found["the same inputs, other targets"] = same
    return found


def _changed(X: Any) -> Any:
    """Rows of other words, or of another scale; None where there is nothing to change."""
    if is_texts(X):
        return [f"{text} zebra{i % 5} quagga" for i, text in enumerate(X)]
    if hasattr(X, "select_dtypes"):
        return X.assign(**{name: 10 * X[name] + 1 for name in X.select_dtypes("float")})
    return 10 * X + 1 if isinstance(X, np.ndarray) and X.dtype.kind == "f" else None


def _other(y: Any) -> Any:
    """The targets of other rows."""
    return take(y, np.roll(np.arange(len(y)), 1))


def _named(data: Data) -> Data:
    import pandas as pd

    frames = [pd.DataFrame(X, columns=names_of(X.shape[1])) for X in (data.X * 2, data.X_test)]
    return Data(frames[0], data.y, frames[1], data.y_test)


@law("Two instances share no state: fitting or setting one leaves the other alone.", needs=("trained",))
def instances_do_not_share(subject: Subject, case: Case) -> None:
    from dataclasses import replace

    data = subject.data(case)
    one, other, never = subject.build(), subject.build(), subject.build()
    subject.train(one, data.X, data.y)
    first = subject.answers(one, data.X_test)
    wide = replace(case, columns=case.columns + 1, classes=2, seed=case.seed + 3)
    second = subject.data(wide, scale=3.0, shift=1.0, labels=("no", "yes"))
    # State of the same shape last, which is the harder to tell from one's own.
    for X, y, X_test in ((second.X, second.y, second.X_test), (data.X, _other(data.y), data.X_test)):
        subject.try_fit(X, y, doing="fitting a second instance on other data", model=other)
        subject.try_ask(other, X_test, doing="its own rows", methods=("predict",))
    got = subject.answers(one, data.X_test)
    same(got, first, "fitting one instance changes no answer of another", tolerance=1e-9, X=data.X_test)
    if subject.declares.requires_fit:
        _still_unfitted(subject, never, data, "an instance that was never fitted, beside others that were,")


def _still_unfitted(subject: Subject, model: Any, data: Data, what: str) -> None:
    try:
        answer = subject.ask(model, "predict", data.X_test)
    except Exception as error:  # noqa: BLE001 - which error it is, another law judges
        del error
        return
    raise Broken(f"{what} does not answer", f"it answers {answer!r:.100}", X=data.X_test)


@law("A clone of a fitted model is unfitted, has equal parameters and learns the same.", needs=("get_params", "fit"))
def clone_is_fresh(subject: Subject, case: Case) -> None:
    from sklearn.base import clone

    data = subject.data(case)
    model = subject.fitted(data)
    want = subject.expected(data, model)
    try:
        cloned = clone(model)
    except Exception as error:
        raise Broken("sklearn.base.clone works on the fitted model", f"{type(error).__name__}: {error}") from error
    _equal_params(model, cloned, "the clone")
    if subject.declares.requires_fit:
        _still_unfitted(subject, cloned, data, "a clone of a fitted model")
    got = subject.answers(subject.train(cloned, data.X, data.y), data.X_test)
    if not subject.declares.nondeterministic:
        _same(subject, got, want, "a clone fitted on the same data answers like the original", X=data.X, y=data.y)
    same(subject.answers(model, data.X_test), want, "fitting a clone leaves the original alone", tolerance=1e-9)


def _equal_params(model: Any, other: Any, what: str) -> None:
    one, two = model.get_params(deep=False), other.get_params(deep=False)
    if set(one) != set(two):
        raise Broken(f"{what} has the same parameters", f"{sorted(set(one) ^ set(two))} are in one only")
    for name, value in one.items():
        if params_text(value) != params_text(two[name]):
            raise Broken(f"{what} has equal parameters", f"{name} is {two[name]!r:.80} instead of {value!r:.80}")


def params_text(value: Any) -> str:  # noqa: PLR0911 - one return a kind
    """A parameter as text that tells its value: arrays by content, estimators by class and parameters."""
    if isinstance(value, np.ndarray):
        return f"array {value.dtype} {value.tolist()}"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{k!r}: {params_text(v)}' for k, v in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"{type(value).__name__}({', '.join(map(params_text, value))})"
    if hasattr(value, "get_params") and not isinstance(value, type):
        return f"{type(value).__qualname__}({params_text(value.get_params(deep=False))})"
    if isinstance(value, np.random.RandomState):
        return "RandomState"
    if isinstance(value, str | int | float | bool | None):
        return repr(value)
    if isinstance(value, type) or inspect.isroutine(value):
        return f"{value.__module__}.{value.__qualname__}"
    return type(value).__qualname__


def _same(subject: Subject, got: Answers, want: Answers, claim: str, **data: Any) -> None:
    same(got, want, claim, tolerance=max(TOLERANCE, subject.declares.tolerance / 10), **data)


@law("Saving, loading and copying in this process changes no answer.")
def copies_answer_alike(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    want = subject.expected(data, model)
    ways: dict[str, Callable[[Any], Any]] = {"copy.deepcopy": copy.deepcopy, "pickle": _saved_and_loaded}
    for what, copied in ways.items():
        try:
            other = copied(model)
        except Exception as error:
            raise Broken(
                f"a fitted model can be saved and loaded ({what})", f"{type(error).__name__}: {error}"
            ) from error
        same(subject.answers(other, data.X_test), want, f"after {what} it answers alike", tolerance=1e-9, X=data.X_test)
    same(subject.answers(model, data.X_test), want, "being saved and copied changes nothing", tolerance=1e-9)


def _saved_and_loaded(model: Any) -> Any:
    """Through pickle as joblib uses it, where the class can be found by its name; else through cloudpickle."""
    import pickle

    import cloudpickle

    kind = type(model)
    found = getattr(sys.modules.get(kind.__module__), kind.__qualname__, None) is kind
    save = pickle.dumps if found and kind.__module__ != "__main__" else cloudpickle.dumps
    return pickle.loads(save(model))  # noqa: S301 - made a moment ago


LAWS = (
    refit_forgets,
    instances_do_not_share,
    clone_is_fresh,
    copies_answer_alike,
)
