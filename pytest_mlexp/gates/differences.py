"""What changed from one lock to another, and which accepted cells are gone."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from pytest_mlexp.gates.lock import Accepted, Lock, LockedCell


@dataclass(frozen=True)
class Change:
    """One line of what changed in a lock: where, and the old and the new value as text."""

    where: str
    old: str = ""
    new: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.old or 'nothing'} -> {self.new or 'gone'}"


def differences(old: Lock, new: Lock) -> list[Change]:
    """Everything that a reviewer should know of, in order."""
    before, after = dict(_facts(old)), dict(_facts(new))
    pairs = [(key, before.get(key, ""), after.get(key, "")) for key in sorted(before | after)]
    return [Change(key, was, now) for key, was, now in pairs if was != now]


def _facts(lock: Lock) -> Iterator[tuple[str, str]]:
    for name, experiment in lock.experiments.items():
        for title, dataset in experiment.datasets.items():
            yield f"{name}: dataset {title}", f"version {dataset.version}, digest {dataset.digest[:8]}"
        for title, evaluator in experiment.evaluators.items():
            yield f"{name}: evaluator {title}", evaluator.digest[:8]
            for words in ("description", "owner", "business_indicator"):
                yield f"{name}: evaluator {title}: {words}", getattr(evaluator, words)
        for title, cell in experiment.cells.items():
            yield f"{name}: {title}: made of", _made_of(cell)
            yield from _cell_facts(f"{name}: {title}", cell)


def _made_of(cell: LockedCell) -> str:
    return f"data {cell.dataset[:8]}, split {cell.split[:8]}, evaluator {cell.evaluator[:8]}, {cell.seeds} seeds"


def _cell_facts(where: str, cell: LockedCell) -> Iterator[tuple[str, str]]:
    for gate in cell.gates:
        rule = " ".join(f"{key}={value}" for key, value in sorted(gate.items()) if key != "metric")
        yield f"{where}: gate {gate['metric']} {gate.get('slices', '')}".rstrip(), rule
    for metric, locked in cell.metrics.items():
        yield f"{where}: {metric}", _value(locked.accepted)
        if locked.anchor is not None:
            yield f"{where}: {metric} anchor", _value(locked.anchor)


def _value(accepted: Accepted) -> str:
    runs = len(accepted.runs)
    return f"{accepted.value:.4f} ± {accepted.spread:.4f} (sd of {runs} runs)" if runs > 1 else f"{accepted.value:.4f}"


def vanished(lock: Lock, experiment: str, present: Collection[str]) -> list[str]:
    """The accepted cells of an experiment that are not among those present."""
    locked = lock.experiments.get(experiment)
    return [] if locked is None else sorted(set(locked.cells) - set(present))
