"""Two versions of the accepted state, metric by metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from pytest_mlexp.gates.lock import GROUPS, LockedCell, LockedMetric
from pytest_mlexp.gates.statistics import Difference, compare
from pytest_mlexp.gates.versions import Version
from pytest_mlexp.numerals import digits

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]

Side: TypeAlias = tuple[Version, LockedCell | None]


@dataclass(frozen=True)
class Pair:
    """One metric of one cell in two versions; ``better`` is oriented, positive is better. None where one is missing."""

    cell: str
    metric: str
    before: float | None
    after: float | None
    better: Difference | None = None
    note: str = ""


def pairs(before: Version, after: Version) -> list[Pair]:
    """Every metric of every cell in either version, the largest loss in terms of its noise first."""
    old, new = before.lock(), after.lock()
    keys = sorted(
        {(name, cell) for lock in (old, new) for name, found in lock.experiments.items() for cell in found.cells}
    )
    found = [pair for key in keys for pair in _of_cell(key, (before, old.cell(*key)), (after, new.cell(*key)))]
    return sorted(found, key=lambda pair: pair.better.p if pair.better else 1.0)


def table(found: list[Pair]) -> str:
    """The pairs as a terminal table."""
    from tabulate import tabulate

    return tabulate([_row(pair) for pair in found], headers="keys", tablefmt="simple", disable_numparse=True)


def _of_cell(key: tuple[str, str], before: Side, after: Side) -> Iterator[Pair]:
    old, new = _metrics(before), _metrics(after)
    alike = _made_of(before[1]) == _made_of(after[1])
    vectors = [_vectors(key, side) if alike else {} for side in (before, after)]
    for name in sorted({*old, *new}):
        one, other = old.get(name), new.get(name)
        values = (one.accepted.value if one else None), (other.accepted.value if other else None)
        pair = Pair(": ".join(key), name, *values)
        if one is None or other is None:
            yield replace(pair, note="gone" if one else "new")
        elif not alike:
            yield replace(pair, note="other data or evaluator")
        elif one.accepted.hardware != other.accepted.hardware:
            yield replace(pair, note="other hardware")
        else:
            groups = next((known for vector in vectors if (known := vector.get(name + GROUPS)) is not None), None)
            found = [vector.get(name) for vector in vectors]
            yield replace(pair, better=_difference((one, other), found, groups))


def _metrics(side: Side) -> Mapping[str, LockedMetric]:
    return {} if side[1] is None else side[1].metrics


def _made_of(cell: LockedCell | None) -> tuple[str, ...] | None:
    return None if cell is None else (cell.dataset, cell.split, cell.evaluator)


def _vectors(key: tuple[str, str], side: Side) -> Mapping[str, FloatArray]:
    version, cell = side
    return {} if cell is None else version.vectors(*key, digest=cell.contributions)


def _difference(
    metrics: tuple[LockedMetric, LockedMetric], vectors: list[FloatArray | None], groups: FloatArray | None
) -> Difference:
    one, other = (metric.accepted for metric in metrics)
    paired = (one.columns, one.kind) == (other.columns, other.kind)
    sign = 1.0 if metrics[1].maximize else -1.0
    first, second = (vector if paired else None for vector in vectors)
    numbers = None if groups is None or not paired else groups.astype(int)
    return compare(one.side(first).oriented(sign), other.side(second).oriented(sign), groups=numbers)


def _row(pair: Pair) -> dict[str, str]:
    found = pair.better
    low, high = found.interval() if found else (0.0, 0.0)
    before, after = pair.before, pair.after
    form = digits(before or 0.0, after or 0.0, found.value if found else 0.0)
    return {
        "cell": pair.cell,
        "metric": pair.metric,
        "before": "" if before is None else f"{before:{form}}",
        "after": "" if after is None else f"{after:{form}}",
        "better by": f"{found.value:+{form}}" if found else "",
        "95 %": f"{low:+{form}} to {high:+{form}}" if found else "",
        "p of a loss": f"{found.p:.2g}" if found else pair.note,
    }
