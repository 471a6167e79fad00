"""Screen and confirm: a cell that looks suspicious is trained again with more seeds, then judged on all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import count, islice
from typing import TYPE_CHECKING

from pytest_mlexp.gates.comparing import CONFIRM, SCREEN, Terms
from pytest_mlexp.gates.contributions import join, with_timings
from pytest_mlexp.gates.judge import Baseline, judge
from pytest_mlexp.records import Evaluation
from pytest_mlexp.verdicts import Verdict

if TYPE_CHECKING:
    from pytest_mlexp.flow import Flow
    from pytest_mlexp.matrix import Cell


def judge_cell(
    cell: Cell, evaluation: Evaluation, *, flow: Flow, baseline: Baseline | None, terms: Terms
) -> tuple[tuple[Verdict, ...], Evaluation]:
    """Judge a cell's gates, looking again with two more seeds as long as it is suspicious, at most twice.

    The runs of earlier looks are never discarded: every look is at all runs so far. Timings alone that an earlier
    session took are taken anew before they fail a cell, for nobody knows what else the machine did then.

    Returns:
        the verdicts, and the evaluation with the contributions of all runs that were looked at.
    """
    __tracebackhide__ = True
    informing = [gate for gate in cell.gates if cell.informs(gate)]
    own = replace(terms, first=len(cell.experiment.seeds))
    verdicts = judge(evaluation, cell.gates, baseline=baseline, informing=informing, terms=own)
    if anew := any(v.reused and (not v or is_suspicious(v, SCREEN[0], whole=False)) for v in verdicts):
        evaluation = with_timings(evaluation, flow.again(cell, cell.experiment.seeds, anew=True))
        verdicts = judge(evaluation, cell.gates, baseline=baseline, informing=informing, terms=own)
    for number, level in enumerate(SCREEN):
        if baseline is None or not any(is_suspicious(v, level, whole=number > 0) for v in verdicts):
            break
        seeds = other_seeds(cell.experiment.seeds, CONFIRM, skip=_runs(baseline) + number * CONFIRM)
        more = flow.again(cell, seeds, anew=anew)
        evaluation = replace(evaluation, contributions=join(evaluation.contributions, more.contributions))
        verdicts = judge(evaluation, cell.gates, baseline=baseline, informing=informing, terms=own)
    return verdicts, evaluation


def is_suspicious(verdict: Verdict, level: float, *, whole: bool) -> bool:
    """Whether another look is worth its training: a loss at this level, after the first look the whole margin."""
    found = verdict.comparison
    if found is None or verdict.informs or verdict.status in ("identical", "breach"):
        return False
    return found.suspicion < level and (not whole or abs(found.difference) >= found.margin)


def other_seeds(declared: Iterable[int], number: int, *, skip: int = 0) -> tuple[int, ...]:
    """The first seeds that an experiment does not declare, after some that were taken already."""
    taken = set(declared)
    return tuple(islice((seed for seed in count() if seed not in taken), skip, skip + number))


def _runs(baseline: Baseline) -> int:
    return max((len(metric.accepted.runs) for metric in baseline.locked.metrics.values()), default=0)
