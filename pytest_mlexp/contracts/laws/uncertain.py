"""Laws on classes that overlap: where little is sure, the best answer is given, and the same one again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_mlexp.contracts.compare import tied
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.labels import check_probabilities
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

COUNTS = ((1, 1, 1), (2, 2, 1), (3, 2, 2))
DISTINCT = 12


def overlapping(subject: Subject, case: Case) -> Data:
    """Three classes of the same few rows: each row stands there with every label, as often, or once more."""
    data = subject.data(replace(case, classes=3, train_rows=max(case.train_rows, DISTINCT)), clear=True)
    labels = np.unique(data.y)
    rows: list[int] = []
    codes: list[int] = []
    for row in range(DISTINCT):
        counts = np.roll(COUNTS[row % 3][: len(labels)], row // 3)
        rows += [row] * int(counts.sum())
        codes += np.repeat(np.arange(len(labels)), counts).tolist()
    order = np.random.default_rng(case.seed).permutation(len(rows))
    asked = np.concatenate([data.X[:DISTINCT], data.X_test, (data.X_test + data.X_test.mean(axis=0)) / 2])
    asked = asked if subject.declares.spread == 1 and not subject.declares.categorical else data.X[:DISTINCT]
    return Data(data.X[rows][order], labels[codes][order], asked, None, ("overlapping", data.key))


@law(
    "Where no class is likely, the likeliest one is still the one that is predicted.",
    needs=("classifier", "numeric", "generated", "predict_proba"),
)
def unsure_rows(subject: Subject, case: Case) -> None:
    data = overlapping(subject, case)
    model = subject.tried(data, doing="a fit on classes that overlap")
    if isinstance(model, Refused):
        raise NotApplicable(f"refuses classes that overlap: {model}")
    methods = ("predict", "predict_proba")
    answers = subject.try_ask(model, data.X_test, doing="rows of classes that overlap", methods=methods)
    classes = getattr(model, "classes_", None)
    if isinstance(answers, Refused) or classes is None:
        raise NotApplicable("it has no classes_, or refuses these rows")
    proba, label = answers["predict_proba"], answers["predict"]
    check_probabilities(proba, len(np.unique(data.y)), "rows of classes that overlap", data.X_test)
    best = np.asarray(classes)[proba.argmax(axis=1)]
    away = ~tied({"predict_proba": proba}, len(label), tolerance=subject.declares.tolerance)
    wrong = np.flatnonzero((best != label) & away)
    if wrong.size:
        row = int(wrong[0])
        raise Broken(
            "predict gives the class with the best predict_proba where the classes overlap too",
            f"row {row} is predicted {label[row]!r} with the probabilities {proba[row]} of {classes!r:.60}",
            X=data.X,
            y=data.y,
        )


@law("Ties between classes are broken alike each time.", needs=("classifier", "numeric", "generated"))
def ties_are_broken_alike(subject: Subject, case: Case) -> None:
    data = overlapping(subject, case)
    model = subject.tried(data, doing="a fit on classes that overlap")
    if isinstance(model, Refused):
        raise NotApplicable(f"refuses classes that overlap: {model}")
    first = subject.try_ask(model, data.X_test, doing="rows of classes that overlap", methods=("predict",))
    again = subject.try_ask(model, data.X_test, doing="rows of classes that overlap", methods=("predict",))
    if isinstance(first, Refused) or isinstance(again, Refused):
        raise NotApplicable("refuses these rows")
    other = np.flatnonzero(first["predict"] != again["predict"])
    if other.size:
        some = other[:3]
        raise Broken(
            "a second call gives the labels that the first gave, also where classes are tied",
            f"rows {some.tolist()} are {again['predict'][some]!r} after {first['predict'][some]!r}",
            X=data.X_test[some],
        )


LAWS = (unsure_rows, ties_are_broken_alike)
