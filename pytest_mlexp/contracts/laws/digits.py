"""Laws on lost digits: columns far from zero, in double and in single precision, are the columns that they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.degenerate import alike, scored
from pytest_mlexp.contracts.single import NETWORKS, TREES, holds
from pytest_mlexp.contracts.subject import Subject

NEEDS = ("trained", "numeric", "generated", "deterministic")
GRID = 2.0**-10
OFFSET = 2.0**25  # as of times in seconds and of identifiers; distances of scikit-learn's support vectors bear it
SINGLE_OFFSET = 1e4
SINGLE_TOLERANCE = 1e-5
USUAL, SMALL, STEPS = (
    2.0**-7,
    2.0**-16,
    9,
)  # a floor of 1e-12 under a variance, or of 1e-8 under a spread, is usual and lawful
SLACK = {"classification": 0.1, "regression": 0.2}
SINGLE_SLACK = 0.02


@law("A model to which a shift is all the same does not lose its digits far from zero.", needs=NEEDS)
def digits_far_from_zero(subject: Subject, case: Case) -> None:
    data = _usual(subject, case)
    plain = _answers(subject, data)
    if subject.declares.tolerance >= SINGLE_TOLERANCE:
        raise NotApplicable("its tolerance is that of single precision, which has no digits left there")
    # On a grid, so that the shift is exact.
    X, X_test = (np.rint(part / GRID) * GRID + OFFSET for part in (data.X, data.X_test))
    got = scored(subject, Data(X, data.y, X_test, None, ("far from zero", data.key)))
    slack = SLACK[subject.declares.task or "regression"]
    if got is None or alike(got, plain, slack):
        return
    if holds(subject.fitted(data), NETWORKS + TREES) and alike(got, _as_single(subject, data, X, X_test), slack):
        return
    _else_alike(subject, subject.data(case, shift=64.0), plain)
    claim = f"inputs with {OFFSET:g} added are answered like those without, as inputs with 64 added are, or refused"
    raise Broken(claim, f"{got[:4]} instead of {plain[:4]}", X=X, y=data.y)


def _as_single(subject: Subject, data: Data, X: Any, X_test: Any) -> Any:
    """What a model that keeps its inputs in single precision, as trees of libraries do, is left with."""
    rounded = [part.astype(np.float32).astype(float) - OFFSET for part in (X, X_test)]
    return scored(subject, Data(rounded[0], data.y, rounded[1], None, ("in single precision", data.key)))


@law("Trained on float32 it is about the model of the same numbers as float64, also away from zero.", needs=NEEDS)
def single_precision_at_fit(subject: Subject, case: Case) -> None:
    data = _usual(subject, case)
    double = subject.data(case, shift=SINGLE_OFFSET)
    want = _answers(subject, double)
    single = Data(double.X.astype(np.float32), double.y, double.X_test, None, ("single", double.key))
    got = scored(subject, single)
    if got is None or alike(got, want, SINGLE_SLACK):
        return
    _else_alike(subject, data, want)
    claim = "trained on float32 inputs around 10000, it answers about as trained on the same numbers in float64"
    raise Broken(claim, f"{got[:4]} instead of {want[:4]}", X=single.X, y=double.y)


@law("What is learnt in one unit is learnt in a unit that is larger by far.", needs=(*NEEDS, "learns"))
def small_units(subject: Subject, case: Case) -> None:
    data = _usual(subject, case)
    if np.ndim(data.y) != 1:
        raise NotApplicable("it has several targets")
    plain = _answers(subject, data)
    classifies = subject.declares.task == "classification"
    if classifies:  # what asks for this scale is needed for others already
        _else_alike(subject, subject.data(case, scale=USUAL), plain)
    got = scored(subject, subject.data(case, scale=SMALL))
    if got is None:
        return
    lost = _lost_classes(got, plain) if classifies else _lost(got, plain, data.y_test)
    if lost is None:
        return
    for larger in (SMALL * 2.0**step for step in range(1, STEPS)):
        answers = scored(subject, subject.data(case, scale=larger))
        if answers is None or (_lost_classes(answers, plain) if classifies else _lost(answers, plain, data.y_test)):
            continue
        # A penalty takes over little by little, and is to be seen in larger units; a mistake need not be.
        slack = min((larger / USUAL) ** 2 / 100, 1e-5)
        _else_alike(subject, subject.data(case, scale=USUAL), plain, slack=slack)
        claim = f"inputs that are {SMALL:.2g} of their usual size are learnt from, as those of {larger:.2g} of it are"
        raise Broken(claim, lost, y=data.y)


def _lost(got: Any, plain: Any, y: Any) -> str | None:
    usual, error = (float(np.mean((answer - y) ** 2) / np.var(y)) for answer in (plain, got))
    if error < 0.1 or error < 3 * usual:
        return None
    return f"a mean squared error of {error:.3g} times the variance instead of {usual:.3g}"


def _lost_classes(got: Any, plain: Any) -> str | None:
    return None if alike(got, plain, SLACK["regression"]) else f"{got[:4]} instead of {plain[:4]}"


def _usual(subject: Subject, case: Case) -> Data:
    if subject.declares.categorical or subject.declares.spread < 1:
        raise NotApplicable("its data have one scale")
    return subject.data(case)


def _answers(subject: Subject, data: Data) -> Any:
    found = scored(subject, data)
    if found is None:
        raise NotApplicable("refuses the data of this law")
    return found


def _else_alike(subject: Subject, data: Data, plain: Any, *, slack: float = 1e-3) -> None:
    """Nothing is asked of a model whose answers change with moderate shifts and scales already."""
    if not alike(scored(subject, data), plain, slack):
        raise NotApplicable("moderate shifts and scales of its inputs change its answers")


LAWS = (digits_far_from_zero, single_precision_at_fit, small_units)
