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
_HOPELESS = 1e12
_POINTS, _WEIGHTS = np.polynomial.legendre.leggauss(24)


@dataclass(frozen=True)
class Look:
    """A look at a candidate: with how many runs, at which level, and how large the loss must be to go on."""

    runs: int
    level: float
    margin: float = 0.0


def smallest_visible(difference: Difference, looks: Sequence[Look], *, examples: int, bits: bool) -> float:
    """The loss that passes all looks as a regression with a probability of 80 %.

    The differences at the looks are jointly normal with the variances that were estimated; a look with more
    runs holds those of the looks before it.

    Args:
        difference: the comparison that was made.
        looks: the looks of the rule, in order; the last one decides.
        examples: how many were paired; 0 when only runs were compared.
        bits: whether scores are 0 or 1: a loss then flips examples, which is noise of its own.
    """
    if not examples and difference.runs[0] + looks[0].runs <= 2:
        return math.inf
    low, high = 0.0, 1.0
    while _power(difference, looks, examples, bits=bits, loss=high) < POWER:
        low, high = high, 4 * high
        if high > _HOPELESS:
            return math.inf
    for _ in range(30):
        middle = (low + high) / 2
        enough = _power(difference, looks, examples, bits=bits, loss=middle) >= POWER
        low, high = (low, middle) if enough else (middle, high)
    is_exact = bits and not difference.between and not difference.within
    fewest = math.ceil(-math.log2(looks[-1].level) - 1) / examples if is_exact else 0.0
    return max(high, fewest)


def _power(difference: Difference, looks: Sequence[Look], examples: int, *, bits: bool, loss: float) -> float:
    """Probability that the observed loss exceeds its limit at every look."""
    flipped = loss * max(0.0, 1 - loss) / examples if bits else 0.0
    planned = (_error_and_limit(difference, look, examples, flipped) for look in looks)
    errors, limits = zip(*planned, strict=True)
    if not all(map(math.isfinite, (*errors, *limits))):
        return 0.0
    return float(_passing(np.array([loss]), len(errors) - 1, errors, limits)[0])


def _error_and_limit(difference: Difference, look: Look, examples: int, flipped: float) -> tuple[float, float]:
    """The standard error that a look has, and the loss from which it goes on."""
    baseline, candidate = difference.runs
    before, share = 1 / baseline + 1 / candidate, 1 / baseline + 1 / look.runs
    rows = max(0.0, difference.examples - difference.within * before) + difference.within * share + flipped
    total = rows + difference.between * share
    spread = (difference.between + difference.within) * share
    df_runs = baseline + look.runs - 2.0
    parts = [(rows, examples - 1.0)] if examples > 1 else []
    df = degrees(total, *parts, (spread, df_runs)) if df_runs else degrees(total, *parts)
    error = math.sqrt(total)
    return error, max(quantile(1 - look.level, df) * error, look.margin)


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
