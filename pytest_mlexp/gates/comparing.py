"""One metric against what was accepted of it -> verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pytest_mlexp.gates.comparable import blindness, is_paired, unjudged, unlike
from pytest_mlexp.gates.contributions import Contributions, Kind
from pytest_mlexp.gates.flips import count_flips
from pytest_mlexp.gates.lock import Accepted
from pytest_mlexp.gates.power import Look, smallest_visible
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.gates.statistics import Difference, Side, compare, quantile
from pytest_mlexp.gates.timings import noise_of_machine, pace_of, told_of_pace
from pytest_mlexp.numerals import change, text
from pytest_mlexp.verdicts import Comparison, Interval, Status, Verdict

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]

ALPHA = 0.05
SCREEN = (0.10, 0.05)
CONFIRM = 2
# The lock keeps nine digits of a number and float32 of a contribution; a sum of numbers is off by its last bits.
_NINE_DIGITS, _FLOAT32, _LAST_BITS = 1e-8, 1e-7, 1e-14
_NO_NUMBER = "the comparison of {name} gives no finite number (standard error {error:.3g}): is it too large to square?"


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
    same = _is_same(accepted, candidate)
    found = unlike(name, (accepted, vector), candidate)
    found = found or (None if same else unjudged(name, accepted, candidate, later))
    if found is not None:
        return replace(verdict, status=found[0], reason=found[1])
    sign = 1.0 if maximize else -1.0
    lender = None if later is None or not is_paired(accepted, later) else later[0].side(later[1]).oriented(sign)
    pace = pace_of(accepted, candidate.pace)
    floor = noise_of_machine(name, accepted, pace, of_a_loss=True)
    hidden = noise_of_machine(name, accepted, pace) - floor
    with np.errstate(over="ignore", invalid="ignore"):
        sides = accepted.side(vector).oriented(sign), candidate.side.oriented(sign)
        difference = compare(*sides, groups=candidate.groups, lender=lender, floor=floor)
    margin, blind = gate.margin(accepted.typical), blindness(candidate)
    told = difference.value, difference.p, margin, *(() if blind else (difference.error,))
    if not same and not all(map(math.isfinite, told)):
        return replace(verdict, status="not_finite", reason=_NO_NUMBER.format(name=name, error=difference.error))
    flipped = count_flips(vector, candidate.table, maximize=maximize)
    comparison = replace(_comparison(sides, (candidate, flipped), difference, margin, terms), blind=blind, pace=pace)
    if later is not None and lender is not None and not same and not _is_same(later[0], candidate):
        slide = compare(sides[0], lender.joined(sides[1]), groups=candidate.groups, floor=floor)
        comparison = replace(comparison, suspicion=min(comparison.p, slide.p * terms.slices))
    status = "identical" if same else _status(sides, difference, comparison, hidden=hidden)
    shown = _as_measured(comparison, sign)
    strict = status == "inconclusive" and gate.inconclusive == "fail"
    reason = _reason(name, status, shown, kind=candidate.kind)
    return replace(verdict, status=status, reason=reason, strict=strict, comparison=shown)


def _is_same(accepted: Accepted, candidate: Contributions) -> bool:
    """Whether the runs of the declared seeds are to the last bit what they were."""
    return bool(accepted.unchanged) and accepted.unchanged == candidate.run_digests()


def _status(sides: tuple[Side, Side], difference: Difference, comparison: Comparison, *, hidden: float) -> Status:
    """The status; ``hidden`` is the variance of what a faster machine may hide, so that no loss is excluded."""
    margin, (of_value, of_error) = comparison.margin, rounding(sides)
    lower = replace(difference, examples=difference.examples + hidden).at_least(ALPHA)
    if comparison.p < comparison.limit and -difference.value >= margin - of_value:
        return "regressed"
    if lower > 0 and difference.value >= margin and difference.value > of_value:
        return "improved"
    unchanged = abs(difference.value) <= of_value and difference.error <= of_error
    return "pass" if lower > -margin or unchanged else "inconclusive"


def rounding(sides: tuple[Side, Side]) -> tuple[float, float]:
    """The difference, and its standard error, that may come from nothing but rounding."""
    size = max(abs(side.value) for side in sides)
    means = [side.mean for side in sides if side.mean is not None]
    scale = max([size, *(math.sqrt(float((mean**2).mean())) for mean in means)]) if means else max(size, 1.0)
    return _NINE_DIGITS * size + _LAST_BITS * scale, _FLOAT32 * scale if means else _NINE_DIGITS * size


def _comparison(
    sides: tuple[Side, Side],
    found: tuple[Contributions, tuple[int, int] | None],
    difference: Difference,
    margin: float,
    terms: Terms,
) -> Comparison:
    (baseline, now), (candidate, flipped) = sides, found
    examples = 0 if now.mean is None or baseline.mean is None else now.mean.size
    share = 1 / difference.runs[0] + 1 / difference.runs[1]
    chance = max(difference.p, 0.5) if abs(difference.value) <= rounding(sides)[0] else difference.p
    chance = min(1.0, chance * terms.slices)
    return Comparison(
        baseline=baseline.value,
        candidate=now.value,
        baseline_interval=_interval(baseline, difference),
        candidate_interval=_interval(now, difference),
        difference=difference.value,
        interval=difference.interval(),
        margin=margin,
        p=chance,
        suspicion=chance,
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


def _reason(name: str, status: Status, found: Comparison, *, kind: Kind) -> str:
    moved = f"{name} {change(found.baseline, found.candidate, found.difference)}"
    because = f"; {told}" if (told := told_of_pace(found.pace)) else ""
    match status:
        case "identical":
            return f"{name} is the same for every {'run' if kind == 'runs' else 'example'}"
        case "regressed":
            return f"{moved}: a loss of at least {found.margin:.4g}, p {found.p:.2g} < {found.limit:.2g}"
        case "inconclusive" if found.blind:
            return f"{moved}: this gate can show no loss: {found.blind}"
        case "inconclusive":
            return f"{moved}: visible from a loss of {text(found.visible)}{because}"
        case "improved":
            return f"{moved}: accept it with --mlexp-accept to keep it"
    return f"{moved}: no loss of {found.margin:.4g} or more"
