"""Laws on what single targets do: a row's own one is not the one that is left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from pytest_mlexp.contracts.data import Array, Case, Data
from pytest_mlexp.contracts.fitted import Answers
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.learning import tells_small_changes
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

ROWS, NEIGHBOURS = 3, 6


@law(
    "The target of a training row says something about that very row, where those of its neighbours do.",
    needs=("trained", "learns", "generated", "numeric", "deterministic", "own_code"),
)
def own_target_counts(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    if np.ndim(data.y) != 1:
        raise NotApplicable("it has several targets")
    asked = replace(data, X_test=data.X[:ROWS])
    want = _answers(subject, asked, data.y)
    if not tells_small_changes(want, classifies=subject.declares.task == "classification"):
        raise NotApplicable("its answers are labels")
    for row in range(ROWS):
        for y in _changed(subject, data.y, np.array([row])):
            if _moves(_answers(subject, asked, y), want, row):
                return
    for row in range(ROWS):
        near = np.argsort(((data.X - data.X[row]) ** 2).sum(axis=1))
        others = near[near != row][:NEIGHBOURS]
        if not any(_moves(_answers(subject, asked, y), want, row) for y in _changed(subject, data.y, others)):
            raise NotApplicable("the targets of a few rows change nothing")
    claim = "another target of a training row changes what is answered to this row, as targets of its neighbours do"
    raise Broken(claim, f"nothing changes for any of the rows 0 to {ROWS - 1}", X=data.X[:ROWS], y=data.y[:ROWS])


def _changed(subject: Subject, y: Array, rows: Array) -> Iterator[Array]:
    """The targets with others in some rows: of another class, or half a spread up or down, or far off."""
    if subject.declares.task == "classification":
        labels = np.unique(y)
        for step in range(1, len(labels)):
            other = y.copy()
            other[rows] = labels[(np.searchsorted(labels, y[rows]) + step) % len(labels)]
            yield other
        return
    for share in (0.5, -0.5, 20.0, -20.0):
        other = y.copy()
        other[rows] += share * np.std(y)
        if not subject.declares.positive_target or other.min() > 0:
            yield other


def _answers(subject: Subject, data: Data, y: Array) -> Answers:
    model = subject.try_fit(data.X, y, doing="a fit with another target in few rows")
    if isinstance(model, Refused):
        raise NotApplicable(f"refuses other targets: {model}")
    return subject.answers(model, data.X_test)


def _moves(got: Answers, want: Answers, row: int) -> bool:
    return any(bool(np.any(got[name][row] != answer[row])) for name, answer in want.items())


LAWS = (own_target_counts,)
