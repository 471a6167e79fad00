"""What changed from one lock to another, and which accepted cells are gone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from operator import attrgetter
from typing import Any, TypeAlias

from pytest_mlexp.gates.lock import Accepted, Lock, LockedCell
from pytest_mlexp.numerals import digits, text

Written: TypeAlias = Mapping[str, Any]


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
    found = [Change(key, was, now) for key, was, now in pairs if was != now]
    return sorted([*found, *_gate_changes(_gates(old), _gates(new))], key=attrgetter("where"))


def _facts(lock: Lock) -> Iterator[tuple[str, str]]:
    for name, experiment in lock.experiments.items():
        yield f"{name}: tested in", experiment.test
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
    for metric, locked in cell.metrics.items():
        yield f"{where}: {metric}", _value(locked.accepted)
        if locked.anchor is not None:
            yield f"{where}: {metric} anchor", _value(locked.anchor)


def _gates(lock: Lock) -> dict[str, list[Written]]:
    """All gates by the cell and what they are on; several may be on one metric."""
    found: dict[str, list[Written]] = {}
    for name, experiment in lock.experiments.items():
        for title, cell in experiment.cells.items():
            for gate in cell.gates:
                on = f"{gate['metric']} {gate.get('slices', '')}".rstrip()
                found.setdefault(f"{name}: {title}: gate {on}", []).append(gate)
    return found


def _gate_changes(old: Mapping[str, list[Written]], new: Mapping[str, list[Written]]) -> Iterator[Change]:
    for where in {**old, **new}:
        was, now = old.get(where, []), new.get(where, [])
        for before, after in _paired([g for g in was if g not in now], [g for g in now if g not in was]):
            yield Change(where, _rule(before), _rule(after))


def _paired(old: Sequence[Written], new: Sequence[Written]) -> Iterator[tuple[Written, Written]]:
    """Each gate with the one that it became: the pair with most in common first; with an empty one, if it is alone."""
    left, right = list(old), list(new)
    while left and right:
        was, now = max(((a, b) for a in left for b in right), key=lambda pair: _in_common(*pair))
        left.remove(was)
        right.remove(now)
        yield was, now
    yield from zip_longest(left, right, fillvalue={})


def _in_common(old: Written, new: Written) -> tuple[int, int]:
    """How many options have the same value, and how many are there at all."""
    return sum(old[name] == new[name] for name in old if name in new), len(old.keys() & new.keys())


def _rule(gate: Written) -> str:
    return " ".join(f"{key}={value}" for key, value in sorted(gate.items()) if key != "metric")


def _value(accepted: Accepted) -> str:
    runs, form = len(accepted.runs), digits(accepted.value, accepted.spread)
    return (
        f"{accepted.value:{form}} ± {accepted.spread:{form}} (sd of {runs} runs)" if runs > 1 else text(accepted.value)
    )


def vanished(lock: Lock, experiment: str, present: Collection[str]) -> list[str]:
    """The accepted cells of an experiment that are not among those present."""
    locked = lock.experiments.get(experiment)
    return [] if locked is None else sorted(set(locked.cells) - set(present))
