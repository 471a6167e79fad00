"""The smallest loss that a comparison would have shown, all its looks counted.

Many futures of the comparison are played through, with the runs that its looks add. The variance between runs was
estimated from few of them, so each future has another one: drawn from what it may be given the estimate, under a
prior that falls as half-Cauchy's tail does (Gelman, Bayesian Analysis 1, 2006), and never below what single examples
give. The futures are always the same, a sequence that fills the space evenly (Halton, 1960).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pytest_mlexp.gates.statistics import Difference

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]

POWER = 0.80
_FUTURES = 1024
_ROUNDS = 8
_INVERSE_DF = np.linspace(0.0, 1.0, 201) ** 2


@dataclass(frozen=True)
class Look:
    """A look at a candidate: with how many runs, at which level, and how large the loss must be to go on."""

    runs: int
    level: float
    margin: float = 0.0


def smallest_visible(difference: Difference, looks: Sequence[Look], *, examples: int, bits: bool) -> float:
    """The loss that passes all looks as a regression with a probability of 80 %; infinite where none does.

    Args:
        difference: the comparison that was made.
        looks: the looks of the rule, in order; the last one decides.
        examples: how many were paired; 0 when only runs were compared.
        bits: whether scores are 0 or 1: a loss then flips examples, which is noise of its own.
    """
    if not math.isfinite(difference.examples) or (not examples and sum(difference.runs) + difference.lent <= 2):
        return math.inf
    futures = _Futures(difference, examples, bits=bits, runs=looks[-1].runs)
    lost = np.max([futures.loss_to_pass(look) for look in looks], axis=0)
    return float(np.quantile(futures.expected(lost), POWER))


class _Futures:
    """Noise of the runs that were made and of those that will be, in many futures at once; all shapes ``(n,)``."""

    def __init__(self, difference: Difference, examples: int, *, bits: bool, runs: int) -> None:
        from scipy.special import chdtri, ndtri

        self._found, self._examples, self._bits = difference, examples, bits
        baseline, first = difference.runs
        self._df = baseline + first - 2 + difference.lent
        chances = _evenly(4 + runs - first)
        normal: FloatArray = ndtri(chances[:, 1:])
        variance = np.full(_FUTURES, difference.within)
        if self._df:
            drawn = self._df * difference.spread / chdtri(self._df + 1, chances[:, 0])
            variance = np.maximum(variance, drawn)
        self._excess = difference.examples - difference.within * (1 / baseline + 1 / first)
        self._flips = normal[:, 0]
        self._rest = np.sqrt(max(0.0, self._excess) + variance / baseline) * normal[:, 1]
        self._first = np.sqrt(variance / first) * normal[:, 2]
        self._more = np.sqrt(variance)[:, None] * normal[:, 3:]

    def loss_to_pass(self, look: Look) -> FloatArray:
        """The loss of these examples from which a look is passed."""
        found, n = self._found, self._examples
        share = 1 / found.runs[0] + 1 / look.runs
        steady = self._excess + found.within * share
        mean, spread, df = self._runs_at(look)
        of_runs = np.maximum(0.0, spread - found.within) * share
        least = max(look.margin, self._fewest_flips(look.level))
        loss = np.full_like(mean, 0.5)  # the flips of a loss are noise that it must exceed: found from above
        for _ in range(_ROUNDS if self._bits else 1):
            of_rows = np.maximum(steady + self._of_flips(np.minimum(loss, 0.5)), self._least_error)
            total = of_rows + of_runs
            weight = (of_rows**2 / (n - 1) if n > 1 else 0.0) + ((spread * share) ** 2 / df if df else 0.0)
            inverse_df = np.divide(weight, total**2, out=np.zeros_like(total), where=total > 0)
            loss = np.maximum(_quantile(1 - look.level, inverse_df) * np.sqrt(total), least) + mean + self._rest
        return loss

    def expected(self, lost: FloatArray) -> FloatArray:
        """The true loss that shows as a loss of these examples, which it flips by chance (Wilson, 1927)."""
        if not self._bits:
            return lost
        n, z = self._examples, self._flips
        root = np.sqrt(self._of_flips(lost) + (z / (2 * n)) ** 2)
        found: FloatArray = (lost + z**2 / (2 * n) + z * root) / (1 + z**2 / n)
        return found

    def _of_flips(self, loss: FloatArray) -> FloatArray | float:
        """Variance that a loss brings by flipping examples."""
        share = np.clip(loss, 0.0, 1.0)
        return share * (1 - share) / self._examples if self._bits else 0.0

    @property
    def _least_error(self) -> float:
        return (0.5 / self._examples) ** 2 if self._bits else 0.0

    def _fewest_flips(self, level: float) -> float:
        """The least loss that the exact test of flips shows, where runs are all the same."""
        if not self._bits or self._found.spread or self._found.within:
            return 0.0
        return math.ceil(-math.log2(level) - 1) / self._examples

    def _runs_at(self, look: Look) -> tuple[FloatArray, FloatArray, int]:
        """Noise of the candidate's mean, and the variance between runs as it will be estimated, with its degrees."""
        first = self._found.runs[1]
        more = self._more[:, : look.runs - first]
        mean = (first * self._first + more.sum(axis=1)) / look.runs
        squares = first * (self._first - mean) ** 2 + ((more - mean[:, None]) ** 2).sum(axis=1)
        df = self._df + look.runs - first
        return mean, (self._df * self._found.spread + squares) / max(df, 1), df


@lru_cache(8)
def _evenly(dimensions: int) -> FloatArray:
    """Points of the unit cube, shape ``(_FUTURES, dimensions)``, none at its faces."""
    from scipy.stats import qmc

    points: FloatArray = qmc.Halton(dimensions, scramble=False).random(_FUTURES + 1)[1:]
    return points


def _quantile(probability: float, inverse_df: FloatArray) -> FloatArray:
    """Quantiles of Student's t distribution for many degrees of freedom, between those of a table."""
    return np.interp(inverse_df, _INVERSE_DF, _quantiles(probability))


@lru_cache(256)
def _quantiles(probability: float) -> FloatArray:
    from scipy.special import ndtri, stdtrit

    return np.array([ndtri(probability), *stdtrit(1 / _INVERSE_DF[1:], probability)])
