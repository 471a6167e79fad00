"""Laws on classes that overlap: where little is sure, the best answer is given, and the same one again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pytest_mlexp.contracts.compare import differs, tied
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.labels import check_probabilities
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

# Votes of the 3, 5, 4 or 6 nearest are tied, and so are those of 7 or 10 with others beside them.
COUNTS = ((1, 1, 1), (2, 2, 1), (3, 2, 2), (2, 2, 0), (2, 2, 2), (4, 4, 2))
DISTINCT = 12


def overlapping(subject: Subject, case: Case) -> Data:
    """The same few rows with other targets: of three classes each with every label, as often, or once more."""
    data = subject.data(replace(case, classes=3, train_rows=max(case.train_rows, DISTINCT)), clear=True)
    if subject.declares.task == "regression":
        fourfold, steps = np.repeat(np.arange(DISTINCT), 4), np.tile(np.arange(4.0), DISTINCT)
        y = data.y[fourfold] + np.multiply.outer(steps, data.y.std(axis=0))
        return Data(data.X[fourfold], y, data.X[:DISTINCT], None, ("overlapping", data.key))
    labels = np.unique(data.y)
    rows: list[int] = []
    codes: list[int] = []
    for row in range(DISTINCT):
        counts = np.roll(COUNTS[row % len(COUNTS)][: len(labels)], row // len(COUNTS))
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


@law("Ties between classes, or rows, are broken alike each time.", needs=("trained", "numeric", "generated"))
def ties_are_broken_alike(subject: Subject, case: Case) -> None:
    data = overlapping(subject, case)
    model = subject.tried(data, doing="a fit on rows of several targets")
    if isinstance(model, Refused):
        raise NotApplicable(f"refuses rows of several targets: {model}")
    first = subject.try_ask(model, data.X_test, doing="rows of several targets", methods=("predict",))
    again = subject.try_ask(model, data.X_test, doing="rows of several targets", methods=("predict",))
    if isinstance(first, Refused) or isinstance(again, Refused):
        raise NotApplicable("refuses these rows")
    off = differs(again["predict"], first["predict"], tolerance=1e-9)
    other = np.flatnonzero(off.reshape(len(off), -1).any(axis=1))
    if other.size:
        some = other[:3]
        raise Broken(
            "a second call gives what the first gave, also where classes or rows are tied",
            f"rows {some.tolist()} are {again['predict'][some]!r} after {first['predict'][some]!r}",
            X=data.X_test[some],
        )
    if subject.declares.task == "classification":
        _alike_in_the_reverse_order(subject, model, data, first["predict"])


def _alike_in_the_reverse_order(subject: Subject, model: Any, data: Data, labels: Any) -> None:
    """Rows whose scores are the same to the last digit get the same label wherever they stand in the batch."""
    scores = [method for method in subject.methods(model) if method != "predict"]
    if not scores:
        return
    forth, back = (subject.answers(model, X, methods=tuple(scores)) for X in (data.X_test, data.X_test[::-1].copy()))
    exact = np.ones(len(labels), dtype=bool)
    for method in scores:
        same_score = forth[method] == back[method][::-1]
        exact &= same_score.reshape(len(labels), -1).all(axis=1)
    turned = subject.answers(model, data.X_test[::-1].copy(), methods=("predict",))["predict"][::-1]
    other = np.flatnonzero((turned != labels) & exact)
    if other.size:
        some = other[:3]
        claim = "rows of the same scores get the same labels, wherever they stand among others"
        seen = f"rows {some.tolist()} are {turned[some]!r} in the reverse order, and {labels[some]!r} else"
        raise Broken(claim, seen, X=data.X_test[some])


LAWS = (unsure_rows, ties_are_broken_alike)
