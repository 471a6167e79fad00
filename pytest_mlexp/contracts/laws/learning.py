"""Laws on learning: an easy problem is learnt, from every column, every row and every class."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pytest_mlexp.blocks.splitting import take
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.subject import Subject
from pytest_mlexp.execution.seeding import seeded

Array = np.ndarray[Any, np.dtype[Any]]
NEEDS = ("trained", "learns", "generated")
ENOUGH = {"classification": 0.65, "regression": 0.5}
MEASURE = {"classification": "balanced accuracy", "regression": "correlation"}
LARGE = 1300


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


def _learnt(subject: Subject, data: Data, what: str) -> Any:
    model = subject.fitted(data)
    found = quality(subject, model, data)
    task = subject.declares.task or "regression"
    if found < ENOUGH[task]:
        raise Broken(f"{what}: a {MEASURE[task]} of {ENOUGH[task]} or more", f"{found:.2f}", X=data.X, y=data.y)
    return model


@law("An easy problem is learnt.", needs=("trained", "learns", "learnable"))
def learns(subject: Subject, case: Case) -> None:
    data = subject.data(_enough(case, rows=80), clear=True)
    model = _learnt(subject, data, "an easy problem is learnt")
    if subject.declares.task == "regression":
        answer = subject.answers(model, data.X_test, methods=("predict",))["predict"]
        error = float(np.mean((answer - data.y_test) ** 2) / np.var(data.y_test))
        if error > 2.2:  # one without an intercept, or not done with training, stays below
            claim = "predictions lie around the targets: a mean squared error of at most 2.2 times their variance"
            raise Broken(claim, f"{error:.3g} times", X=data.X, y=data.y)


@law("What only one column says is learnt, whichever column it is.", needs=NEEDS)
def every_column_counts(subject: Subject, case: Case) -> None:
    wide = replace(_enough(case, rows=80), classes=2)
    columns = subject.declares.columns or wide.columns
    for column in sorted({0, columns - 1}):
        _learnt(subject, subject.data(wide, informative=column), f"what only column {column} says is learnt")


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
    long = replace(_enough(case, rows=241), classes=2)
    _ordered(subject, subject.data(long, ordered=True, clear=True))


@law("Every row of a table of more than a thousand is learnt from.", needs=NEEDS, thorough=True)
def every_row_of_many_counts(subject: Subject, case: Case) -> None:
    long = replace(_enough(case, rows=LARGE), classes=2)
    _ordered(subject, subject.data(long, ordered=True, clear=True))


def _enough(case: Case, *, rows: int) -> Case:
    """Rows enough to learn from and to tell by, and few columns, so that neighbours are near."""
    return replace(case, train_rows=max(case.train_rows, rows), rows=60, columns=min(case.columns, case.classes + 1))


def _ordered(subject: Subject, data: Data) -> None:
    if subject.declares.task != "classification" and not subject.declares.poor_score:
        order = np.argsort(data.y if data.y.ndim == 1 else data.y[:, 0])
        data = Data(take(data.X, order), data.y[order], data.X_test, data.y_test, ("ordered", data.key))
    model = _learnt(subject, data, "an easy problem in ordered rows is learnt")
    if subject.declares.task == "regression" and data.y.ndim == 1:
        answer = subject.answers(model, data.X_test, methods=("predict",))["predict"]
        top = data.y_test > np.quantile(data.y, 0.7)
        if top.any() and float(np.mean(answer[top])) < float(np.quantile(data.y, 0.45)):
            raise Broken(
                "the last rows, of the largest targets, count", "large targets are not predicted", X=data.X, y=data.y
            )


@law("partial_fit adds to what was learnt, and fit starts anew.", needs=("partial_fit", "trained", "numeric"))
def partial_fit_accumulates(subject: Subject, case: Case) -> None:
    data = subject.data(replace(case, train_rows=max(case.train_rows, 40)), clear=True)
    half = len(data) // 2
    parts = [(data.X[:half], data.y[:half]), (data.X[half:], data.y[half:])]
    both, last = _partially(subject, parts, data), _partially(subject, parts[1:], data)
    got, want = subject.answers(both, data.X_test), subject.answers(last, data.X_test)
    if all(np.array_equal(got[name], want[name]) for name in got):
        raise Broken(
            "partial_fit on a first and then a second batch differs from partial_fit on the second alone",
            "both answer exactly alike: the first batch is forgotten",
            X=data.X,
            y=data.y,
        )
    if subject.declares.task == "classification":
        _remembers_classes(subject, data)
    _counts_rows(subject, data)
    if not subject.declares.nondeterministic and not subject.declares.warm_start:
        again = subject.answers(subject.train(both, data.X, data.y), data.X_test)
        fresh = subject.expected(data)
        same(again, fresh, "fit after partial_fit is a fit from nothing", tolerance=1e-7, X=data.X, y=data.y)


def _remembers_classes(subject: Subject, data: Data) -> None:
    """Batches by class: what came first is still known after the last, for whoever learns in one pass."""
    labels = np.unique(data.y)
    at_once = subject.answers(_partially(subject, [(data.X, data.y)], data), data.X_test, methods=("predict",))[
        "predict"
    ]
    if subject.declares.poor_score or quality_of(at_once, data.y_test, classification=True) < 0.8:
        return  # one pass is not enough for this model
    fewer = data.y != labels[-1]
    parts = [(data.X, data.y), (data.X[fewer], data.y[fewer]), (data.X, data.y), (data.X[fewer], data.y[fewer])]
    model = _partially(subject, parts, data)
    answer = subject.answers(model, data.X_test, methods=("predict",))["predict"]
    if quality_of(answer, data.y_test, classification=True) < 0.5:
        raise Broken(
            "after batches with and without a class, all classes are told apart", f"{answer}", X=data.X, y=data.y
        )
    classes = getattr(model, "classes_", labels)
    if len(classes) != len(labels):
        raise Broken(f"classes given to the first partial_fit are known: {labels}", f"{classes}", X=data.X, y=data.y)


def _counts_rows(subject: Subject, data: Data) -> None:
    """A model to which the order of batches is all the same adds up rows: batches of any size give what one gives."""
    few, rest = (data.X[:6], data.y[:6]), (data.X[6:], data.y[6:])
    models = [_partially(subject, parts, data) for parts in ([few, rest], [rest, few], [(data.X, data.y)])]
    one, other, at_once = (subject.answers(model, data.X_test) for model in models)
    try:
        same(other, one, "", tolerance=1e-7)
    except Broken:
        return
    same(one, at_once, "batches of 6 rows and of the rest give what one batch of all gives", tolerance=1e-5, X=data.X)


def _partially(subject: Subject, parts: list[tuple[Any, Any]], data: Data) -> Any:
    import inspect

    model = subject.build()
    takes = "classes" in inspect.signature(model.partial_fit).parameters
    for number, (X, y) in enumerate(parts):
        first = {"classes": np.unique(data.y)} if takes and number == 0 else {}
        with seeded(0):
            try:
                model.partial_fit(X, y, **first)
            except ValueError as error:
                if number:
                    raise Broken("a later batch of known labels is taken", f"ValueError: {error}", X=X, y=y) from error
                raise NotApplicable(f"partial_fit refuses its data: {error}") from error
    return model


LAWS = (
    learns,
    every_column_counts,
    every_kind_of_column_counts,
    every_row_counts,
    every_row_of_many_counts,
    partial_fit_accumulates,
)
