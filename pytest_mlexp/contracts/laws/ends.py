"""Laws on single rows and columns: the first and last row count, as do columns beside constant ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pytest_mlexp.contracts.compare import differs
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.learning import ENOUGH, MEASURE, quality, tells_small_changes
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

NEEDS = ("trained", "learns", "generated", "numeric")


@law("The first training row counts, and so does the last.", needs=(*NEEDS, "deterministic"))
def first_and_last_row_count(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    plain = subject.fitted(data)
    asked = np.concatenate([data.X, data.X_test])
    want = subject.answers(plain, asked, methods=subject.methods(plain))
    if not tells_small_changes(want, classifies=subject.declares.task == "classification"):
        raise NotApplicable("its answers are labels, which need not change with one row")
    want = dict(reversed(want.items()))  # scores first, which tell more
    for name, row in (("first", 0), ("last", len(data) - 1)):
        if not _matters(subject, data, row, asked, want):
            claim = f"another target in the {name} training row changes some answer"
            raise Broken(claim, "no answer changes at all", X=data.X[[row]], y=data.y[[row]])


def _matters(subject: Subject, data: Data, row: int, asked: Any, want: Any) -> bool:
    """Whether another target of one row changes anything; a near one first, as a far one may be an outlier."""
    for y in _others(data.y, row):
        model = subject.try_fit(data.X, y, doing="a fit with another target in one row")
        if isinstance(model, Refused):
            return True
        for name, plain in want.items():
            got = subject.try_ask(model, asked, doing="the same rows", methods=(name,))
            if isinstance(got, Refused) or got[name].shape != plain.shape:
                return True
            if differs(got[name], plain, tolerance=1e-12).any():
                return True
    return False


def _others(y: Any, row: int) -> list[Any]:
    if y.dtype.kind != "f":
        found = y.copy()
        labels = np.unique(y)
        found[row] = labels[(int(np.flatnonzero(labels == y[row])[0]) + 1) % len(labels)]
        return [found]
    near, far = y.copy(), y.copy()
    near[row] = near[row] + 0.05 * y.std(axis=0)
    far[row] = y.max(axis=0) + y.min(axis=0) - far[row]
    return [near, far]


@law("What one column says is learnt beside columns that are constant.", needs=NEEDS)
def constant_columns_hide_nothing(subject: Subject, case: Case) -> None:
    if subject.declares.categorical or subject.declares.columns is not None:
        raise NotApplicable("its columns are given")
    if ("constant_columns_hide_nothing", case) in subject.settled:
        return
    wide = replace(case, train_rows=max(case.train_rows, 80), rows=60, classes=2)
    data = subject.data(replace(wide, columns=min(wide.columns, 3)), informative=0)
    enough = ENOUGH[subject.declares.task or "regression"]
    columns = data.X.shape[1]
    X, X_test = (np.full((len(part), columns + 2), 1.0) for part in (data.X, data.X_test))
    X[:, 1], X_test[:, 1] = data.X[:, 0], data.X_test[:, 0]
    beside = Data(X, data.y, X_test, data.y_test)
    model = subject.try_fit(X, data.y, doing="a fit on one column beside constant ones")
    if isinstance(model, Refused):
        return
    found = quality(subject, model, beside)
    if found < enough and quality(subject, subject.fitted(data), data) < enough:
        raise NotApplicable("it does not learn from that column without constant ones")
    if found < enough and _learns_alone(subject, data, enough):
        measure = MEASURE[subject.declares.task or "regression"]
        claim = f"one telling column beside {columns + 1} constant ones is learnt: a {measure} of {enough} or more"
        raise Broken(claim, f"{found:.2f}", X=X, y=data.y)


def _learns_alone(subject: Subject, data: Data, enough: float) -> bool:
    """Whether it learns from the telling column alone, in which rows may lie too close for some."""
    alone = Data(data.X[:, :1], data.y, data.X_test[:, :1], data.y_test)
    model = subject.try_fit(alone.X, alone.y, doing="a fit on the telling column alone")
    return not isinstance(model, Refused) and quality(subject, model, alone) >= enough


LAWS = (first_and_last_row_count, constant_columns_hide_nothing)
