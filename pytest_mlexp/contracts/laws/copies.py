"""Laws on copies: clones, deep copies and what was saved and loaded are like the original, and apart from it."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.copying import copies_of
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.refit import other_targets, same_fit, still_unfitted
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.second import second_fit
from pytest_mlexp.contracts.subject import Subject


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
        still_unfitted(subject, cloned, data, "a clone of a fitted model")
    if second_fit(subject, data) is not None:
        return
    got = subject.answers(subject.train(cloned, data.X, data.y), data.X_test)
    if not subject.declares.nondeterministic:
        same_fit(subject, got, want, "a clone fitted on the same data answers like the original", X=data.X, y=data.y)
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


@law("Saving, loading and copying in this process changes no answer.", cases=2)
def copies_answer_alike(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.original(data)  # what other laws ask is a copy already
    want = subject.answers(model, data.X_test)
    # What is kept is asked of scores, which nearly all of it goes into; of what is loaded, everything.
    scores = tuple(want)[-1:]
    for what, other in {**copies_of(model), "being saved and copied": model}.items():
        got = subject.answers(other, data.X_test, methods=tuple(want) if what == "pickle" else scores)
        same({**want, **got}, want, f"after {what} it answers alike", tolerance=1e-9, X=data.X_test)


@law("A model that is fitted again leaves its copies alone.", needs=("trained",))
def copies_are_apart(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    if ("copies_are_apart", data.key) in subject.settled:
        return
    model = subject.fitted(data)
    want, copies = subject.expected(data, model), copies_of(model)
    # Whatever two share, either could change. What has the same shape could be written in the same place.
    fitted = subject.try_fit(data.X, other_targets(data.y), doing="a fit on other targets", model=model)
    if isinstance(fitted, Refused):
        raise NotApplicable(f"refuses other targets: {fitted}")
    subject.try_ask(fitted, data.X_test, doing="the same rows")
    for what, other in copies.items():
        claim = f"fitting the original on other targets changes no answer of its copy ({what})"
        same(subject.answers(other, data.X_test), want, claim, tolerance=1e-9, X=data.X_test)


LAWS = (clone_is_fresh, copies_answer_alike, copies_are_apart)
