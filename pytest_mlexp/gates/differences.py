"""What changed from one lock to another, and which accepted cells are gone."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from operator import attrgetter
from typing import Any, TypeAlias

from pytest_mlexp.gates.lock import Accepted, Lock, LockedCell
from pytest_mlexp.naming import nearest
from pytest_mlexp.numerals import digits, text

Written: TypeAlias = Mapping[str, Any]
On: TypeAlias = tuple[str, str, str]
Named: TypeAlias = tuple[str, str]
_MADE_OF = ": made of"
_NAMED = 3  # cells with one change in common


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
    found = [change for change in found if not change.where.endswith(_MADE_OF) or (change.old and change.new)]
    return sorted([*found, *_gate_changes(_gates(old), _gates(new))], key=attrgetter("where"))


def differences_beside_values(old: Lock, new: Lock) -> list[Change]:
    """What changed beside the accepted values of the metrics: data, evaluators, gates, anchors."""
    values = {
        f"{name}: {title}: {metric}"
        for lock in (old, new)
        for name, experiment in lock.experiments.items()
        for title, cell in experiment.cells.items()
        for metric in cell.metrics
    }
    return [change for change in differences(old, new) if change.where not in values]


def folded(changes: Iterable[Change]) -> list[Change]:
    """The same changes, with what is the same in several cells of an experiment as one, and their number."""
    alike: dict[tuple[str, ...], list[Change]] = {}
    for change in changes:
        experiment, _, rest = change.where.partition(": ")
        cell, _, what = rest.partition(": ")
        is_of_cell = what and not what.startswith("gate ") and " " not in cell  # those of gates are folded already
        key = (experiment, what, change.old, change.new) if is_of_cell else (change.where, change.old, change.new)
        alike.setdefault(key, []).append(change)
    return [replace(found[0], where=_in_cells([one.where for one in found])) for found in alike.values()]


def folded_lines(lines: Iterable[str]) -> list[str]:
    """Lines of ``experiment: cell: what`` in order, with what is the same in several cells as one."""
    alike: dict[tuple[str, str], list[str]] = {}
    for line in sorted(set(lines)):
        experiment, _, what = line.split(": ", 2)
        alike.setdefault((experiment, what), []).append(line)
    return [_in_cells(found) for found in alike.values()]


def renamed(lock: Lock, gone: Iterable[Named], new: Mapping[Named, Mapping[str, float]]) -> list[str]:
    """One line for each accepted cell that is gone: how its metrics changed if it is the new cell most like it.

    Alike is one with the same model, or on the same dataset: numbers of two models on two datasets compare nothing.

    Args:
        lock: what was accepted.
        gone: experiment and cell of what is not there any more.
        new: likewise what is there and not accepted, with its metrics.
    """
    lines = []
    for experiment, cell in sorted(gone):
        locked = lock.cell(experiment, cell)
        before = {} if locked is None else {name: metric.accepted.value for name, metric in locked.metrics.items()}
        able = [
            title
            for (name, title), found in new.items()
            if name == experiment and before.keys() & found.keys() and _differ_in_one(cell, title)
        ]
        for close in difflib.get_close_matches(cell, sorted(able), n=1, cutoff=0.0):
            after = new[experiment, close]
            both = [(name, was, after[name]) for name, was in before.items() if name in after]
            moved = [f"{m} {was:{(form := digits(was, now, now - was))}} -> {now:{form}}" for m, was, now in both]
            lines.append(f"{experiment}: {cell}: if {close} is its new name: {', '.join(moved)}")
    return lines


def _differ_in_one(cell: str, other: str) -> bool:
    """Whether all but one of model, dataset, evaluator and device are the same; only a model's name may hold ``-``."""
    parts = zip(cell.rsplit("-", 3), other.rsplit("-", 3), strict=False)
    return sum(one != another for one, another in parts) == 1


def _in_cells(places: Sequence[str]) -> str:
    if len(places) == 1:
        return places[0]
    experiment, _, what = places[0].split(": ", 2)
    cells = [place.split(": ", 2)[1] for place in places]
    more = ", ..." if len(cells) > _NAMED else ""
    return f"{experiment}: {len(cells)} cells ({', '.join(cells[:_NAMED])}{more}): {what}"


def _facts(lock: Lock) -> Iterator[tuple[str, str]]:
    if lock.alpha is not None:
        yield "alpha (0.05 where it is nothing)", f"{lock.alpha:g}"
    for name, experiment in lock.experiments.items():
        yield f"{name}: tested in", experiment.test
        for title, dataset in experiment.datasets.items():
            yield f"{name}: dataset {title}", f"version {dataset.version}, digest {dataset.digest[:8]}"
        for title, evaluator in experiment.evaluators.items():
            yield f"{name}: evaluator {title}", evaluator.digest[:8]
            for words in ("description", "owner", "business_indicator"):
                yield f"{name}: evaluator {title}: {words}", getattr(evaluator, words)
        for title, cell in experiment.cells.items():
            yield f"{name}: {title}{_MADE_OF}", _made_of(cell)
            yield from _cell_facts(f"{name}: {title}", cell)


def _made_of(cell: LockedCell) -> str:
    return f"data {cell.dataset[:8]}, split {cell.split[:8]}, evaluator {cell.evaluator[:8]}, {cell.seeds} seeds"


def _cell_facts(where: str, cell: LockedCell) -> Iterator[tuple[str, str]]:
    for metric, locked in cell.metrics.items():
        yield f"{where}: {metric}", shown(locked.accepted)
        if locked.anchor is not None:
            yield f"{where}: {metric} anchor", shown(locked.anchor)
        if locked.given_up is not None:
            yield f"{where}: {metric} anchor given up (--mlexp-reset-anchors)", text(locked.given_up)


def _gates(lock: Lock) -> dict[On, list[Written]]:
    """All gates by experiment, cell and what they are on; several may be on one metric."""
    found: dict[On, list[Written]] = {}
    for name, experiment in lock.experiments.items():
        for title, cell in experiment.cells.items():
            for gate in cell.gates:
                on = f"{gate['metric']} {gate.get('slices', '')}".rstrip()
                found.setdefault((name, title, on), []).append(gate)
    return found


def _gate_changes(old: Mapping[On, list[Written]], new: Mapping[On, list[Written]]) -> Iterator[Change]:
    """One line for each change of a gate, and the cells that have it."""
    found: dict[tuple[str, str, str, str], list[str]] = {}
    for name, title, on in sorted({**old, **new}):
        was, now = old.get((name, title, on), []), new.get((name, title, on), [])
        for lost, gained in _paired([g for g in was if g not in now], [g for g in now if g not in was]):
            found.setdefault((name, on, _rule(lost), _rule(gained)), []).append(title)
    for (name, on, before, after), cells in found.items():
        every = {title for experiment, title, other in {**old, **new} if (experiment, other) == (name, on)}
        where = f"all {len(cells)} cells that have it" if every == set(cells) else ", ".join(cells)
        yield Change(f"{name}: {where if len(cells) > 1 else cells[0]}: gate {on}", before, after)


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


def shown(accepted: Accepted) -> str:
    """An accepted value with its spread, for people."""
    runs, form = len(accepted.runs), digits(accepted.value, accepted.spread)
    return (
        f"{accepted.value:{form}} ± {accepted.spread:{form}} (sd of {runs} runs)" if runs > 1 else text(accepted.value)
    )


def vanished(lock: Lock, experiment: str, present: Collection[str]) -> list[str]:
    """The accepted cells of an experiment that are not among those present."""
    locked = lock.experiments.get(experiment)
    return [] if locked is None else sorted(set(locked.cells) - set(present))


def instead(lock: Lock, experiment: str, cell: str, present: Collection[str]) -> str:
    """What an accepted cell that is gone may be called now: what is there and not accepted comes first."""
    locked = lock.experiments.get(experiment)
    accepted = set() if locked is None else set(locked.cells)
    new, kept = sorted(set(present) - accepted), sorted(set(present) & accepted)
    if not new:
        return nearest(cell, present)
    (close,) = difflib.get_close_matches(cell, new, n=1, cutoff=0.0)
    others = f"; accepted as well: {', '.join(kept)}" if kept else ""
    return f"did you mean {close!r}? New here: {', '.join(new)}{others}"
