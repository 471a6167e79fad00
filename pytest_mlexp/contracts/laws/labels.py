"""Laws on classes: labels keep their type, names mean nothing, probabilities are probabilities."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pytest_mlexp.contracts.compare import same, tied
from pytest_mlexp.contracts.data import Case, Data, as_labels, between, fit_case
from pytest_mlexp.contracts.fitted import Answers
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

Array = np.ndarray[Any, np.dtype[Any]]
# In each kind the order of the labels is the order of the classes.
KINDS: dict[str, tuple[Any, ...]] = {
    "words of different case, length and alphabet": ("Zü", "bb b ", "école longue"),
    "digits as objects": ("1", "10", "9"),
    "booleans": (False, True),
    "minus one and one": (-1, 1),
    "one and two": (1, 2),
    "large numbers": (2**53 + 1, 2**53 + 3, 2**60 + 1),
    "whole floats with gaps, negative ones too": (-7.0, -1.0, 4.0),
    "small unsigned numbers": tuple(np.array([3, 200, 255], dtype=np.uint8)),
}
SUM = 1e-5
NEAR = 1e-3


@law("Predicted labels are training labels, of their own type, and the right ones.", needs=("classifier",))
def labels_keep_their_type(subject: Subject, case: Case) -> None:
    for kind, labels, data in _named_fits(subject, case):
        answer = subject.expected(data)["predict"]
        known = {(type(label), label) for label in np.unique(data.y).tolist()}
        for value in answer.ravel().tolist():
            if (type(value), value) not in known:
                raise Broken(
                    f"trained on {kind} {labels!r}, it predicts those, as {type(labels[0]).__name__}",
                    f"it predicts {value!r} ({type(value).__name__}, {answer.dtype})",
                    X=data.X,
                    y=data.y,
                )
        classes = getattr(subject.fit_of(data).model, "classes_", None)
        if classes is not None and sorted(map(repr, np.asarray(classes).ravel().tolist())) != sorted(
            repr(label) for _, label in known
        ):
            raise Broken(f"classes_ are the training labels {labels!r}", f"{classes!r:.120}", X=data.X, y=data.y)


@law(
    "Renaming the classes renames the predictions and leaves the probabilities.", needs=("classifier", "deterministic")
)
def renaming_classes(subject: Subject, case: Case) -> None:
    plain: dict[int, Answers] = {}
    for kind, labels, data in _named_fits(subject, case):
        classes = len(np.unique(data.y))
        if classes not in plain:
            reference = subject.data(_case(case, classes))
            plain[classes] = subject.expected(reference)
        want = dict(plain[classes])
        want["predict"] = as_labels(want["predict"].astype(int), np.unique(data.y))
        got = subject.expected(data)
        claim = f"classes named {kind} {labels!r} get the predictions of classes 0, 1, ... under their new names"
        same(got, want, claim, tolerance=1e-7, X=data.X, y=data.y)


def _named_fits(subject: Subject, case: Case) -> Iterator[tuple[str, tuple[Any, ...], Data]]:
    """Data with labels of each kind that the model does not refuse to be fitted on."""
    judged = 0
    for kind, labels in KINDS.items():
        classes = fit_case(subject.declares, case).classes
        if classes > len(labels) and subject.declares.classes is not None:
            continue
        classes = min(len(labels), classes)
        data = subject.data(_case(case, classes), labels=_array(kind, labels[:classes]))
        try:
            subject.fit_of(data)
        except NotApplicable:
            continue
        judged += 1
        yield kind, labels[:classes], data
    if not judged:
        raise NotApplicable("refuses labels of every kind")


def _array(kind: str, labels: tuple[Any, ...]) -> Any:
    return np.array(labels, dtype=object) if kind == "digits as objects" else np.array(labels)


def _case(case: Case, classes: int) -> Case:
    from dataclasses import replace

    return replace(case, classes=classes)


@law(
    "Probabilities lie in [0, 1], rows sum to one, and there is one column a class.",
    needs=("classifier", "predict_proba"),
    cases=2,
)
def probabilities(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    classes = len(np.unique(data.y))
    ordinary = subject.expected(data, model, methods=("predict_proba",))["predict_proba"]
    check_probabilities(ordinary, classes, "ordinary rows", data.X_test)
    if not isinstance(data.X_test, np.ndarray) or subject.declares.columns is not None or subject.declares.categorical:
        return
    odd = {
        "rows between the classes": between(data.X_test),
        "rows of another scale": data.X_test * 20,
        "far outliers": data.X_test[:6] * 1e4,
        "zeros": data.X_test[:2] * 0,
    }
    # All at once; where that is refused, or wrong, each alone.
    every = {"odd rows of many kinds": np.concatenate(list(odd.values()))}
    try:
        if _proba_of(subject, model, every, classes):
            return
    except Broken:
        _proba_of(subject, model, odd, classes)
        raise
    _proba_of(subject, model, odd, classes)


def _proba_of(subject: Subject, model: Any, batches: dict[str, Any], classes: int) -> bool:
    """Whether the batches were taken; the probabilities of those that were are checked."""
    taken = True
    for what, X in batches.items():
        answers = subject.try_ask(model, X, doing=what, methods=("predict_proba",))
        if isinstance(answers, Refused):
            taken = False
        else:
            check_probabilities(answers["predict_proba"], classes, what, X)
    return taken


def check_probabilities(proba: Array, classes: int, what: str, X: Any) -> None:
    """Check range, sums and columns.

    Raises:
        Broken: something is off.
    """
    if proba.ndim != 2 or proba.shape[1] != classes:
        raise Broken(f"predict_proba of {what} has {classes} columns", f"shape {proba.shape}", X=X)
    if not np.isfinite(proba).all():
        raise Broken(f"probabilities of {what} are finite", f"{proba[~np.isfinite(proba).all(axis=1)][:2]}", X=X)
    if proba.min() < -1e-9 or proba.max() > 1 + SUM:
        raise Broken(f"probabilities of {what} lie in [0, 1]", f"from {proba.min():.6g} to {proba.max():.6g}", X=X)
    sums = proba.sum(axis=1, dtype=float)
    if np.abs(sums - 1).max() > SUM:
        worst = int(np.abs(sums - 1).argmax())
        raise Broken(f"probabilities of {what} sum to one in each row", f"row {worst} sums to {sums[worst]:.9g}", X=X)


@law("The class with the best score is the one that is predicted, away from ties.", needs=("classifier",), cases=2)
def best_score_is_predicted(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    classes = getattr(model, "classes_", None)
    if classes is None or not (hasattr(model, "predict_proba") or hasattr(model, "decision_function")):
        raise NotApplicable("it has no classes_ with scores")
    methods = subject.methods(model)
    found = [(data.X_test, subject.expected(data, model, methods=methods))]
    if isinstance(data.X_test, np.ndarray) and subject.declares.columns is None and not subject.declares.categorical:
        rows = between(data.X_test)
        found.append((rows, subject.try_ask(model, rows, doing="rows between the classes", methods=methods)))
    for X, answers in found:
        if isinstance(answers, Refused):
            continue
        away = ~tied(answers, len(answers["predict"]), tolerance=subject.declares.tolerance)
        for method in ("predict_proba", "decision_function"):
            scores = answers.get(method)
            if scores is None or (scores.ndim == 2 and scores.shape[1] != len(classes)):
                continue
            best = np.asarray(classes)[scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).astype(int)]
            wrong = np.flatnonzero((best != answers["predict"]) & away)
            if wrong.size:
                row = int(wrong[0])
                raise Broken(
                    f"predict gives the class with the best {method}, columns in the order of classes_ {classes!r:.60}",
                    f"row {row} is predicted {answers['predict'][row]!r} with scores {scores[row]}",
                    X=X,
                )


@law(
    "Logarithms of probabilities are those of the probabilities.",
    needs=("predict_log_proba", "predict_proba"),
    cases=2,
)
def log_probabilities(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    want = subject.answers(model, data.X_test, methods=("predict_proba",))["predict_proba"]
    got = np.exp(subject.answers(model, data.X_test, methods=("predict_log_proba",))["predict_log_proba"])
    claim = "exp(predict_log_proba) is predict_proba"
    same({"predict_proba": got}, {"predict_proba": want}, claim, tolerance=SUM, X=data.X_test)


@law(
    "Probabilities can come near zero and one: they are not made of probabilities once more.",
    needs=("classifier", "predict_proba"),
)
def probabilities_of_scores(subject: Subject, case: Case) -> None:
    data = subject.data(_case(case, 2) if subject.declares.classes is None else case)
    model = subject.fitted(data)
    proba = subject.answers(model, data.X_test, methods=("predict_proba",))["predict_proba"]
    if proba.ndim != 2 or not (proba > 0).all():
        return
    # A softmax of numbers between 0 and 1 gives odds of e at most, and of nearly e where these are sure.
    odds = proba.max(axis=1) / proba.min(axis=1)
    if np.e * (1 - NEAR) < odds.max() < np.e * (1 + SUM) and np.mean(odds > np.e * 0.9) > 0.3:
        claim = "odds between classes are no softmax of probabilities, which are never larger than e = 2.718"
        raise Broken(claim, f"the largest odds of {len(odds)} rows are {odds.max():.4f}", X=data.X_test)


LAWS = (
    labels_keep_their_type,
    renaming_classes,
    probabilities,
    best_score_is_predicted,
    log_probabilities,
    probabilities_of_scores,
)
