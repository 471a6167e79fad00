"""What is accepted now, against itself: whether its gates can see a loss as small as their margin."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_mlexp.gates.acceptance import Acceptance, Sight
from pytest_mlexp.gates.judge import Baseline, judge
from pytest_mlexp.gates.lock import Lock
from pytest_mlexp.gates.vectors import unpack
from pytest_mlexp.numerals import text

if TYPE_CHECKING:
    from pytest_mlexp.gates.comparing import Terms
    from pytest_mlexp.matrix import Cell
    from pytest_mlexp.records import Evaluation


CLEARLY = 1.5  # what is seen with a power of 80 % is always somewhat larger than the margin


def failing_comparisons(cell: Cell) -> int:
    """How many comparisons with a baseline can fail a cell."""
    return sum(gate.compares and not cell.informs(gate) for gate in cell.gates)


def sights(cell: Cell, accepted: Acceptance, declared: Evaluation, terms: Terms) -> tuple[Sight, ...]:
    """What each gate that can fail the cell sees of it from the next session on, when it runs the declared seeds."""
    entry, gates = accepted.entry, [gate for gate in cell.gates if gate.compares and not cell.informs(gate)]
    if entry is None or not gates:
        return ()
    vectors = unpack(accepted.vectors, digest=entry.contributions, where=cell.id) if accepted.vectors else {}
    own = replace(terms, first=len(cell.experiment.seeds))
    verdicts = judge(declared, gates, baseline=Baseline(entry, vectors), terms=own)
    return tuple(
        Sight(verdict.gate, found.visible, found.margin)
        for verdict in verdicts
        if verdict.against == "baseline" and (found := verdict.comparison) is not None
    )


def short_sighted(acceptances: Iterable[Acceptance]) -> list[str]:
    """One line for each gate that sees only losses clearly above its margin, with the cell of which it sees least."""
    found: dict[tuple[str, str], list[tuple[Sight, str]]] = {}
    for one in acceptances:
        for sight in one.sights:
            if sight.visible > CLEARLY * sight.margin:
                found.setdefault((one.experiment, sight.gate), []).append((sight, one.cell))
    lines = []
    for (experiment, gate), seen in found.items():
        worst, cell = max(seen, key=lambda pair: (_excess(pair[0]), pair[0].visible, pair[1]))
        sees = f"sees losses from {text(worst.visible)}" if math.isfinite(worst.visible) else "sees no loss"
        of = f"{cell}, the worst of {len(seen)} cells" if len(seen) > 1 else cell
        lines.append(f"{experiment}: gate '{gate}' {sees}, its margin is {worst.margin:.4g} ({of})")
    return lines


def only_informing(accepted: Lock, acceptances: Iterable[Acceptance]) -> list[str]:
    """One line for each gate that is accepted for the first time and whose margin fails nothing by default."""
    found: dict[tuple[str, str, bool], set[str]] = {}
    for one in acceptances:
        before = accepted.cell(one.experiment, one.cell)
        for gate in one.entry.gates if one.entry else ():
            if "informs" in gate and (before is None or gate not in before.gates):
                rule = " ".join(
                    [gate["metric"], *(f"{k}={v}" for k, v in gate.items() if k not in ("metric", "informs"))]
                )
                found.setdefault((one.experiment, rule, "at_least" in gate or "at_most" in gate), set()).add(one.cell)
    return [
        f"{experiment}: the margin of gate '{rule}' only informs in {len(cells)} cell{'s' if len(cells) > 1 else ''}"
        f"{', its bound fails them' if bounded else ''}: primary=True lets the margin fail them too"
        for (experiment, rule, bounded), cells in found.items()
    ]


def _excess(sight: Sight) -> float:
    return sight.visible / sight.margin if sight.margin else math.inf
