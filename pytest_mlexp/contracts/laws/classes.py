"""Laws on classes that differ in more than their place: in spread, and in number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_mlexp.contracts.data import Array, Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

NEEDS = ("trained", "learns", "generated", "numeric", "classifier", "own_code")
ROWS, APART, WIDE = 120, 3.0, 4.0
RECALL = 0.5
RARE, SLACK = 0.15, 0.02


@law("A class of little spread beside one of much is not given to that one.", needs=NEEDS)
def narrow_class_is_recalled(subject: Subject, case: Case) -> None:
    data = _two_classes(subject, case)
    columns = data.X.shape[1]
    rng = np.random.default_rng(case.seed)
    wide = np.arange(2 * ROWS) % 2
    X = rng.normal(size=(2 * ROWS, columns)) * np.where(wide, WIDE, 1.0)[:, None] + APART * wide[:, None]
    y = np.unique(data.y)[wide]
    found = _predicted(subject, Data(X[:ROWS], y[:ROWS], X[ROWS:], y[ROWS:]))
    recalls = [float(np.mean(found[y[ROWS:] == label] == label)) for label in np.unique(y)]
    if recalls[0] < RECALL and recalls[1] > 1 - RECALL:
        claim = f"most rows of a class of spread 1 are told from those of one of spread {WIDE:g} that is {APART:g} off"
        raise Broken(claim, f"{recalls[0]:.0%} of them are", X=X[:ROWS], y=y[:ROWS])


@law("Balanced weights of classes give a rare class no less than equal weights.", needs=("set_params", *NEEDS))
def balanced_weights_help_the_rare(subject: Subject, case: Case) -> None:
    data = _two_classes(subject, case)
    if "class_weight" not in subject.build().get_params() or not hasattr(subject.fitted(data), "predict_proba"):
        raise NotApplicable("it has no class_weight, or no probabilities")
    rng = np.random.default_rng(case.seed)
    rare = rng.random(2 * ROWS) < RARE
    X = rng.normal(size=(2 * ROWS, data.X.shape[1])) + 1.0 * rare[:, None] * (np.arange(data.X.shape[1]) < 1)
    y, given = np.unique(data.y)[rare.astype(int)], []
    for weight in (None, "balanced"):
        model = subject.build().set_params(class_weight=weight)
        fitted = subject.try_fit(X[:ROWS], y[:ROWS], doing=f"class_weight={weight!r}", model=model)
        if isinstance(fitted, Refused):
            raise NotApplicable(f"refuses class_weight={weight!r}: {fitted}")
        proba = subject.answers(fitted, X[ROWS:], methods=("predict_proba",))["predict_proba"]
        given.append(float(np.mean(proba[:, 1])))
    if given[1] < given[0] - SLACK:
        claim = f"with class_weight='balanced' a class of {RARE:.0%} of the rows gets no less probability than without"
        raise Broken(claim, f"{given[1]:.3f} on average instead of {given[0]:.3f}", X=X[:ROWS], y=y[:ROWS])


def _two_classes(subject: Subject, case: Case) -> Data:
    data = subject.data(replace(case, classes=2))
    if subject.declares.positive_only or subject.declares.categorical:
        raise NotApplicable("its inputs are codes, or never negative")
    return data


def _predicted(subject: Subject, data: Data) -> Array:
    model = subject.try_fit(data.X, data.y, doing="a fit on a narrow and a wide class")
    if isinstance(model, Refused):
        raise NotApplicable(f"refuses the data of this law: {model}")
    return subject.answers(model, data.X_test, methods=("predict",))["predict"]


LAWS = (narrow_class_is_recalled, balanced_weights_help_the_rare)
