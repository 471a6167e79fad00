"""Laws on a class that few rows have: parts of a model that never saw it, and where it stands among the others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

MOST = {"predict_proba": 0.06, "predict": 0.15}  # a mean over rows


def one_row_of_the_last(subject: Subject, case: Case) -> Data:
    """Rows of ordinary classes, and one row of the last."""
    data = subject.data(replace(case, train_rows=60))
    common, few = np.flatnonzero(data.y != data.y.max()), np.flatnonzero(data.y == data.y.max())[:1]
    rows = np.sort(np.concatenate([common, few]))
    return Data(data.X[rows], data.y[rows], data.X_test, None, ("one row of the last class", data.key))


@law(
    "A class of one row leaves the others alone, whether its label comes first or last.",
    needs=("classifier", "numeric", "generated", "deterministic", "learns"),
)
def rare_class_anywhere(subject: Subject, case: Case) -> None:
    data = one_row_of_the_last(subject, case)
    labels, codes = np.unique(data.y, return_inverse=True)
    if len(labels) < 2:
        raise NotApplicable("there is one class only")
    first = Data(data.X, labels[::-1][codes], data.X_test, None, ("one row of the first class", data.key))
    shares = [_shares(subject, part, labels) for part in (data, first)]
    last, turned = shares[0], shares[1][::-1]
    method = "predict_proba" if hasattr(subject.fit_of(data).model, "predict_proba") else "predict"
    if not np.abs(last - turned).max() <= MOST[method]:
        claim = "rows of common classes get the same probabilities, whether the label of a class of one row is the last"
        seen = f"with the label first, the classes get {turned.round(3)} of them on average, else {last.round(3)}"
        raise Broken(f"{claim} or the first", seen, X=data.X, y=first.y)


def _shares(subject: Subject, data: Data, labels: Any) -> Any:
    """What each class gets of the rows of the others than the rare one, on average."""
    model = subject.tried(data, doing="a fit with a class of one row")
    if isinstance(model, Refused):
        raise NotApplicable(f"refuses a class of one row: {model}")
    values, counts = np.unique(data.y, return_counts=True)
    rows = data.X[data.y != values[counts.argmin()]]
    if hasattr(model, "predict_proba"):
        proba = subject.answers(model, rows, methods=("predict_proba",))["predict_proba"]
        if proba.shape != (len(rows), len(labels)):
            claim = f"with a class of one row, predict_proba has a column for each of {labels}"
            raise Broken(claim, f"shape {proba.shape}", X=data.X, y=data.y)
        means = dict(zip(np.asarray(getattr(model, "classes_", labels)).tolist(), proba.mean(axis=0), strict=True))
        return np.array([means.get(label, np.nan) for label in labels.tolist()])
    answer = subject.answers(model, rows, methods=("predict",))["predict"]
    return (answer[:, None] == labels).mean(axis=0)


LAWS = (rare_class_anywhere,)
