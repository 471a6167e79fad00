"""Laws on what a model offers beside ``predict``: it agrees with it, row by row, and leaves everything as it is."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from types import GeneratorType
from typing import Any

import numpy as np

from pytest_mlexp.blocks.splitting import row_count, take
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.fitted import Array, as_array
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.refit import other_targets
from pytest_mlexp.contracts.refusals import Refused, attempt
from pytest_mlexp.contracts.subject import METHODS, Subject

ANSWERS = re.compile(r"(staged_)?(predict|decision)_\w+|staged_predict|score_samples|transform|apply")
LEVELS = ("q", "quantile", "quantiles", "alpha", "level")


@law(
    "What is answered beside predict is answered row by row, after a fit only, and forgets the previous fit.",
    needs=("fit",),
)
def further_methods(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    names = list(_further(model))
    if not names:
        raise NotApplicable(f"it answers with {', '.join(subject.methods(model))} only")
    X, rows = data.X_test, row_count(data.X_test, what="X")
    tolerance = subject.declares.tolerance
    answered = {name: answer for name in names if (answer := _asked(subject, model, name, X)) is not None}
    for name, want in answered.items():
        for what, some in (("alone", np.arange(1)), ("in the reverse order", np.arange(rows)[::-1])):
            got = _asked(subject, model, name, take(X, some))
            if got is not None:
                claim = f"{name} answers rows {what} as it does in the batch"
                same({name: got}, {name: want[some]}, claim, tolerance=tolerance, X=X)
        _unfitted_or_too_narrow(subject, model, name, X)
    claim = f"{', '.join(names)} change nothing that is asked later"
    same(subject.answers(model, X), subject.expected(data), claim, tolerance=min(tolerance, 1e-6), X=X)
    _after_a_refit(subject, case, model, tuple(answered))


def _further(model: Any) -> Iterator[str]:
    """The methods that answer rows of inputs and need nothing else, beside those that every law asks."""
    for name in dir(type(model)):
        if ANSWERS.fullmatch(name) and name not in METHODS and _takes_rows_alone(getattr(model, name, None)):
            yield name


def _takes_rows_alone(method: Any) -> bool:
    if not callable(method):
        return False
    try:
        taken = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return False
    needed = [p for p in taken if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return len(needed) == 1 and not any(p.default is p.empty and p.kind is p.KEYWORD_ONLY for p in taken)


def _asked(subject: Subject, model: Any, name: str, X: Any) -> Array | None:
    """One row of numbers or labels a row of inputs; None where it refuses, or answers in another form."""
    answer = attempt(lambda: _unrolled(subject.ask(model, name, X)), doing=f"{name} of ordinary rows", X=X)
    if isinstance(answer, Refused):
        return None
    return _by_row(answer, row_count(X, what="X"), logarithms="log_" in name)


def _unrolled(answer: Any) -> Any:
    """Of an answer stage by stage the last one."""
    if isinstance(answer, GeneratorType):
        for stage in answer:
            answer = as_array(stage)
    return answer


def _by_row(answer: Any, rows: int, *, logarithms: bool) -> Array | None:
    if isinstance(answer, tuple):  # such as lower and upper bounds
        parts = [as_array(part) for part in answer]
        if any(part.shape[:1] != (rows,) for part in parts):
            return None
        found: Array = np.concatenate([part.reshape(rows, -1) for part in parts], axis=1)
    else:
        found = np.asarray(answer.toarray()) if hasattr(answer, "toarray") else as_array(answer)
    if found.shape[:1] != (rows,):
        return None
    if logarithms and found.dtype.kind == "f":  # small ones are compared as the probabilities that they are
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(found) + 1.0)
    return found


def _unfitted_or_too_narrow(subject: Subject, model: Any, name: str, X: Any) -> None:
    """Neither a model that was never fitted, nor rows that lack a column, are answered."""
    if not name.startswith(("predict", "staged", "decision")):
        return
    tries = [("before fit", subject.build(), X)] if subject.declares.requires_fit else []
    if isinstance(X, np.ndarray) and X.ndim == 2 and X.shape[1] > 1 and not subject.declares.no_validation:
        tries.append(("of rows that lack a column", model, X[:, :-1]))
    for what, asked, rows in tries:
        try:
            answer = _unrolled(subject.ask(asked, name, rows))
        except Exception:  # noqa: BLE001, S112 - how it is told, other laws judge of the methods in METHODS
            continue
        raise Broken(f"{name} {what} is an error, as predict is", f"it answers {answer!r:.100}", X=rows)


def _after_a_refit(subject: Subject, case: Case, model: Any, names: tuple[str, ...]) -> None:
    if subject.declares.nondeterministic or subject.declares.warm_start:
        return
    data = subject.data(case)
    if subject.declares.task == "classification" and not subject.declares.given:
        other = subject.data(replace(case, classes=2))
    else:
        other = Data(data.X, other_targets(data.y), data.X_test, None, ("other targets", data.key))
    wanted = subject.tried(other, doing="a fit on other targets")
    if isinstance(wanted, Refused):
        return
    again = subject.train(model, other.X, other.y)
    for name in names:
        got, want = (_asked(subject, one, name, other.X_test) for one in (again, wanted))
        if got is not None and want is not None:
            claim = f"after another fit, {name} answers as after a first one"
            same({name: got}, {name: want}, claim, tolerance=subject.declares.tolerance, X=other.X, y=other.y)


@law("Stages end with what is predicted, a mean is the prediction, and bounds enclose it.", needs=("fit",), cases=2)
def further_methods_agree(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    tolerance = max(subject.declares.tolerance, 1e-6)
    judged = 0
    for name, (method, got, want) in _same_by_another_way(subject, model, data.X_test):
        judged += 1
        found = got.reshape(want.shape) if got.size == want.size else got  # stages may have an axis of one more
        same({method: found}, {method: want}, f"{name} is {method}", tolerance=tolerance, X=data.X_test)
    for name, low, high in _bounds(subject, model, data.X_test):
        judged += 1
        if (low > high + 1e-9 * np.abs(high)).mean() > 0.05:
            row = int(np.argmax(low - high))
            raise Broken(f"{name} gives the lower bound first", f"{low[row]} and {high[row]}", X=data.X_test[[row]])
        answer = subject.answers(model, data.X_test, methods=("predict",))["predict"]
        if answer.shape == low.shape and ((low <= answer) & (answer <= high)).mean() < 0.5:
            raise Broken(
                f"{name} encloses what is predicted", f"{answer[:3]} in {low[:3]} to {high[:3]}", X=data.X_test
            )
    if not judged:
        raise NotApplicable("nothing that it answers says what predict says in another way")


def _same_by_another_way(subject: Subject, model: Any, X: Any) -> Iterator[tuple[str, tuple[str, Array, Array]]]:
    """What must be the same: how it is called, what it must be, and both answers."""
    for name in _further(model):
        base = name.removeprefix("staged_")
        if base != name and hasattr(model, base) and (got := _asked(subject, model, name, X)) is not None:
            want = _by_row(subject.ask(model, base, X), len(got), logarithms="log_" in name)
            if want is not None:
                yield f"{name} at its last stage", (base, got, want)
    parameters = inspect.signature(model.predict).parameters if hasattr(model, "predict") else {}
    for option in ("return_std", "return_cov"):
        if option not in parameters:
            continue
        with_spread = attempt(lambda o=option: model.predict(X, **{o: True}), doing=f"predict with {option}", X=X)  # type: ignore[misc]
        if isinstance(with_spread, tuple) and len(with_spread) == 2:
            mean, spread = map(as_array, with_spread)
            if option == "return_std" and (not np.isfinite(spread).all() or (spread < 0).any()):
                raise Broken("standard deviations are finite and not negative", f"{spread[:4]}", X=X)
            yield f"predict with {option}", ("predict", mean, as_array(model.predict(X)))
    if hasattr(model, "predict_joint_log_proba") and hasattr(model, "predict_proba"):
        joint = as_array(subject.ask(model, "predict_joint_log_proba", X))
        joint = np.exp(joint - joint.max(axis=1, keepdims=True))
        want = as_array(subject.ask(model, "predict_proba", X))
        yield "predict_joint_log_proba, normalised,", ("predict_proba", joint / joint.sum(axis=1, keepdims=True), want)


def _bounds(subject: Subject, model: Any, X: Any) -> Iterator[tuple[str, Array, Array]]:
    for name in dir(type(model)):
        method = getattr(model, name, None) if ANSWERS.fullmatch(name) else None
        if "interval" in name and _takes_rows_alone(method):
            found = _asked(subject, model, name, X)
            if found is not None and found.ndim == 2 and found.shape[1] == 2:
                yield name, found[:, 0], found[:, 1]
        elif "quantile" in name and callable(method):
            yield from _quantiles(name, method, X)


def _quantiles(name: str, method: Any, X: Any) -> Iterator[tuple[str, Array, Array]]:
    """A low and a high quantile of a method that takes the level by one of its usual names."""
    level = next((p for p in inspect.signature(method).parameters if p in LEVELS), None)
    if level is not None:
        low, high = (attempt(partial(method, X, **{level: q}), doing=name, X=X) for q in (0.1, 0.9))
        if not isinstance(low, Refused) and not isinstance(high, Refused):
            one, other = as_array(low).ravel(), as_array(high).ravel()
            if one.shape == other.shape:
                yield f"{name} of 0.1 and 0.9", one, other


LAWS = (further_methods, further_methods_agree)
