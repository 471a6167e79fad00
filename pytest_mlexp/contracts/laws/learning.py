"""Laws on learning: an easy problem is learnt, from every column, every row and every class."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_mlexp.blocks.splitting import take
from pytest_mlexp.contracts.applies import has
from pytest_mlexp.contracts.compare import differs
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.fitted import Answers
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

Array = np.ndarray[Any, np.dtype[Any]]
NEEDS = ("trained", "learns", "generated")
ENOUGH = {"classification": 0.65, "regression": 0.5}
MEASURE = {"classification": "balanced accuracy", "regression": "correlation"}
LARGE = 1300
LONG = 1087  # leaves LAST rows or more over after batches of 10, 16, 32, 50, 64, 100, 128, 256, 500 or 1000
LAST = 7
WORSE = 0.2
WELL = 0.9
ASIDE = 0.05


def quality(subject: Subject, model: Any, data: Data) -> float:
    """The balanced accuracy of a classification, or the correlation of a regression, on the test rows."""
    answer = subject.answers(model, data.X_test, methods=("predict",))["predict"]
    return quality_of(answer, data.y_test, classification=subject.declares.task == "classification")


def quality_of(answer: Array, truth: Array, *, classification: bool) -> float:
    """As :func:`quality`, of answers; 0 where a regression predicts a constant."""
    if classification:
        return float(np.mean([np.mean(answer[truth == label] == label) for label in np.unique(truth)]))
    one, other = np.asarray(answer, float).ravel(), np.asarray(truth, float).ravel()
    if len(one) != len(other) or not np.ptp(one) or not np.ptp(other):
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _learnt(subject: Subject, data: Data, what: str) -> Array:
    answer = subject.expected(data, methods=("predict",))["predict"]
    task = subject.declares.task or "regression"
    found = quality_of(answer, data.y_test, classification=task == "classification")
    if found < ENOUGH[task]:
        raise Broken(f"{what}: a {MEASURE[task]} of {ENOUGH[task]} or more", f"{found:.2f}", X=data.X, y=data.y)
    return answer


@law("An easy problem is learnt.", needs=("trained", "learns", "learnable"))
def learns(subject: Subject, case: Case) -> None:
    if not subject.declares.given and _is_learnt_well(subject, subject.data(case)):
        return
    data = subject.data(_enough(case, rows=80), clear=True)
    answer = _learnt(subject, data, "an easy problem is learnt")
    if subject.declares.task == "regression":
        error = float(np.mean((answer - data.y_test) ** 2) / np.var(data.y_test))
        if error > 2.2:  # one without an intercept, or not done with training, stays below
            claim = "predictions lie around the targets: a mean squared error of at most 2.2 times their variance"
            raise Broken(claim, f"{error:.3g} times", X=data.X, y=data.y)


def _is_learnt_well(subject: Subject, data: Data) -> bool:
    """Whether rows that all laws share are learnt so well that nobody has to ask for more."""
    answer = subject.expected(data, methods=("predict",))["predict"]
    classifies = subject.declares.task == "classification"
    if answer.shape != np.shape(data.y_test) or quality_of(answer, data.y_test, classification=classifies) < WELL:
        return False
    return classifies or float(np.mean((answer - data.y_test) ** 2) / np.var(data.y_test)) < 1


@law("What only one column says is learnt, whichever column it is.", needs=NEEDS)
def every_column_counts(subject: Subject, case: Case) -> None:
    wide = replace(_enough(case, rows=80), classes=2)
    columns = subject.declares.columns or wide.columns
    for column in sorted({0, columns - 1}):
        data = subject.data(wide, informative=column)
        if column and _is_learnt_beside_constants(subject, data):
            subject.settled.add(("constant_columns_hide_nothing", case))
        else:
            _learnt(subject, data, f"what only column {column} says is learnt")


def _is_learnt_beside_constants(subject: Subject, data: Data) -> bool:
    """Whether the last column is learnt from with noise in the first and nothing in those between, if there are any."""
    if not isinstance(data.X, np.ndarray) or data.X.shape[1] < 3 or subject.declares.categorical:
        return False
    X, X_test = data.X.copy(), data.X_test.copy()
    X[:, 1:-1] = X_test[:, 1:-1] = 1.0
    beside = Data(X, data.y, X_test, data.y_test)
    with suppress(Broken):
        model = subject.try_fit(X, data.y, doing="a fit on one column beside constant ones")
        return not isinstance(model, Refused) and quality(subject, model, beside) >= ENOUGH[subject.declares.task or ""]
    return False


@law("What only a truth value or only a category says is learnt.", needs=("trained", "learns", "generated", "frame"))
def every_kind_of_column_counts(subject: Subject, case: Case) -> None:
    data = subject.data(_enough(case, rows=120), clear=True)
    for column, value in (("flag", True), ("place", "north")):
        told = [np.asarray(part[column] == value) for part in (data.X, data.X_test)]
        if subject.declares.task == "classification":
            y, y_test = (np.where(hit, "yes", "no") for hit in told)
        else:
            y, y_test = (np.where(hit, 9.0, 1.0) + 0.01 * np.arange(len(hit)) % 0.1 for hit in told)
        _learnt(
            subject, Data(data.X, y, data.X_test, y_test, (column, data.key)), f"what only {column!r} says is learnt"
        )


@law("Every row is learnt from, also the last ones of a long, ordered table.", needs=NEEDS)
def every_row_counts(subject: Subject, case: Case) -> None:
    if has(subject, "numeric") and has(subject, "deterministic"):
        with suppress(Broken):  # what is too long for it may be learnt from fewer rows
            _every_row(subject, _long(subject, case))
            return
    _every_row(subject, _in_order(subject, replace(_enough(case, rows=241), classes=2)))


def _long(subject: Subject, case: Case) -> Data:
    """More than a thousand rows, in order: a fit on them is shared by those laws that ask for many."""
    return _in_order(subject, replace(case, train_rows=LONG, rows=24, columns=min(case.columns, 3), classes=2))


@law("Every row of a table of more than a thousand is learnt from.", needs=NEEDS, thorough=True)
def every_row_of_many_counts(subject: Subject, case: Case) -> None:
    _every_row(subject, _in_order(subject, replace(_enough(case, rows=LARGE), classes=2)))


@law("The last rows of a table of more than a thousand count.", needs=(*NEEDS, "deterministic", "numeric"))
def last_rows_of_many_count(subject: Subject, case: Case) -> None:
    data = _long(subject, case)
    plain = subject.tried(data, doing="a fit on a long table")
    if isinstance(plain, Refused):
        raise NotApplicable(f"refuses {LONG} rows: {plain}")
    asked = np.concatenate([data.X[-LAST:], data.X_test])
    want = subject.answers(plain, asked, methods=subject.methods(plain))
    for y in _other_ends(data):
        model = subject.try_fit(data.X, y, doing="a fit on a long table")
        if isinstance(model, Refused) or any(
            differs(subject.answers(model, asked, methods=(name,))[name], answer, tolerance=1e-12).any()
            for name, answer in reversed(want.items())  # scores first, which tell more
        ):
            return
    if not tells_small_changes(want, classifies=subject.declares.task == "classification"):
        raise NotApplicable("its answers are labels, which need not change with a few rows")
    claim = f"other targets in the last {LAST} of {LONG} rows change some answer to these very rows"
    raise Broken(claim, "no answer changes at all", X=data.X[-LAST:], y=data.y[-LAST:])


@law("What columns of zeros, ones and other small whole numbers say is learnt.", needs=(*NEEDS, "numeric"))
def whole_steps_are_learnt(subject: Subject, case: Case) -> None:
    data = _steps(subject, case)
    model = subject.tried(data, doing="a fit on whole numbers")
    if isinstance(model, Refused):
        return
    found, task = quality(subject, model, data), subject.declares.task or "regression"
    # Some see nothing in steps; but what was seen at fit is known of the very values, and not of those beside alone.
    for step in (ASIDE,) if subject.declares.positive_only else (-ASIDE, ASIDE):
        beside = quality(subject, model, Data(data.X, data.y, data.X_test + step, data.y_test))
        if beside >= ENOUGH[task] and beside > found + WORSE:
            claim = f"rows of 0, 1, 2, as at fit, are predicted about as well as rows that lie off by {step}"
            raise Broken(claim, f"a {MEASURE[task]} of {found:.2f}, and of {beside:.2f}", X=data.X, y=data.y)


def _steps(subject: Subject, case: Case) -> Data:
    """Zeros and ones, of a regression with a column of 0, 1, 2, 3; test rows hold the same values as training rows."""
    narrow = (subject.declares.columns or case.columns) < 3
    data = subject.data(replace(_enough(case, rows=60), classes=2 if narrow else min(case.classes, 3)), clear=True)
    rng, cut = np.random.default_rng(case.seed), len(data)
    total, columns = cut + len(data.X_test), data.X.shape[1]
    key = ("steps", data.key)
    if subject.declares.task == "classification":
        y = np.concatenate([data.y, data.y_test])
        labels, codes = np.unique(y, return_inverse=True)
        X = (codes[:, None] == np.arange(columns) % len(labels)) ^ (rng.random((total, columns)) < 0.1)
        X = X.astype(float)
    else:
        X = rng.integers(0, 2, (total, columns)).astype(float)
        X[:, 1:2] = rng.integers(0, 4, (total, 1))[:, : columns - 1]
        y = 1 + X @ (4.0 / (1 + np.arange(columns)) ** 2)
        if np.ndim(data.y) > 1:
            y = np.column_stack([y, *(10 - y + X[:, -1] for _ in range(data.y.shape[1] - 1))])
    return Data(X[:cut], y[:cut], X[cut:], y[cut:], key)


def _other_ends(data: Data) -> Iterator[Array]:
    """The targets with others in the last rows; far ones a robust model may take for outliers, but not near ones."""
    y = data.y.copy()
    y[-LAST:] = (y.max(axis=0) + y.min(axis=0)) - y[-LAST:]
    yield y
    if data.y.dtype.kind == "f":
        y = data.y.copy()
        y[-LAST:] += 0.01 * y.std(axis=0)
        yield y


def tells_small_changes(answers: Answers, *, classifies: bool) -> bool:
    """Whether some answer is a number that is neither a label nor a mere 0 or 1."""
    scores = [a for name, a in answers.items() if name != "predict" or not classifies]
    return any(a.dtype.kind == "f" and not np.isin(a, (0.0, 1.0)).all() for a in scores)


def _enough(case: Case, *, rows: int) -> Case:
    """Rows enough to learn from and to tell by, and few columns, so that neighbours are near."""
    return replace(case, train_rows=max(case.train_rows, rows), rows=60, columns=min(case.columns, case.classes + 1))


def _in_order(subject: Subject, case: Case) -> Data:
    """Rows by class, or by target from the smallest on."""
    data = subject.data(case, ordered=True, clear=True)
    if subject.declares.task != "classification" and not subject.declares.poor_score:
        order = np.argsort(data.y if data.y.ndim == 1 else data.y[:, 0])
        data = Data(take(data.X, order), data.y[order], data.X_test, data.y_test, ("ordered", data.key))
    return data


def _every_row(subject: Subject, data: Data) -> None:
    answer = _learnt(subject, data, "an easy problem in ordered rows is learnt")
    if subject.declares.task == "regression" and data.y.ndim == 1:
        top = data.y_test > np.quantile(data.y, 0.7)
        if top.any() and float(np.mean(answer[top])) < float(np.quantile(data.y, 0.45)):
            raise Broken(
                "the last rows, of the largest targets, count", "large targets are not predicted", X=data.X, y=data.y
            )


LAWS = (
    learns,
    every_column_counts,
    every_kind_of_column_counts,
    every_row_counts,
    every_row_of_many_counts,
    last_rows_of_many_count,
    whole_steps_are_learnt,
)
