"""What judging a gate leaves: a verdict and, where a baseline was met, the comparison behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal[
    "regressed",
    "breach",
    "not_finite",
    "missing",
    "vanished",
    "loosened",
    "not_comparable",
    "new",
    "other_hardware",
    "inconclusive",
    "pass",
    "identical",
    "improved",
]
PASSING = ("pass", "identical", "improved")
LENIENT = ("inconclusive", "new", "other_hardware")
Interval = tuple[float, float]


@dataclass(frozen=True)
class Comparison:
    """Candidate against baseline, in the metric's own direction.

    Attributes:
        baseline: the accepted metric, averaged over its runs; ``candidate`` likewise.
        baseline_interval: its 95 % confidence interval; ``candidate_interval`` and ``interval`` likewise.
        difference: candidate minus baseline.
        margin: the loss that the gate lets pass.
        p: one-sided probability of such a loss by chance; ``limit``: the gate's share of alpha.
        visible: the smallest loss that would have been called a regression with 80 % power.
        noise: standard errors of the difference that come from the examples and from the runs.
        examples: how many were paired (or blocks of them); 0 when only runs were compared.
        runs: number of runs of the baseline and of the candidate; ``values``: the candidate's.
        flips: examples that went from right to wrong, and back; None unless scores are 0 or 1.
        gates: how many share alpha.
    """

    baseline: float
    candidate: float
    baseline_interval: Interval
    candidate_interval: Interval
    difference: float
    interval: Interval
    margin: float
    p: float
    limit: float
    visible: float
    noise: tuple[float, float]
    examples: int
    runs: tuple[int, int]
    values: tuple[float, ...]
    flips: tuple[int, int] | None = None
    gates: int = 1


@dataclass(frozen=True)
class Verdict:
    """What judging one gate said of one cell, with the reason.

    Attributes:
        against: ``baseline``, or ``anchor``: the oldest accepted value since the margin was last reviewed.
        informs: the gate only informs: nothing it says fails the cell.
        strict: the gate asked that a lenient status, such as ``inconclusive``, fails as well.
    """

    gate: str
    metric: str
    status: Status
    reason: str
    value: float | None = None
    against: Literal["baseline", "anchor"] = "baseline"
    informs: bool = False
    strict: bool = False
    comparison: Comparison | None = None

    def __bool__(self) -> bool:
        """Whether the gate lets the cell pass."""
        return self.informs or self.status in PASSING or (self.status in LENIENT and not self.strict)
