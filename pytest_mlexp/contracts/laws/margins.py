"""Laws on the ends of what was seen: the smallest and largest values of a column belong to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.own_code import runs_own_code
from pytest_mlexp.contracts.subject import Subject

HAIR = 1e-7  # of a column's range
JUMP = 0.02  # of the range of answers


@law("The smallest and the largest value of a column are answered like values a hair inside.", needs=("numeric",))
def ends_belong_to_the_range(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    if not subject.trains or subject.declares.categorical or data.X.shape[1] < 2:
        raise NotApplicable("its columns have no range, or it has one column only")
    if not runs_own_code(subject, model, data.X_test):
        raise NotApplicable("nothing but code of libraries runs in it")
    methods = tuple(name for name in subject.methods(model) if name != "predict") or ("predict",)
    for name, (edge, sign) in {"smallest": (np.argmin, 1.0), "largest": (np.argmax, -1.0)}.items():
        rows = data.X[edge(data.X, axis=0)]
        inside = rows.copy()
        columns = np.arange(data.X.shape[1])
        inside[columns, columns] += sign * HAIR * np.ptp(data.X, axis=0)
        got, want = (_numbers(subject, model, X, methods) for X in (rows, inside))
        usual = _numbers(subject, model, data.X, methods)
        jumps = np.abs(got - want).max(axis=1) > JUMP * max(float(np.ptp(usual)), 1e-12)
        # A tree may part one row from all others, but does not so in most columns.
        if jumps.sum() > max(1, len(jumps) // 2):
            claim = f"rows with the {name} value of a column are answered about like rows a hair inside"
            raise Broken(claim, f"in {jumps.sum()} of {len(jumps)} columns, {got[:3]} instead of {want[:3]}", X=rows)


def _numbers(subject: Subject, model: Any, X: Any, methods: tuple[str, ...]) -> Any:
    """The answers of one method as a matrix.

    Raises:
        NotApplicable: they are no numbers.
    """
    found = subject.answers(model, X, methods=methods[:1])[methods[0]]
    if found.dtype.kind != "f":
        raise NotApplicable("its answers are labels")
    return found.reshape(len(found), -1)


LAWS = (ends_belong_to_the_range,)
