"""One metric against what was accepted of it -> verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.flips import count_flips
from pytest_mlexp.gates.lock import Accepted
from pytest_mlexp.gates.power import Look, smallest_visible
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.gates.statistics import Difference, Side, compare, quantile
from pytest_mlexp.verdicts import Comparison, Interval, Status, Verdict

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]

ALPHA = 0.05
SCREEN = (0.10, 0.05)
CONFIRM = 2
FEWEST_RUNS = 3
_ROUNDING = 1e-12
_UNGATED = (
    "no gate compared {name} when this cell was accepted, so only its value is there (runs: {runs}) and nothing of its "
    "{kind} to pair with: the margin holds from the next --mlexp-accept on"
)


@dataclass(frozen=True)
class Terms:
    """What a gate is judged at.

    Attributes:
        alpha: the error rate of the whole session; ``gates``: how many share it.
        first: the number of runs that every cell gets; a suspicious one gets two more, and again two more.
    """

    alpha: float = ALPHA
    gates: int = 1
    first: int = 1
    slices: int = 1

    @property
    def limit(self) -> float:
        """This gate's share of alpha."""
        return self.alpha / max(self.gates, 1)

    def shared_by(self, slices: int) -> Terms:
        """The terms of a gate that judges several slices."""
        return replace(self, slices=slices)

    def looks(self, margin: float) -> tuple[Look, ...]:
        """The looks at a candidate: the first two decide only whether there is another one."""
        runs = [self.first + CONFIRM * number for number in range(len(SCREEN) + 1)]
        levels = [*SCREEN, min(self.limit, SCREEN[-1])]
        return tuple(
            Look(r, lv / self.slices, margin if n else 0.0) for n, (r, lv) in enumerate(zip(runs, levels, strict=True))
        )


def against(
    gate: Gate,
    name: str,
    candidate: Contributions,
    baseline: tuple[Accepted, FloatArray | None, bool],
    terms: Terms,
    *,
    later: tuple[Accepted, FloatArray | None] | None = None,
) -> Verdict:
    """Judge one metric, or one slice of it, against what was accepted: its value, its vector, its direction.

    ``later`` is what was accepted after it, where that is an anchor. Its runs say how much runs are spread; and where
    it and the candidate together are worse than the anchor, the candidate gets its further looks, by which alone it is
    judged: a slide is slow, so the accepted runs have gone most of its way.
    """
    accepted, vector, maximize = baseline
    verdict = Verdict(str(gate), name, "not_comparable", "", float(candidate.runs.mean()))
    if (accepted.hardware or "") != (candidate.hardware or ""):
        return replace(verdict, status="other_hardware", reason=f"{name} was accepted on other hardware: not compared")
    if accepted.kind == "runs" != candidate.kind:
        return replace(verdict, reason=_UNGATED.format(name=name, runs=len(accepted.runs), kind=candidate.kind))
    if accepted.kind != candidate.kind or accepted.columns != candidate.columns:
        return replace(verdict, reason=f"{name} was accepted on other {accepted.kind}: accept it anew")
    if _is_same(accepted, candidate):
        return replace(verdict, status="identical", reason=f"{name} is the same for every example")
    if not candidate.finite:
        return replace(verdict, status="not_finite", reason=f"a contribution to {name} is not finite")
    sign = 1.0 if maximize else -1.0
    sides = accepted.side(vector).oriented(sign), candidate.side.oriented(sign)
    lender = None if later is None or later[0].columns != accepted.columns else later[0].side(later[1]).oriented(sign)
    difference = compare(*sides, groups=candidate.groups, lender=lender)
    margin = gate.margin(accepted.value)
    comparison = _comparison(sides, candidate, difference, margin, terms)
    if later is not None and lender is not None and not _is_same(later[0], candidate):
        slide = compare(sides[0], lender.joined(sides[1]), groups=candidate.groups)
        comparison = replace(comparison, suspicion=min(comparison.p, slide.p * terms.slices))
    status = _status(difference, comparison, margin)
    shown = _as_measured(comparison, sign)
    strict = status == "inconclusive" and gate.inconclusive == "fail"
    return replace(verdict, status=status, reason=_reason(name, status, shown), strict=strict, comparison=shown)


def _is_same(accepted: Accepted, candidate: Contributions) -> bool:
    """Whether the runs of the declared seeds are to the last bit what they were."""
    return bool(accepted.unchanged) and accepted.unchanged == candidate.run_digests()


def _status(difference: Difference, comparison: Comparison, margin: float) -> Status:
    loss, lower = -difference.value, difference.at_least(ALPHA)
    enough = bool(comparison.examples) or min(FEWEST_RUNS, comparison.runs[0]) == FEWEST_RUNS
    if comparison.p < comparison.limit and loss >= margin - _ROUNDING and enough:
        return "regressed"
    if lower > 0 and difference.value >= margin:
        return "improved"
    return "pass" if lower > -margin or difference.value == difference.error == 0 else "inconclusive"


def _comparison(
    sides: tuple[Side, Side], candidate: Contributions, difference: Difference, margin: float, terms: Terms
) -> Comparison:
    baseline, now = sides
    examples = 0 if now.mean is None or baseline.mean is None else now.mean.size
    share = 1 / difference.runs[0] + 1 / difference.runs[1]
    flipped = count_flips(baseline.mean, candidate.table)
    return Comparison(
        baseline=baseline.value,
        candidate=now.value,
        baseline_interval=_interval(baseline, difference),
        candidate_interval=_interval(now, difference),
        difference=difference.value,
        interval=difference.interval(),
        margin=margin,
        p=min(1.0, difference.p * terms.slices),
        suspicion=min(1.0, difference.p * terms.slices),
        limit=terms.limit,
        visible=smallest_visible(difference, terms.looks(margin), examples=examples, bits=flipped is not None),
        noise=(math.sqrt(difference.examples), math.sqrt(difference.between * share)),
        examples=examples,
        runs=difference.runs,
        values=tuple(candidate.runs.tolist()),
        flips=flipped,
        gates=terms.gates,
        seeds=candidate.seeds,
    )


def _interval(side: Side, difference: Difference) -> Interval:
    """95 % interval of one side's metric, by examples and runs."""
    rows = 0.0 if side.mean is None or side.mean.size < 2 else float(side.mean.var(ddof=1)) / side.mean.size
    half = quantile(0.975, difference.df) * math.sqrt(rows + difference.between / side.runs.size)
    return side.value - half, side.value + half


def _as_measured(comparison: Comparison, sign: float) -> Comparison:
    """The comparison in the metric's own direction."""
    if sign > 0:
        return comparison

    def turned(interval: Interval) -> Interval:
        return -interval[1], -interval[0]

    return replace(
        comparison,
        baseline=-comparison.baseline,
        candidate=-comparison.candidate,
        difference=-comparison.difference,
        baseline_interval=turned(comparison.baseline_interval),
        candidate_interval=turned(comparison.candidate_interval),
        interval=turned(comparison.interval),
    )


def _reason(name: str, status: Status, found: Comparison) -> str:
    change = f"{name} {found.baseline:.4f} -> {found.candidate:.4f} ({found.difference:+.4f})"
    match status:
        case "regressed":
            return f"{change}: a loss of at least {found.margin:.4g}, p {found.p:.2g} < {found.limit:.2g}"
        case "inconclusive":
            return f"{change}: visible from a loss of {found.visible:.4f}"
        case "improved":
            return f"{change}: accept it with --mlexp-accept to keep it"
    return f"{change}: no loss of {found.margin:.4g} or more"
