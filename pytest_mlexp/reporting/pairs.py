"""Two versions of the accepted state, metric by metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from pytest_mlexp.gates.comparable import FEWEST_RUNS
from pytest_mlexp.gates.comparing import rounding
from pytest_mlexp.gates.differences import differences_beside_values
from pytest_mlexp.gates.lock import GROUPS, Accepted, LockedCell, LockedMetric
from pytest_mlexp.gates.rules import OPERATIONAL
from pytest_mlexp.gates.statistics import Difference, compare
from pytest_mlexp.gates.timings import noise_of_machine, pace_of
from pytest_mlexp.gates.versions import Version
from pytest_mlexp.numerals import digits

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]

UNCHANGED = "unchanged"
Side: TypeAlias = tuple[Version, LockedCell | None]


@dataclass(frozen=True)
class Pair:
    """One metric of one cell in two versions; ``better`` is oriented, positive is better. None where one is missing.

    ``note`` says why there is no ``better``: ``unchanged``, for instance.
    """

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


def told(before: Version, after: Version) -> str:
    """What changed between two versions: a table of metrics, then data, evaluators, gates and anchors."""
    from tabulate import tabulate

    found = pairs(before, after)
    if not found:
        return f"neither {before.name} nor {after.name} has an accepted cell"
    rows = [_row(pair) for pair in found if pair.note != UNCHANGED]
    parts = [tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True)] if rows else []
    same = [pair.cell for pair in found if pair.note == UNCHANGED]
    if same:
        parts.append(f"unchanged: {_count(len(same), 'metric')} of {_count(len(set(same)), 'cell')}")
    beside = [str(change) for change in differences_beside_values(before.lock(), after.lock())]
    if after.is_not_as_here():
        here = f"{after.path} here is not as it is in {after.name}"
        beside.append(f"{here}: mlexp compare {before.name}.. compares what is here")
    return "\n\n".join([*parts, *(["\n".join(beside)] if beside else [])])


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number > 1 else ''}"


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
        elif not alike and not (name in OPERATIONAL and _data(before[1]) == _data(after[1])):
            yield replace(pair, note="other data or evaluator")
        elif one.accepted.hardware != other.accepted.hardware:
            yield replace(pair, note="other hardware")
        else:
            groups = next((known for vector in vectors if (known := vector.get(name + GROUPS)) is not None), None)
            found = [vector.get(name) for vector in vectors]
            if _is_same((one.accepted, other.accepted), found):
                yield replace(pair, note=UNCHANGED)
            elif one.accepted.kind == "runs" and min(len(m.accepted.runs) for m in (one, other)) < FEWEST_RUNS:
                yield replace(pair, note="too few runs")
            else:
                yield replace(pair, better=difference(name, (one, other), found, groups))


def _metrics(side: Side) -> Mapping[str, LockedMetric]:
    return {} if side[1] is None else side[1].metrics


def _made_of(cell: LockedCell | None) -> tuple[str, ...] | None:
    return None if cell is None else (cell.dataset, cell.split, cell.evaluator)


def _data(cell: LockedCell | None) -> tuple[str, ...] | None:
    """What timings depend on beside the model: not on the evaluator, which does not make them."""
    return None if cell is None else (cell.dataset, cell.split)


def _vectors(key: tuple[str, str], side: Side) -> Mapping[str, FloatArray]:
    version, cell = side
    return {} if cell is None else version.vectors(*key, digest=cell.contributions)


def _is_same(accepted: tuple[Accepted, Accepted], vectors: list[FloatArray | None]) -> bool:
    """Whether runs and contributions are the same but for rounding."""
    import numpy as np

    one, other = accepted
    pairs = [(np.array(one.runs), np.array(other.runs))]
    first, second = vectors
    if first is not None and second is not None:
        pairs.append((first, second))
    elif one.columns != other.columns:
        return False
    return all(a.shape == b.shape and np.allclose(a, b, rtol=1e-8, atol=1e-14) for a, b in pairs)


def difference(
    name: str, metrics: tuple[LockedMetric, LockedMetric], vectors: list[FloatArray | None], groups: FloatArray | None
) -> Difference:
    """What is better by how much: paired where both have contributions; rounding is no loss."""
    one, other = (metric.accepted for metric in metrics)
    paired = (one.columns, one.kind) == (other.columns, other.kind)
    sign = 1.0 if metrics[1].maximize else -1.0
    first, second = (vector if paired else None for vector in vectors)
    numbers = None if groups is None or not paired else groups.astype(int)
    sides = one.side(first).oriented(sign), other.side(second).oriented(sign)
    found = compare(*sides, groups=numbers, floor=noise_of_machine(name, one, pace_of(one, (other.pace,))))
    is_rounding = abs(found.value) <= rounding(sides)[0]
    return replace(found, p=max(found.p, 0.5)) if is_rounding else found


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
        "p of a loss": f"{found.p:.2g}" if found else "",
        **({} if pair.note in ("", UNCHANGED) else {"not compared": pair.note}),
    }
