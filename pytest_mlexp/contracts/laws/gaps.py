"""Laws on gaps in arrays, for models that declare to take them: a gap in one row is that row's affair."""

from __future__ import annotations

import numpy as np

from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.fitted import Answers
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.batch import joined
from pytest_mlexp.contracts.laws.values import check_finite
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

NEEDS = ("numeric", "trained", "generated", "allows_nan")
HUGE = 1e200


@law("Rows with gaps give alone what they give in a batch with other gaps.", needs=NEEDS)
def gaps_row_by_row(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    train, X = _holed(data.X), _holed(data.X_test)
    model = subject.tried(Data(train, data.y, X, None, ("gaps", data.key)), doing="a fit on rows with gaps")
    if isinstance(model, Refused):
        raise Broken("NaN is handled, as declared", str(model), X=train)
    whole = subject.answers(model, X)
    check_finite(whole, "gaps", X)
    rows = [subject.answers(model, X[i : i + 1]) for i in range(6)]
    part = {name: answer[:6] for name, answer in whole.items()}
    claim = "rows with gaps give alone what they give in a batch"
    same(joined(rows), part, claim, tolerance=subject.declares.tolerance, X=X[:6])


@law("A column without any value at fit says nothing, and spoils nothing.", needs=NEEDS)
def column_without_values(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    if data.X.shape[1] < 2:
        return
    X, empty = data.X.copy(), data.X_test.copy()
    X[:, -1] = empty[:, -1] = np.nan
    model = subject.try_fit(X, data.y, doing="a fit with a column of nothing but NaN")
    if isinstance(model, Refused):
        return
    for what, rows in (("no value in that column", empty), ("values in that column", data.X_test)):
        got = subject.try_ask(model, rows, doing=f"rows with {what} after a fit with none")
        if not isinstance(got, Refused):
            check_finite(got, f"{what}, after a fit with none,", X)


@law("A function without a fit makes no number of infinity, and of a gap nothing in other rows.", needs=("numeric",))
def formulas_of_odd_values(subject: Subject, case: Case) -> None:
    if subject.trains:
        raise NotApplicable("it has a fit")
    data = subject.data(case)
    model = subject.fitted(data)
    clean = subject.expected(data, model)
    for value in (np.nan, np.inf, -np.inf):
        for column in range(data.X_test.shape[1]):
            X = data.X_test.copy()
            X[0, column] = value
            got = subject.try_ask(model, X, doing=f"one {value}")
            if isinstance(got, Refused):
                continue
            _of_usual_size(got, value, X)
            rest, want = ({name: answer[1:] for name, answer in found.items()} for found in (got, clean))
            claim = f"{value} in one row changes no other row's answer"
            same(rest, want, claim, tolerance=subject.declares.tolerance, X=X)


def _of_usual_size(got: Answers, value: float, X: np.ndarray) -> None:
    """Of NaN a formula may say NaN, and of infinity infinity, but no number of about the largest that there is."""
    for method, answer in got.items():
        first = answer[:1]
        if first.dtype.kind == "f" and ((np.abs(first) > HUGE) & np.isfinite(first)).any():
            claim = f"{method} of a row with {value} is refused, or infinite or NaN, or a number of a usual size"
            raise Broken(claim, f"{first.ravel()[0]!r}", X=X[:1])


def _holed(X: np.ndarray) -> np.ndarray:
    """The same rows with a gap here and there: some rows have none, no column is empty."""
    rows, columns = np.indices(X.shape)
    return np.where((rows + 2 * columns) % 5 == 1, np.nan, X)


LAWS = (gaps_row_by_row, column_without_values, formulas_of_odd_values)
