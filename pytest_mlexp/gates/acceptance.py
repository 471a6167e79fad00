"""What is accepted: a cell's entry in the lock from fresh runs, and what changed in the lock by it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np

from pytest_mlexp.errors import GateError
from pytest_mlexp.gates.comparing import ALPHA
from pytest_mlexp.gates.contributions import Contributions, is_of
from pytest_mlexp.gates.judge import Baseline
from pytest_mlexp.gates.likeness import described
from pytest_mlexp.gates.lock import (
    ANCHOR,
    GROUPS,
    Accepted,
    Lock,
    LockedCell,
    LockedDataset,
    LockedEvaluator,
    LockedExperiment,
    LockedMetric,
)
from pytest_mlexp.gates.rules import OPERATIONAL
from pytest_mlexp.gates.statistics import compare
from pytest_mlexp.gates.timings import noise_of_machine, pace_of
from pytest_mlexp.gates.vectors import digest_of_bytes, pack

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_mlexp.blocks.dataset import Dataset
    from pytest_mlexp.matrix import Cell
    from pytest_mlexp.records import Evaluation

    FloatArray: TypeAlias = npt.NDArray[np.float64]
    Vector: TypeAlias = tuple[FloatArray, int]

_LOST = "the oldest accepted value is no anchor any more, so a slide since then goes unseen: {}"
_FRESH = (
    "of a cell with a margin the numbers here are from runs with fresh seeds, in the leaderboard from those with the "
    "declared seeds="
)
_TOO_LARGE = "{} cannot be accepted: its numbers are too large to square, so nothing says how much they are spread"
UsedT = TypeVar("UsedT", LockedDataset, LockedEvaluator)


@dataclass(frozen=True)
class Sight:
    """The smallest loss that a gate sees of a cell (power 80 %), beside the loss that it lets pass."""

    gate: str
    visible: float
    margin: float


@dataclass(frozen=True)
class Acceptance:
    """One cell's entry for the lock, with its vectors as bytes and its test file; no entry when the cell is gone."""

    experiment: str
    cell: str
    entry: LockedCell | None = None
    dataset: tuple[str, LockedDataset] | None = None
    evaluator: tuple[str, LockedEvaluator] | None = None
    vectors: bytes = b""
    warnings: tuple[str, ...] = ()
    test: str = ""
    sights: tuple[Sight, ...] = ()


def accept(
    cell: Cell, dataset: Dataset, declared: Evaluation, fresh: Evaluation, previous: Baseline | None
) -> Acceptance:
    """The entry of a cell from fresh runs.

    Args:
        cell: what is accepted.
        dataset: what it was run on.
        declared: the evaluation with the declared seeds, to know a cell again in which nothing changed.
        fresh: the evaluation with other seeds, which becomes the baseline.
        previous: what was accepted before, whose anchor stays; None resets it.

    Raises:
        GateError: a metric is too large for its variance.
    """
    directions = {metric.name: metric.maximize for metric in cell.evaluator.metrics}
    now = described(cell, dataset)
    metrics: dict[str, LockedMetric] = {}
    vectors: dict[str, Vector] = {}
    warnings = _not_finite(cell, declared, fresh)
    for name, found in _tables(declared, fresh, len(dataset.splits)).items():
        unchanged = declared.contributions[name].run_digests() if name in declared.contributions else ()
        side = found.side
        metrics[name] = LockedMetric(_direction(name, directions), _accepted(found, unchanged))
        if not metrics[name].accepted.finite:
            raise GateError(_TOO_LARGE.format(f"{cell.experiment.name}: {cell.id}: {name}"))
        if side.mean is not None:
            vectors[name] = (side.mean, len(found.runs))
        if found.groups is not None:
            vectors[name + GROUPS] = (found.groups.astype(np.float64), 1)
        if previous is not None:
            metrics[name], lost = _anchored(name, metrics[name], (found, vectors), (cell, now, previous))
            warnings += [lost] if lost else []
    data = pack(vectors) if vectors else b""
    entry = replace(now, metrics=metrics, contributions=digest_of_bytes(data) if data else "")
    return Acceptance(
        cell.experiment.name,
        cell.id,
        entry,
        (cell.dataset.name, LockedDataset(now.dataset, now.split, len(dataset), now.version)),
        (cell.evaluator.name, _evaluator(cell, now)),
        data,
        tuple(warnings),
    )


def _tables(declared: Evaluation, fresh: Evaluation, splits: int) -> dict[str, Contributions]:
    """Every metric that is finite: by example where that is known, else by run.

    Timings hold those of the declared runs as well: they are the first ones of the process, which take longer, as do
    those that they will be compared with.
    """
    plain = {}
    for name, values in fresh.metrics.items():
        runs = np.array(values).reshape(-1, splits).mean(axis=1)
        plain[name] = Contributions("runs", runs, tuple(range(runs.size)))
    timed = {
        name: found.joined(later)
        for name, found in declared.contributions.items()
        if found.hardware is not None and (later := fresh.contributions.get(name)) is not None and later is not found
    }
    return {name: found for name, found in {**plain, **fresh.contributions, **timed}.items() if found.finite}


def _not_finite(cell: Cell, declared: Evaluation, fresh: Evaluation) -> list[str]:
    """One line for each metric of which nothing is accepted because it is no number; a gate on it fails before."""
    odd = [name for name in fresh.metrics if not all(map(math.isfinite, (*declared.values(name), *fresh.values(name))))]
    told = "is not finite, so nothing of it is accepted (no gate that could fail is on it)"
    return [f"{cell.experiment.name}: {cell.id}: {name} {told}" for name in odd]


def _direction(name: str, maximize: Mapping[str, bool]) -> bool:
    """Whether a metric is to be maximized: by its own name, else by that of which it is a slice; timings are not."""
    metrics = [metric for metric in maximize if name == metric or name.startswith(f"{metric}[")]
    return maximize[max(metrics, key=len)] if metrics else False


def _accepted(found: Contributions, unchanged: tuple[str, ...]) -> Accepted:
    return Accepted(
        value=_rounded(found.runs.mean()),
        spread=_rounded(float(np.std(found.runs, ddof=1))) if np.ptp(found.runs) else 0.0,
        runs=tuple(map(_rounded, found.runs)),
        kind=found.kind,
        columns=found.columns,
        residual=_rounded(found.side.residual),
        unchanged=unchanged,
        hardware=found.hardware,
        pace=_rounded(float(np.median(found.pace))) if found.pace else None,
    )


def _rounded(number: float) -> float:
    """Nine digits, so that a change in a later one is no change in the lock."""
    return float(f"{number:.9g}")


def _anchored(
    name: str,
    metric: LockedMetric,
    now: tuple[Contributions, dict[str, Vector]],
    before: tuple[Cell, LockedCell, Baseline],
) -> tuple[LockedMetric, str]:
    """The metric with the oldest value accepted under a margin, unless it was shown to be surpassed.

    Another margin, other gates or other seeds leave the anchor as it is. Beside the metric stands why what there was
    cannot be an anchor any more, if so.
    """
    (found, vectors), (cell, made_of, previous) = now, before
    locked = previous.locked.metrics.get(name)
    metric = replace(metric, given_up=None if locked is None else locked.given_up)
    if locked is None or not margins(name, previous.locked.gates):
        return metric, ""
    oldest, suffix = (locked.anchor, ANCHOR) if locked.anchor is not None else (locked.accepted, "")
    vector = previous.vectors.get(name + suffix)
    if oldest.runs == metric.accepted.runs and oldest.hardware == found.hardware:
        return metric, ""
    latest = locked.accepted, previous.vectors.get(name)
    again = name in OPERATIONAL or _is_again(latest, found)
    reason = _incomparable(made_of, previous.locked, again=again) or _other_kind(
        (oldest, vector), found, compares=bool(margins(name, made_of.gates))
    )
    if not reason and locked.maximize != metric.maximize:
        reason = "its direction changed"
    if reason:
        return metric, f"{cell.experiment.name}: {cell.id}: {name}: {_LOST.format(reason)}"
    if _surpassed(name, (oldest, vector), found, maximize=metric.maximize):
        return metric, ""
    if vector is not None:
        vectors[name + ANCHOR] = (vector, len(oldest.runs))
    return replace(metric, anchor=replace(oldest, unchanged=())), ""


def _incomparable(now: LockedCell, before: LockedCell, *, again: bool) -> str:
    """Why a metric cannot be compared with what it was; an evaluator that finds the same is the same."""
    if (now.dataset, now.split) != (before.dataset, before.split):
        return "the data or its splits changed"
    if now.evaluator != before.evaluator and not again:
        return "the evaluator changed, and what it finds is not what it found before"
    return ""


def _other_kind(oldest: tuple[Accepted, FloatArray | None], found: Contributions, *, compares: bool) -> str:
    accepted, vector = oldest
    if not compares:
        return "no gate compares it any more"
    if accepted.hardware != found.hardware:
        return "it was taken on other hardware"
    if (accepted.kind, accepted.columns) != (found.kind, found.columns):
        return f"it was accepted on other {accepted.kind}"
    return "its contributions are missing" if vector is None and accepted.kind != "runs" else ""


def _is_again(latest: tuple[Accepted, FloatArray | None], found: Contributions) -> bool:
    """Whether fresh runs give what was accepted last, run by run and example by example, but for rounding."""
    accepted, vector = latest
    pairs = [(np.array(accepted.runs), found.runs)]
    if vector is not None and (now := found.side.mean) is not None:
        pairs.append((vector, now))
    return all(one.shape == other.shape and np.allclose(one, other, rtol=1e-5, atol=1e-8) for one, other in pairs)


def _surpassed(name: str, oldest: tuple[Accepted, FloatArray | None], found: Contributions, *, maximize: bool) -> bool:
    sign = 1.0 if maximize else -1.0
    sides = oldest[0].side(oldest[1]).oriented(sign), found.side.oriented(sign)
    floor = noise_of_machine(name, oldest[0], pace_of(oldest[0], found.pace))
    return len(found.runs) > 1 and compare(*sides, groups=found.groups, floor=floor).at_least(ALPHA) > 0


def margins(name: str, gates: Iterable[Mapping[str, Any]]) -> bool:
    """Whether any gate, as written, compares the metric."""
    same = [gate for gate in gates if is_of(name, gate["metric"], gate.get("slices"))]
    return any(margin in gate for gate in same for margin in ("max_drop", "max_relative_drop"))


def on_fresh_seeds(changed: Sequence[str], acceptances: Iterable[Acceptance]) -> list[str]:
    """What changed, and why it is other numbers than a leaderboard shows, where a margin made it so."""
    gates = [gate for one in acceptances if one.entry is not None for gate in one.entry.gates]
    compares = any("max_drop" in gate or "max_relative_drop" in gate for gate in gates)
    return [*changed, _FRESH] if changed and compares else [*changed]


def _evaluator(cell: Cell, now: LockedCell) -> LockedEvaluator:
    description = (cell.evaluator.function.__doc__ or "").strip().partition("\n")[0]
    directions = {m.name: "maximize" if m.maximize else "minimize" for m in cell.evaluator.metrics}
    words = cell.evaluator.words
    return LockedEvaluator(now.evaluator, directions, description, words.owner, words.business_indicator)


def merged(lock: Lock, acceptances: Iterable[Acceptance]) -> Lock:
    """The lock with the accepted cells; datasets and evaluators that no cell uses any more are left out."""
    acceptances = tuple(acceptances)
    for one in acceptances:
        tests = {other.test for other in acceptances if other.experiment == one.experiment and other.entry is not None}
        old = lock.experiments.get(one.experiment, LockedExperiment())
        cells = {name: cell for name, cell in old.cells.items() if name != one.cell}
        if one.entry is not None:
            cells[one.cell] = one.entry
        lock = lock.with_experiment(
            one.experiment,
            LockedExperiment(
                min(tests - {""}, default=old.test),
                _used(old.datasets, one.dataset, {cell.dataset for cell in cells.values()}),
                _used(old.evaluators, one.evaluator, {cell.evaluator for cell in cells.values()}),
                cells,
            ),
        )
    return lock


def _used(old: Mapping[str, UsedT], new: tuple[str, UsedT] | None, digests: set[str]) -> dict[str, UsedT]:
    both = {**old, **({} if new is None else dict([new]))}
    return {name: block for name, block in both.items() if block.digest in digests}
