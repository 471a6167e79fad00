"""Laws on the unit of the targets: what is scaled on the way in is scaled back on the way out."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

Array = np.ndarray[Any, np.dtype[Any]]
EXACT = 1e-6
OFF = 1e-3
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
        other = Data(data.X, factor * data.y + shift, data.X_test, None, ("another unit", factor, data.key))
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


LAWS = (target_units,)
