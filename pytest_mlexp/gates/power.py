"""The smallest loss that a comparison would have shown, all its looks counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pytest_mlexp.gates.statistics import Difference, degrees, quantile

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]

POWER = 0.80
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(24)


@dataclass(frozen=True)
class Look:
    """A look at a candidate: with how many runs, at which level, and how large the loss must be to go on."""

    runs: int
    level: float
    margin: float = 0.0


def smallest_visible(difference: Difference, looks: Sequence[Look], *, examples: int, binary: bool) -> float:
    """The loss that passes all looks as a regression with a probability of 80 %.

    The differences at the looks are jointly normal with the variances that were estimated; a look with more
    runs holds those of the looks before it.

    Args:
        difference: the comparison that was made.
        looks: the looks of the rule, in order; the last one decides.
        examples: how many were paired.
        binary: whether scores are 0 or 1 and the same in all runs, so that the exact test has a say.
    """
    errors, limits = zip(*(_error_and_limit(difference, look, examples) for look in looks), strict=True)
    if not all(map(math.isfinite, (*errors, *limits))):
        return math.inf
    low, high = 0.0, max(limits) + 4 * max(errors)
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if _power(middle, errors, limits) >= POWER else (middle, high)
    fewest = math.ceil(-math.log2(looks[-1].level) - 1) / examples if binary else 0.0
    return float(max(high, fewest))


def _error_and_limit(difference: Difference, look: Look, examples: int) -> tuple[float, float]:
    """The standard error that a look has, and the loss from which it goes on."""
    baseline, candidate = difference.runs
    before, share = 1 / baseline + 1 / candidate, 1 / baseline + 1 / look.runs
    rows = max(0.0, difference.examples - difference.within * before) + difference.within * share
    total = rows + difference.between * share
    df_runs = baseline + look.runs - 2.0
    if examples:
        spread = (difference.between + difference.within) * share if df_runs else 0.0
        df = degrees(total, (rows, max(examples - 1.0, 1.0)), (spread, max(df_runs, 1.0)))
    else:
        df = df_runs
    if df <= 0:
        return math.inf, math.inf
    error = math.sqrt(total)
    return error, max(quantile(1 - look.level, df) * error, look.margin)


def _power(loss: float, errors: Sequence[float], limits: Sequence[float]) -> float:
    """Probability that the observed loss exceeds its limit at every look."""
    return float(_passing(np.array([loss]), len(errors) - 1, errors, limits)[0])


def _passing(means: FloatArray, look: int, errors: Sequence[float], limits: Sequence[float]) -> FloatArray:
    """Probability of passing this look and all before it, given the expectation that the later ones leave here."""
    from scipy.special import ndtr

    later = errors[look + 1] if look + 1 < len(errors) else 0.0
    sd = math.sqrt(max(errors[look] ** 2 - later**2, 0.0))
    limit = limits[look]
    if sd == 0.0:
        before = _passing(means, look - 1, errors, limits) if look else np.ones_like(means)
        return np.where(means >= limit, before, 0.0)
    if look == 0:
        passed: FloatArray = ndtr((means - limit) / sd)
        return passed
    low, high = np.maximum(limit, means - 6 * sd), np.maximum(limit, means + 6 * sd)
    points = ((high + low) / 2)[:, None] + ((high - low) / 2)[:, None] * _POINTS
    density = np.exp(-(((points - means[:, None]) / sd) ** 2) / 2) / (sd * math.sqrt(2 * math.pi))
    before = _passing(points.ravel(), look - 1, errors, limits).reshape(points.shape)
    integral: FloatArray = (density * before) @ _WEIGHTS * (high - low) / 2
    return integral
