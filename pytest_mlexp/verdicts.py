"""What judging a gate leaves: a verdict and, where a baseline was met, the comparison behind it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
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
    "skipped",
    "inconclusive",
    "pass",
    "identical",
    "improved",
]
PASSING = ("pass", "identical", "improved")
LENIENT = ("inconclusive", "new", "other_hardware", "skipped")
UNACCEPTABLE = ("breach", "not_finite", "missing")  # failing, they keep a cell from being accepted
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
        runs: number of runs of the baseline and of the candidate.
        values: the metric of each run of the candidate, those of further looks included; ``seeds``: their seeds.
        flips: examples that went from right to wrong, and back; None unless scores are 0 or 1.
        gates: how many share alpha.
        suspicion: what decides on a further look: ``p``, or less for what may be a slow slide.
        pace: of timings, how many times as long a fixed piece of work took as when they were accepted; None if unknown.
        blind: why no loss could show, however large; empty where one could.
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
    seeds: tuple[int, ...] = ()
    suspicion: float = 1.0
    blind: str = ""
    pace: float | None = None

    @property
    def corrected_p(self) -> float:
        """``p`` after the correction for the number of gates, at most 1: it fails below the session's alpha."""
        return min(1.0, self.p * self.gates)


@dataclass(frozen=True)
class Verdict:
    """What judging one gate said of one cell, with the reason.

    Attributes:
        against: ``baseline``, or ``anchor``: the oldest accepted value since the margin was last reviewed.
        informs: the gate only informs: nothing it says fails the cell.
        strict: the gate asked that a lenient status, such as ``inconclusive``, fails as well.
        reused: how many of the judged timings an earlier session took.
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
    reused: int = 0

    def __bool__(self) -> bool:
        """Whether the gate lets the cell pass."""
        return self.informs or self.status in PASSING or (self.status in LENIENT and not self.strict)


def points(verdicts: Iterable[Verdict]) -> Iterator[tuple[str, float, int]]:
    """What was found out as (name, number, step), for tracking: ``gate/accuracy/difference``.

    Of the slices of a gate it is the worst, under one name: ``gate/accuracy/region/difference``. The runs that
    were judged come with their seeds, each at a step of its own. Of several gates on one metric the first has the plain
    name, the others their rule in it: ``gate/accuracy/max_relative_drop_0.02/difference``.
    """
    first: dict[str, str] = {}
    seen: set[str] = set()
    for verdict in verdicts:
        found = verdict.comparison
        name = f"gate/{_on(verdict)}"
        if found is not None and first.setdefault(name, verdict.gate) != verdict.gate:
            name += "/" + "_".join(verdict.gate.split()[1:]).replace("=", "_")
        name += "/anchor" if verdict.against == "anchor" else ""
        if found is None or name in seen:
            continue
        seen.add(name)
        yield f"{name}/difference", found.difference, 0
        yield f"{name}/corrected_p", found.corrected_p, 0
        if math.isfinite(found.visible):
            yield f"{name}/smallest_visible_drop", found.visible, 0
        if verdict.against == "baseline":
            for step, (seed, value) in enumerate(zip(found.seeds, found.values, strict=False)):
                yield f"{name}/seed", float(seed), step
                yield f"{name}/run", value, step


def _on(verdict: Verdict) -> str:
    """The metric; of a slice, ``metric[column=label]``, the metric and the column."""
    metric, *rule = verdict.gate.split()
    column = next((option.removeprefix("slices=") for option in rule if option.startswith("slices=")), None)
    return verdict.metric if column is None else f"{metric}/{column}"
