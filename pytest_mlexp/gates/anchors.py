"""What is accepted now, against the anchor that stays: whether the cell goes on failing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_mlexp.gates.acceptance import Acceptance, margins
from pytest_mlexp.gates.comparing import Terms
from pytest_mlexp.gates.judge import Baseline, judge
from pytest_mlexp.gates.vectors import unpack
from pytest_mlexp.numerals import change, text

if TYPE_CHECKING:
    from pytest_mlexp.matrix import Cell
    from pytest_mlexp.records import Evaluation
    from pytest_mlexp.verdicts import Comparison, Verdict


GOES_ON = "goes on failing against its anchor"


def against_anchors(cell: Cell, accepted: Acceptance, fresh: Evaluation, terms: Terms) -> tuple[str, ...]:
    """One line for each gate that fails against its anchor, with the runs that are accepted now."""
    entry = accepted.entry
    if entry is None or not any(metric.anchor for metric in entry.metrics.values()):
        return ()
    vectors = unpack(accepted.vectors, digest=entry.contributions, where=cell.id) if accepted.vectors else {}
    informing = [gate for gate in cell.gates if cell.informs(gate)]
    verdicts = judge(fresh, cell.gates, baseline=Baseline(entry, vectors), informing=informing, terms=terms)
    return tuple(
        f"{cell.experiment.name}: {cell.id}: {found.metric} {GOES_ON}: {_why(found, compared)}"
        for found in verdicts
        if found.against == "anchor" and not found and (compared := found.comparison) is not None
    )


def given_up(accepted: Acceptance, previous: Baseline | None) -> Acceptance:
    """What is accepted with a reset, with the values of the better anchors that are not held any more."""
    entry, locked = accepted.entry, {} if previous is None else previous.locked.metrics
    if entry is None or previous is None:
        return accepted
    metrics = dict(entry.metrics)
    for name, metric in entry.metrics.items():
        if name in locked and margins(name, previous.locked.gates):
            oldest = (locked[name].anchor or locked[name].accepted).value
            is_better = oldest > metric.accepted.value if metric.maximize else oldest < metric.accepted.value
            metrics[name] = replace(metric, given_up=oldest if is_better else locked[name].given_up)
    return replace(accepted, entry=replace(entry, metrics=metrics))


def _why(found: Verdict, compared: Comparison) -> str:
    moved = change(compared.baseline, compared.candidate, compared.difference)
    if found.status != "inconclusive":
        return f"{moved}, margin {compared.margin:.4g}"
    told = f"not shown to keep within the margin {compared.margin:.4g} (inconclusive, which this gate fails)"
    return f"{moved}, {told}; it sees losses from {text(compared.visible)}"
