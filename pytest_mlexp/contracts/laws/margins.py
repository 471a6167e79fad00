"""Laws on the ends of what was seen: the smallest and largest values of a column belong to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.subject import Subject

INSIDE_BY = 1e-7  # of a column's range
JUMP = 0.02  # of the range of answers


@law(
    "The smallest and the largest value of a column are answered like values a hair inside.",
    needs=("numeric", "own_code"),
)
def ends_belong_to_the_range(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    if not subject.trains or subject.declares.categorical or data.X.shape[1] < 2:
        raise NotApplicable("its columns have no range, or it has one column only")
    methods = tuple(name for name in subject.methods(model) if name != "predict") or ("predict",)
    for name, (edge, sign) in {"smallest": (np.argmin, 1.0), "largest": (np.argmax, -1.0)}.items():
        rows = data.X[edge(data.X, axis=0)]
        inside = rows.copy()
        columns = np.arange(data.X.shape[1])
        inside[columns, columns] += sign * INSIDE_BY * np.ptp(data.X, axis=0)
        got, want = (_numbers(subject, model, X, methods) for X in (rows, inside))
        span = float(np.ptp(_numbers(subject, model, data.X, methods)))
        jumps = np.abs(got - want).max(axis=1) > JUMP * max(span, 1e-12)
        # A tree may part one row from all others, but does not so in most columns.
        if jumps.sum() > max(1, len(jumps) // 2):
            claim = f"rows with the {name} value of a column are answered about like rows a hair inside"
            raise Broken(claim, f"in {jumps.sum()} of {len(jumps)} columns, {got[:3]} instead of {want[:3]}", X=rows)


@law("Rows beyond the range of a column are not answered like rows at its other end.", needs=("numeric", "own_code"))
def beyond_is_not_the_other_end(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    if not subject.trains or subject.declares.categorical or data.X.shape[1] < 2 or subject.declares.positive_only:
        raise NotApplicable("its columns have no range, or it has one column only")
    methods = tuple(name for name in subject.methods(model) if name != "predict") or ("predict",)
    low, high = data.X.min(axis=0), data.X.max(axis=0)
    span = max(float(np.ptp(_numbers(subject, model, data.X, methods))), 1e-12)
    for name, end, other, step in (("below", low, high, -0.03), ("above", high, low, 0.03)):
        rows = np.repeat(data.X_test[:1], data.X.shape[1], axis=0)
        places = [_placed(rows, values) for values in (end, end + step * (high - low), other)]
        inside, beyond, far = (_numbers(subject, model, X, methods) for X in places)
        wrapped = (np.abs(beyond - far).max(axis=1) < 1e-9 * span) & (np.abs(beyond - inside).max(axis=1) > JUMP * span)
        if wrapped.sum() > max(1, len(wrapped) // 2):
            claim = f"rows a little {name} the range of a column are refused, or not answered like its other end"
            raise Broken(claim, f"in {wrapped.sum()} of {len(wrapped)} columns they are", X=places[1])
    if subject.declares.task == "regression":
        _beyond_all(subject, model, data.X, span)


def _beyond_all(subject: Subject, model: Any, X: Any, span: float) -> None:
    """Check rows beyond the ones of the smallest and the largest answer, in all columns at once."""
    answers = _numbers(subject, model, X, ("predict",))[:, 0]
    least, most = X[answers.argmin()], X[answers.argmax()]
    for end, other in ((least, most), (most, least)):
        rows = np.stack([end, other, *(end + step * (end - other) for step in (0.03, 0.3, 1.0))])
        inside, far, *beyond = _numbers(subject, model, rows, ("predict",))[:, 0]
        if abs(inside - far) > span / 2 and any(abs(found - far) < 1e-9 * span for found in beyond):
            claim = "rows beyond the one of the smallest or largest answer are not answered like that of the other end"
            raise Broken(claim, f"{beyond} beyond {inside:.3g}, with {far:.3g} at the other end", X=rows)


def _placed(rows: Any, values: Any) -> Any:
    """Row j with another value in column j."""
    placed, columns = rows.copy(), np.arange(rows.shape[1])
    placed[columns, columns] = values
    return placed


def _numbers(subject: Subject, model: Any, X: Any, methods: tuple[str, ...]) -> Any:
    """The answers of one method as a matrix.

    Raises:
        NotApplicable: they are no numbers.
    """
    found = subject.answers(model, X, methods=methods[:1])[methods[0]]
    if found.dtype.kind != "f":
        raise NotApplicable("its answers are labels")
    return found.reshape(len(found), -1)


LAWS = (ends_belong_to_the_range, beyond_is_not_the_other_end)
