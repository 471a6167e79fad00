"""What a cell is made of, and what of it is not as it was accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_mlexp.gates.judge import written
from pytest_mlexp.gates.lock import LockedCell
from pytest_mlexp.provenance.fingerprint import fingerprint
from pytest_mlexp.tracking.description import parts_of

if TYPE_CHECKING:
    from pytest_mlexp.blocks.dataset import Dataset
    from pytest_mlexp.matrix import Cell


def described(cell: Cell, dataset: Dataset) -> LockedCell:
    """What a cell is made of now, without metrics."""
    rows, splits = parts_of(dataset)
    return LockedCell(
        dataset=rows,
        split=splits,
        version=dataset.version,
        evaluator=fingerprint(cell.evaluator.function),
        seeds=len(cell.experiment.seeds),
        gates=tuple(written(gate, informs=cell.informs(gate)) for gate in cell.gates),
    )


def changes(cell: Cell, now: LockedCell, accepted: LockedCell) -> tuple[str, ...]:
    """What of a cell is not as it was accepted, so that like would not be compared with like."""
    name, found = cell.dataset.name, []
    if now.dataset != accepted.dataset:
        digests = f"digest {accepted.dataset[:8]} -> {now.dataset[:8]}"
        along = ", and its splits with it" if now.split != accepted.split else ""
        if now.version == accepted.version:
            what = f"changed without a new version (still {now.version}, {digests})"
        else:
            what = f"changed from version {accepted.version} to {now.version} ({digests})"
        first = ": give it a new version= first" if now.version == accepted.version else ""
        found.append(f"dataset {name!r} {what}{along}{first}")
    elif now.split != accepted.split:
        found.append(
            f"the splits of dataset {name!r} changed ({accepted.split[:8]} -> {now.split[:8]}), its rows did not"
        )
    if now.seeds != accepted.seeds:
        found.append(f"the experiment has {now.seeds} seeds, {accepted.seeds} when it was accepted")
    return (*found, *changes_of_evaluator(cell, now, accepted))


def changes_of_evaluator(cell: Cell, now: LockedCell, accepted: LockedCell) -> tuple[str, ...]:
    """What of a cell's evaluator is not as it was accepted: nothing that it makes can be compared."""
    found = []
    if now.evaluator != accepted.evaluator:
        fingerprints = f"{accepted.evaluator[:8]} -> {now.evaluator[:8]}"
        found.append(f"evaluator {cell.evaluator.name!r} changed, or code that it calls (fingerprint {fingerprints})")
    for metric in cell.evaluator.metrics:
        locked = accepted.metrics.get(metric.name)
        if locked is not None and locked.maximize != metric.maximize:
            found.append(f"metric {metric.name!r} changed its direction")
    return tuple(found)
