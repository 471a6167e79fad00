"""The paired test: baseline and candidate on the same examples, with the noise of examples and of training.

Values are oriented before they come here: higher is better. Everything is in closed form, so the same
inputs give the same result in every process.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Side:
    """One side of a comparison: its runs, and the contributions of its examples averaged over them.

    Attributes:
        runs: the metric of each run, shape ``(runs,)``.
        mean: contributions averaged over runs, shape ``(examples,)``; None where there is only a number a run.
        residual: variance of one contribution that is left when run and example are accounted for.
    """

    runs: FloatArray
    mean: FloatArray | None = None
    residual: float = 0.0

    @classmethod
    def of(cls, values: FloatArray) -> Side:
        """A side from the table of its contributions, shape ``(runs, examples)``."""
        means, mean = values.mean(axis=1), values.mean(axis=0)
        runs, examples = values.shape
        if (values == values[0]).all():  # the mean of equal numbers may differ from them in the last bit
            return cls(means, values[0])
        if examples < 2:
            return cls(means, mean)
        rest = values - means[:, None] - mean[None, :] + values.mean()
        return cls(means, mean, float((rest**2).sum() / ((runs - 1) * (examples - 1))))

    def joined(self, other: Side) -> Side:
        """The runs of both on the same examples, as one side."""
        mine, theirs = self.runs.size, other.runs.size
        mean = None
        if self.mean is not None and other.mean is not None:
            mean = (mine * self.mean + theirs * other.mean) / (mine + theirs)
        residual = _pooled([(mine - 1, self.residual), (theirs - 1, other.residual)])
        return Side(np.concatenate([self.runs, other.runs]), mean, residual)

    def oriented(self, sign: float) -> Side:
        """The side with all values multiplied by 1 or -1."""
        return Side(sign * self.runs, None if self.mean is None else sign * self.mean, self.residual)

    @property
    def value(self) -> float:
        """The metric, averaged over the runs."""
        return float(self.runs.mean())


@dataclass(frozen=True)
class Difference:
    """Candidate minus baseline, with its noise.

    Attributes:
        value: the difference; positive is better.
        examples: variance of the difference that comes from the choice of examples; of timings, from the machine.
        spread: variance between the runs of one side.
        within: what of it the row-by-row residual of a single run gives.
        runs: number of runs of the baseline and of the candidate.
        df: Welch-Satterthwaite degrees of freedom.
        p: probability of a difference this low or lower, were there none.
        lent: degrees of freedom of ``spread`` that runs of neither side gave.
    """

    value: float
    examples: float
    spread: float
    within: float
    runs: tuple[int, int]
    df: float
    p: float
    lent: int = 0

    @property
    def between(self) -> float:
        """Variance between the runs of one side that the examples do not explain (tau squared)."""
        return max(0.0, self.spread - self.within)

    @property
    def error(self) -> float:
        """The standard error of the difference."""
        return math.sqrt(self.examples + self.between * (1 / self.runs[0] + 1 / self.runs[1]))

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The two-sided confidence interval of the difference."""
        half = quantile((1 + level) / 2, self.df) * self.error
        return self.value - half, self.value + half

    def at_least(self, alpha: float) -> float:
        """The one-sided lower confidence bound of the difference."""
        return self.value - quantile(1 - alpha, self.df) * self.error


def compare(
    baseline: Side,
    candidate: Side,
    *,
    groups: npt.NDArray[np.intp] | None = None,
    lender: Side | None = None,
    floor: float = 0.0,
) -> Difference:
    """Compare two sides: paired where both have contributions, else by their runs alone.

    Args:
        baseline: the accepted side.
        candidate: the side that is judged; its examples stand in the baseline's order.
        groups: for each example the number of the group it was drawn with; examples of one group are not
            independent of each other.
        lender: a third side whose runs are spread alike, and help to say how much that is.
        floor: variance of the difference that all runs of a side share, so that more of them make it no smaller;
            only where runs alone are compared.
    """
    sides = [side for side in (baseline, candidate, lender) if side is not None]
    if baseline.mean is None or candidate.mean is None:
        return _by_runs(sides, floor)
    return _paired(sides, candidate.mean - baseline.mean, groups)


def quantile(probability: float, df: float) -> float:
    """The quantile of Student's t distribution; of the normal one for infinite ``df``."""
    from scipy.special import ndtri, stdtrit

    return float(ndtri(probability) if math.isinf(df) else stdtrit(df, probability))


def degrees(total: float, *parts: tuple[float, float]) -> float:
    """Welch-Satterthwaite degrees of freedom of a variance that is made of estimates.

    ``parts`` are the estimates, each with its own degrees. The variance between runs counts whole, although
    only what the examples do not explain of it is in the total: that is what was estimated, and with real
    learners the other reckoning accuses too often.
    """
    weight = sum(variance**2 / df for variance, df in parts if variance)
    return total**2 / weight if 0 < total < math.inf and weight else max(df for _, df in parts)


def mid_p(lost: int, gained: int) -> float:
    """McNemar's exact test with the mid-p correction, one-sided against a loss (Fagerland et al., 2013)."""
    from scipy.stats import binom

    flips = lost + gained
    return float(binom.cdf(gained, flips, 0.5) - 0.5 * binom.pmf(gained, flips, 0.5)) if flips else 0.5


def _paired(sides: Sequence[Side], change: FloatArray, groups: npt.NDArray[np.intp] | None) -> Difference:
    baseline, candidate, *lenders = sides
    variance, df_examples = _of_mean(change, groups)
    binary = _are_bits(baseline, candidate)
    if binary:
        variance = max(variance, (0.5 / change.size) ** 2)
    within = _pooled([(side.runs.size - 1, side.residual) for side in sides]) / change.size
    spread, df_runs = _spread(sides)
    runs = (baseline.runs.size, candidate.runs.size)
    share = 1 / runs[0] + 1 / runs[1]
    total = variance + max(0.0, spread - within) * share
    df = degrees(total, (variance, df_examples), (spread * share, df_runs))
    value = candidate.value - baseline.value
    p = _p(value, math.sqrt(total), df)
    if binary and groups is None:
        p = max(p, mid_p(int((change < 0).sum()), int((change > 0).sum())))
    return Difference(value, variance, spread, within, runs, df, p, _degrees(lenders))


def _are_bits(*sides: Side) -> bool:
    """Whether the runs of each side gave the same scores, each of them 0 or 1; -1 for 1 of a metric to minimize."""
    means = [side.mean for side in sides if side.mean is not None]
    return any(all(np.isin(mean, pair).all() for mean in means) for pair in ((0.0, 1.0), (-1.0, 0.0)))


def _by_runs(sides: Sequence[Side], floor: float) -> Difference:
    """The noise floor: is the candidate inside the t prediction interval of the baseline's runs?"""
    baseline, candidate, *lenders = sides
    spread, df = _spread(sides)
    runs = (baseline.runs.size, candidate.runs.size)
    value = candidate.value - baseline.value
    of_runs = spread * (1 / runs[0] + 1 / runs[1])
    # the floor is given, not estimated
    known = degrees(floor + of_runs, (floor, math.inf), (of_runs, df)) if floor else df or 1.0
    p = _p(value, math.sqrt(floor + of_runs), known) if df else 0.5
    return Difference(value, floor, spread, 0.0, runs, known, p, _degrees(lenders))


def _of_mean(change: FloatArray, groups: npt.NDArray[np.intp] | None) -> tuple[float, float]:
    """Variance of the mean and its degrees of freedom, by groups where they are given."""
    size = change.size
    if size < 2:
        return math.inf, 1.0
    if groups is None:
        return float(change.var(ddof=1)) / size, size - 1.0
    sums = np.bincount(groups, weights=change - change.mean())
    if sums.size < 2:
        return math.inf, 1.0
    return float((sums**2).sum()) * sums.size / (sums.size - 1) / size**2, sums.size - 1.0


def _spread(sides: Sequence[Side]) -> tuple[float, float]:
    """Variance between the runs of one side, pooled over all of them, and its degrees of freedom."""
    return _pooled([(side.runs.size - 1, _variance(side.runs)) for side in sides]), float(_degrees(sides))


def _degrees(sides: Sequence[Side]) -> int:
    return sum(side.runs.size - 1 for side in sides)


def _variance(runs: FloatArray) -> float:
    # Equal values have a mean that may differ from them in the last bit.
    return float(runs.var(ddof=1)) if runs.size > 1 and np.ptp(runs) else 0.0


def _pooled(estimates: Sequence[tuple[int, float]]) -> float:
    """One variance from several, each with its degrees of freedom; 0 where there are none."""
    total = sum(df for df, _ in estimates)
    return sum(df * variance for df, variance in estimates) / total if total else 0.0


def _p(value: float, error: float, df: float) -> float:
    if math.isinf(error):
        return 0.5
    if error == 0.0:
        return 0.5 if value == 0.0 else float(value > 0.0)
    from scipy.special import stdtr

    return float(stdtr(df, value / error))
