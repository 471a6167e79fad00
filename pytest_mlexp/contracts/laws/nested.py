"""Laws on parameters that are objects: those in a model are the caller's, and each model has its own."""

from __future__ import annotations

from typing import Any

from pytest_mlexp.blocks.digest import digest_of
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.subject import SEEDS, Subject
from pytest_mlexp.errors import DataError


@law("Objects that are parameters are neither fitted nor changed by a fit.", needs=("get_params", "trained"))
def nested_objects_stay(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.build()
    nested = _nested(model)
    if not nested:
        raise NotApplicable("no parameter is an object with a state of its own")
    before = {name: _state(value) for name, value in nested.items()}
    subject.train(model, data.X, data.y)
    subject.answers(model, data.X_test, methods=("predict",))
    for name, value in nested.items():
        after = _state(value)
        if set(after) != set(before[name]):
            told = sorted(set(after) ^ set(before[name]))[:5]
            raise Broken(f"fit works on a clone of {name}, not on the object that it was given", f"{told} came or went")
        changed = [key for key, told in after.items() if told != before[name][key]]
        if changed:
            raise Broken(f"fit leaves {name} as it was given", f"its {changed[0]} is another")


def _nested(model: Any) -> dict[str, Any]:
    """The parameters, at any depth, that are estimators; those of a Pipeline are its own, and fitted in place."""
    from sklearn.pipeline import FeatureUnion, Pipeline

    params = model.get_params(deep=not isinstance(model, Pipeline | FeatureUnion))
    return {n: value for n, value in params.items() if hasattr(value, "get_params") and hasattr(value, "__dict__")}


def _state(value: Any) -> dict[str, str]:
    found = {}
    for name, part in vars(value).items():
        try:
            found[name] = str(digest_of(part))
        except (DataError, TypeError, ValueError):
            found[name] = type(part).__qualname__
    return found


@law("Two models built by default share no object: what is set in one is not set in the other.", needs=("set_params",))
def defaults_are_not_shared(subject: Subject, case: Case) -> None:
    del case
    kind = type(subject.build())
    try:
        one, other = kind(), kind()
    except TypeError as error:
        raise NotApplicable("it cannot be built without arguments") from error
    plain = {
        name: value
        for name, value in one.get_params(deep=True).items()
        if "__" in name and name.rpartition("__")[2] not in SEEDS and type(value) in (int, float, bool)
    }
    if not plain:
        raise NotApplicable("no default is an object with parameters of its own")
    before = other.get_params(deep=True)
    for name, value in plain.items():
        new = (not value) if isinstance(value, bool) else value + 1
        one.set_params(**{name: new})
        found = other.get_params(deep=True).get(name)
        one.set_params(**{name: value})
        if found != before[name]:
            claim = f"set_params({name}={new!r}) of one model says nothing of another that was built apart from it"
            raise Broken(claim, f"{name} of the other is {found!r} as well")


LAWS = (nested_objects_stay, defaults_are_not_shared)
