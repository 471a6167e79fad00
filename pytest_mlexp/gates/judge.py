"""Evaluation and gates, and the accepted baseline where there is one -> verdicts."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from pytest_mlexp.gates.comparing import Terms, against
from pytest_mlexp.gates.contributions import Contributions, is_of
from pytest_mlexp.gates.lock import ANCHOR, Accepted, LockedCell
from pytest_mlexp.gates.rules import Gate, loosened
from pytest_mlexp.naming import nearest
from pytest_mlexp.records import Evaluation
from pytest_mlexp.verdicts import Verdict

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Baseline:
    """What is accepted of a cell.

    Attributes:
        locked: the cell in the lock.
        vectors: contributions by metric, as :func:`pytest_mlexp.gates.lock.read_vectors` gives them.
        changes: what is not as it was accepted, so that nothing can be compared.
        of_evaluator: those of them that are the evaluator's own: timings, which it does not make, go on.
    """

    locked: LockedCell
    vectors: Mapping[str, FloatArray] = field(default_factory=dict)
    changes: tuple[str, ...] = ()
    of_evaluator: tuple[str, ...] = ()

    def changes_for(self, gate: Gate) -> tuple[str, ...]:
        """Those of the changes that keep a gate from comparing."""
        apart = self.of_evaluator if gate.is_operational else ()
        return tuple(change for change in self.changes if change not in apart)


def judge(
    evaluation: Evaluation,
    gates: Iterable[Gate],
    *,
    baseline: Baseline | None = None,
    informing: Collection[Gate] = (),
    terms: Terms | None = None,
) -> tuple[Verdict, ...]:
    """Judge each gate; NaN, infinity and a missing metric never pass.

    Args:
        evaluation: what the cell left; its contributions are compared with the baseline's.
        gates: the gates of the cell.
        baseline: the accepted state of the cell; None when it is new.
        informing: those of the gates whose comparison does not fail the cell.
        terms: this gate's share of alpha, and the looks that are planned.
    """
    declared, terms = list(gates), terms or Terms()
    quiet = [gate for gate in declared if gate in informing or gate.primary is False]
    verdicts = [
        replace(verdict, informs=gate.primary is False or (gate in quiet and verdict.status not in _NEVER_QUIET))
        for gate in declared
        for verdict in _with_reused(_judge(evaluation, gate, baseline, terms), _tables(evaluation, gate))
    ]
    if baseline is not None:
        loud = [gate for gate in declared if gate.compares and gate not in quiet]
        if baseline.changes and all(baseline.changes_for(gate) != baseline.changes for gate in loud):
            reason = "; ".join(baseline.changes)
            verdicts.append(Verdict("as accepted", "", "not_comparable", reason))
        verdicts += _loosened(declared, informing, baseline.locked)
    return tuple(verdicts)


def _with_reused(verdicts: Iterable[Verdict], tables: Mapping[str, Contributions]) -> Iterator[Verdict]:
    """The verdicts on timings that an earlier session took say so."""
    reused = max((len(found.reused) for found in tables.values()), default=0)
    for verdict in verdicts:
        yield replace(verdict, reused=reused, reason=verdict.reason + _REUSED.format(reused)) if reused else verdict


def _judge(evaluation: Evaluation, gate: Gate, baseline: Baseline | None, terms: Terms) -> Iterator[Verdict]:
    values = _values(evaluation, gate)
    if not values:
        known = [*evaluation.metrics, *evaluation.contributions]
        reason = f"the metric {gate.metric!r} is missing: {nearest(gate.metric, known)}"
        yield _verdict(gate, "missing", _UNMEASURED.format(gate.metric) if gate.metric in evaluation else reason)
        return
    for name, numbers in values.items():
        if not numbers or not all(map(math.isfinite, numbers)):
            mean = sum(numbers) / len(numbers) if numbers else math.nan
            yield _verdict(gate, "not_finite", f"{name} is not finite: {numbers}", mean)
            return
    means = {name: math.fsum(numbers) / len(numbers) for name, numbers in values.items()}
    bounded = _bounds(evaluation, gate, means)
    if bounded.status == "breach":
        yield _breached(evaluation, bounded, gate, (baseline, terms))
    elif not gate.compares:
        yield bounded
    elif baseline is None:
        value = _as_accepted(evaluation, gate, bounded.value)
        yield replace(bounded, status="new", strict=gate.new == "fail", reason=_NEW.format(gate.metric), value=value)
    elif changes := baseline.changes_for(gate):
        yield replace(bounded, status="not_comparable", reason="; ".join(changes))
    else:
        yield from _compared(evaluation, gate, baseline, terms)


_NEVER_QUIET = ("breach", "missing", "not_finite", "new")  # no matter of the margin, which alone informs by default
_UNMEASURED = (
    "what each example contributes to {} could not be measured; the note on the cell says why, and where there is "
    "none, its evaluator raises on a part of what a model of another seed (for a further look, or to accept) predicts"
)
_REUSED = "; reused from an earlier session: {} (--mlexp-fresh takes timings anew)"
_NEW = "nothing is accepted yet to compare {} with"


def _values(evaluation: Evaluation, gate: Gate) -> dict[str, tuple[float, ...]]:
    """The numbers that a gate is about: of the metric, or of each of its slices."""
    if gate.slices is None and gate.metric in evaluation.metrics:
        return {gate.metric: evaluation.values(gate.metric)}
    return {name: tuple(found.runs.tolist()) for name, found in _tables(evaluation, gate).items()}


def _as_accepted(evaluation: Evaluation, gate: Gate, mean: float | None) -> float | None:
    """The metric as it would be accepted, which is of all examples together where they can be told apart."""
    found = evaluation.contributions.get(gate.metric) if gate.slices is None else None
    return mean if found is None else found.side.value


def _tables(evaluation: Evaluation, gate: Gate) -> dict[str, Contributions]:
    return {name: found for name, found in evaluation.contributions.items() if is_of(name, gate.metric, gate.slices)}


def _bounds(evaluation: Evaluation, gate: Gate, means: Mapping[str, float]) -> Verdict:
    lowest, highest = min(means, key=lambda n: means[n]), max(means, key=lambda n: means[n])
    if gate.at_least is not None and means[lowest] < gate.at_least:
        reason = f"{lowest} is {means[lowest]:.6g}, at least {gate.at_least} is asked"
        return _verdict(gate, "breach", reason + _size(lowest, evaluation, gate), means[lowest])
    if gate.at_most is not None and means[highest] > gate.at_most:
        reason = f"{highest} is {means[highest]:.6g}, at most {gate.at_most} is asked"
        return _verdict(gate, "breach", reason + _size(highest, evaluation, gate), means[highest])
    shown = highest if gate.at_most is not None and gate.at_least is None else lowest
    return _verdict(gate, "pass", f"{shown} is {means[shown]:.6g}", means[shown])


def _size(name: str, evaluation: Evaluation, gate: Gate) -> str:
    """How many examples a slice has, where that is known."""
    table = None if gate.slices is None else evaluation.contributions[name]
    if table is None or table.table is None or table.kind != "examples":
        return ""
    number = table.table.shape[1]
    return f" ({number} example{'s' if number > 1 else ''})"


def _verdict(gate: Gate, status: str, reason: str, value: float | None = None) -> Verdict:
    return Verdict(str(gate), gate.metric, status, reason, value)  # type: ignore[arg-type]


def _breached(evaluation: Evaluation, bounded: Verdict, gate: Gate, against: tuple[Baseline | None, Terms]) -> Verdict:
    """A broken bound, with the comparison or else with the value that was accepted, so that a loss shows beside it."""
    baseline, terms = against
    if baseline is None or baseline.changes_for(gate):
        return bounded
    if gate.compares:
        found = next(_compared(evaluation, gate, baseline, terms), None)
        if found is not None and found.comparison is not None:
            return replace(bounded, metric=found.metric, comparison=found.comparison)
    locked = baseline.locked.metrics.get(gate.metric)
    if locked is None or gate.slices is not None:
        return bounded
    return replace(bounded, reason=f"{bounded.reason}; accepted was {locked.accepted.value:.6g}")


def _compared(evaluation: Evaluation, gate: Gate, baseline: Baseline, terms: Terms) -> Iterator[Verdict]:
    tables, locked = _tables(evaluation, gate), baseline.locked.metrics
    unknown = sorted(set(tables) - set(locked))
    if not tables:
        yield _verdict(gate, "missing", _UNMEASURED.format(gate.metric))
        return
    if unknown:
        reason = _NEW.format(", ".join(unknown))
        yield replace(_verdict(gate, "new", reason), strict=gate.new == "fail")
        return
    known = {name: (locked[name].accepted, baseline.vectors.get(name)) for name in tables}
    anchors = {
        name: (anchor, baseline.vectors.get(name + ANCHOR))
        for name in tables
        if (anchor := locked[name].anchor) is not None
    }
    for which, sides in (("baseline", known), ("anchor", anchors)):
        found = [
            against(
                gate,
                name,
                tables[name] if which == "anchor" else _unchanged(tables[name], side[0]),
                (*side, locked[name].maximize),
                terms.shared_by(len(tables)),
                later=known[name] if which == "anchor" else None,
            )
            for name, side in sides.items()
        ]
        if found:
            worst = min(found, key=_badness)
            must_hold = gate.inconclusive == "fail" or not gate.is_operational
            strict = worst.strict or (worst.status == "other_hardware" and must_hold)
            yield replace(worst, against=which, strict=strict)  # type: ignore[arg-type]


def _unchanged(found: Contributions, accepted: Accepted) -> Contributions:
    """The runs of the declared seeds alone where they are what was accepted: further looks are at an anchor then."""
    declared = found.first(len(accepted.unchanged))
    return declared if accepted.unchanged and declared.run_digests() == accepted.unchanged else found


def _badness(verdict: Verdict) -> tuple[bool, float]:
    """The worst slice first: what could not be compared, then the smallest p."""
    return bool(verdict), verdict.comparison.p if verdict.comparison and verdict.status != "identical" else 1.0


def _loosened(declared: list[Gate], informing: Collection[Gate], locked: LockedCell) -> Iterator[Verdict]:
    """One verdict for each accepted gate that asks for less now, or is gone."""
    for accepted in locked.gates:
        same = [gate for gate in declared if (gate.metric, gate.slices) == (accepted["metric"], accepted.get("slices"))]
        reason = loosened(accepted, [written(gate, informs=gate in informing) for gate in same])
        if reason is not None:
            text = " ".join([accepted["metric"], *(f"{k}={v}" for k, v in accepted.items() if k != "metric")])
            yield Verdict(text, accepted["metric"], "loosened", reason)


def written(gate: Gate, *, informs: bool) -> dict[str, object]:
    """A gate as the lock holds it: ``primary=False`` says that all of it informs, ``informs`` that its margin does."""
    shown = {name: list(value) if isinstance(value, tuple) else value for name, value in gate.written().items()}
    return {"metric": gate.metric, **shown, **({"informs": "margin"} if informs and gate.primary is None else {})}
