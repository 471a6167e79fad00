"""The metric points of a cell's run."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pytest_mlexp.records import CellRecord, TestRecord
from pytest_mlexp.tracking.limits import Limits, legal_key
from pytest_mlexp.verdicts import points as gate_points

ROOM = len(".trials")


def points_of(cell: CellRecord, tests: Iterable[TestRecord], limits: Limits) -> tuple[tuple[str, float, int], ...]:
    """Mean, spread and the value of each trial, and what the gates found; a single trial has neither spread nor series.

    What is more than the store takes is left out, spreads and series first: the cell's files hold all of it.
    """
    keys: dict[str, str] = {}
    for name in cell.metrics:
        keys[name] = legal_key(name, keys.values(), limits.key - ROOM)
    taken = set(keys.values())
    points: list[tuple[str, float, int]] = []
    more: list[tuple[str, float, int]] = []
    for name, metric in cell.metrics.items():
        points.append((keys[name], metric.mean, 0))
        if len(metric.values) > 1:
            more.append((legal_key(f"{keys[name]}.std", taken), metric.spread, 0))
            trials = legal_key(f"{keys[name]}.trials", taken)
            more.extend((trials, value, step) for step, value in enumerate(metric.values))
    for name, seconds in (("fit_seconds", cell.fit_seconds), ("predict_seconds", cell.predict_seconds)):
        if seconds and name not in taken:
            points.append((name, math.fsum(seconds) / len(seconds), 0))
    found = gate_points(verdict for test in tests for verdict in test.verdicts)
    more.extend((legal_key(name, longest=limits.key), value, step) for name, value, step in found)
    kept = [*dict.fromkeys(key for key, _, _ in (*points, *more))][: limits.metrics]
    allowed = set(kept)
    return tuple(point for point in (*points, *more) if point[0] in allowed)
