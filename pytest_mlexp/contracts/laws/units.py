"""Laws on the unit of the targets: what is scaled on the way in is scaled back on the way out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.learning import quality_of
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

Array = np.ndarray[Any, np.dtype[Any]]
EXACT = 1e-6
SMALL, LEARNT = 2.0**-10, 0.5
OFF = 1e-3
NEAR, FAR_OFF, NEAR_MIRROR = 0.15, 0.4, 0.15
OTHER_UNITS = ((8.0, 1024.0), (2.0**-6, -16.0))  # factors and shifts of the targets


@law("Predictions come in the unit of the targets.", needs=("trained", "learns", "generated", "deterministic"))
def target_units(subject: Subject, case: Case) -> None:
    if subject.declares.task != "regression":
        raise NotApplicable("it is no regression")
    data = subject.data(case)
    plain = subject.expected(data, methods=("predict",))["predict"]
    if plain.dtype.kind != "f" or not np.ptp(plain):
        raise NotApplicable("it predicts one value")
    told = ""
    for factor, step in OTHER_UNITS:
        shift = 0.0 if subject.declares.positive_target else step
        other = _in_unit(data, factor, shift)
        if isinstance(subject.tried(other, doing="a fit on targets of another unit"), Refused):
            return
        got = subject.expected(other, methods=("predict",))["predict"]
        found = _rule(plain, got)
        # A model may learn something else in another unit; then no simple rule leads from one to the other.
        if found is None or _near(found, (factor, shift), plain):
            return
        told += f"targets times {factor:g} plus {shift:g} give predictions times {found[0]:g} plus {found[1]:g}; "
    claim = "trained on targets in another unit, it answers in that unit, wherever it learns the same"
    raise Broken(claim, told.rstrip("; "), X=data.X, y=data.y)


@law("Predictions have the scale of the targets.", needs=("trained", "learns", "generated", "regressor"))
def scale_of_targets(subject: Subject, case: Case) -> None:
    data, (factor, shift) = subject.data(case), OTHER_UNITS[0]
    other = _in_unit(data, factor, 0.0 if subject.declares.positive_target else shift)
    if isinstance(subject.tried(other, doing="a fit on large targets"), Refused):
        raise NotApplicable("refuses large targets")
    answer = subject.expected(other, methods=("predict",))["predict"]
    if quality_of(answer, other.y_test, classification=False) < 0.99:
        raise NotApplicable("it does not learn large targets so well that their scale could be told")
    ratio = float(np.std(answer)) / float(np.std(other.y_test))
    if not 0.2 < ratio < 5:
        claim = "predictions that go with large targets in all rows are as large"
        raise Broken(claim, f"their spread is {ratio:.3g} times that of the targets", X=other.X, y=other.y)


@law(
    "Predictions have the level of the targets, also of small ones.",
    needs=("learns", "generated", "regressor", "own_code"),
)
def level_of_targets(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    if np.ndim(data.y) != 1:
        raise NotApplicable("it has several targets")
    least, spread = float(min(data.y.min(), data.y_test.min())), float(np.std(data.y))
    small = _in_unit(data, SMALL, SMALL * (spread - least))
    if isinstance(subject.tried(small, doing="a fit on small targets"), Refused):
        raise NotApplicable("refuses small targets")
    answer = subject.expected(small, methods=("predict",))["predict"]
    if answer.shape != small.y_test.shape or not np.ptp(answer):
        raise NotApplicable("it predicts one value")
    together = float(np.corrcoef(answer, small.y_test)[0, 1])
    off = abs(float(np.mean(answer - small.y_test))) / (SMALL * spread)
    if together > LEARNT and off > 2:
        claim = "predictions that go with small targets in all rows are as large on average"
        raise Broken(claim, f"they are off by {off:.3g} times the spread of the targets", X=small.X, y=small.y)


@law("Outliers below the targets count like outliers above.", needs=("learns", "generated", "own_code"))
def outliers_of_both_sides(subject: Subject, case: Case) -> None:
    if subject.declares.task != "regression" or subject.declares.positive_target or not subject.trains:
        raise NotApplicable("it is no regression, or of positive targets")
    data = subject.data(replace(case, train_rows=96))
    if np.ndim(data.y) != 1:
        raise NotApplicable("it has several targets")
    off = []
    for side in (-1, 1):
        y = data.y.copy()
        y[::24] += side * 20 * np.std(data.y)
        off.append(_off(subject, replace(data, y=y)))
    if min(off) < NEAR and max(off) > FAR_OFF and _predicts_the_middle(subject, data, case):
        claim = "a model that outliers above do not move is not moved by outliers below, and the other way round"
        told = f"answers are off by {off[0]:.3g} of the spread of the targets with outliers below, {off[1]:.3g} above"
        raise Broken(claim, told, X=data.X, y=data.y)


def _off(subject: Subject, data: Data, sign: int = 1) -> float:
    """How far answers to targets times ``sign`` are from true, as a share of the spread of these; signs are counted."""
    model = subject.try_fit(data.X, sign * data.y, doing="a fit on outliers")
    if isinstance(model, Refused):
        raise NotApplicable(f"refuses the targets of this law: {model}")
    answer = sign * subject.answers(model, data.X_test, methods=("predict",))["predict"]
    return abs(float(np.median(answer - data.y_test))) / max(float(np.std(data.y_test)), 1e-12)


def _predicts_the_middle(subject: Subject, data: Data, case: Case) -> bool:
    """Whether it predicts the middle of what is spread, and not a high quantile or the like."""
    noise = 0.5 * np.std(data.y) * np.random.default_rng(case.seed).normal(size=len(data.y))
    noisy = replace(data, y=data.y + noise)
    return _off(subject, noisy) < NEAR_MIRROR and _off(subject, noisy, -1) < NEAR_MIRROR


def _in_unit(data: Data, factor: float, shift: float) -> Data:
    y, y_test = (factor * part + shift for part in (data.y, data.y_test))
    return Data(data.X, y, data.X_test, y_test, ("another unit", factor, data.key))


def _rule(plain: Array, got: Array) -> tuple[float, float] | None:
    """The factor and the shift that lead from one to the other in every row; None where none do."""
    one, other = plain.ravel().astype(float), got.ravel().astype(float)
    if one.shape != other.shape or not np.isfinite(other).all():
        return None
    (factor, shift), *_ = np.linalg.lstsq(np.column_stack([one, np.ones_like(one)]), other, rcond=None)
    exact = np.abs(factor * one + shift - other).max() <= EXACT * np.std(other)
    return (float(factor), float(shift)) if exact else None


def _near(found: tuple[float, float], wanted: tuple[float, float], plain: Array) -> bool:
    """Whether two rules make about the same of predictions."""
    one, other = (factor * plain + shift for factor, shift in (found, wanted))
    return bool(np.abs(one - other).max() <= OFF * np.std(other))


LAWS = (target_units, scale_of_targets, level_of_targets, outliers_of_both_sides)
