"""What was reused: a line for the summary, and a table of the reasons."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pytest_mlexp.records import CellRecord, TestRecord, TrialRecord

SEED = "-seed="  # stands in a trial's id between what runs and the run
SHOWN = 3


def reused_count(records: Iterable[CellRecord], tests: Iterable[TestRecord] = ()) -> str | None:
    """How many trials an earlier session computed; None where none."""
    trials = [*_once(trial for record in records for trial in record.trials), *_once(_further(tests))]
    reused = sum(trial.reused for trial in trials)
    if not reused:
        return None
    return f"{reused} of {len(trials)} trials reused, with the timings of then"


def reused_line(records: Iterable[CellRecord], tests: Iterable[TestRecord] = ()) -> str | None:
    """That as the note to the star in leaderboards, with what to do about it."""
    told = reused_count(records, tests)
    return None if told is None else f"* {told} (--mlexp-fresh runs them all)"


def reason_rows(
    records: Sequence[CellRecord], tests: Sequence[TestRecord] = (), *, each: bool = False
) -> list[dict[str, str]]:
    """Trials and evaluations, reused or made, and why: those with one reason in one row, or ``each`` in its own."""
    groups: defaultdict[str, list[_Reason]] = defaultdict(list)
    for reason in _reasons(records, tests):
        groups[reason.of].append(reason)
    return [
        {"of": "" if number else of, "which": which, "was": reason.state, "why": reason.why or "nothing is kept"}
        for of, group in groups.items()
        for number, (which, reason) in enumerate(_each(group) if each else _alike(group))
    ]


def reasons_table(records: Sequence[CellRecord], tests: Sequence[TestRecord] = (), *, each: bool = False) -> str:
    """Those rows as a terminal table, with how to have more of them."""
    from tabulate import tabulate

    rows = reason_rows(records, tests, each=each)
    told = tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True)
    return f"{told}\n-v: a line for each" if rows and not each else told


@dataclass(frozen=True)
class _Reason:
    """Why something was made or not: ``name`` tells it from the others of the same."""

    of: str
    name: str
    state: str
    why: str


def _reasons(records: Iterable[CellRecord], tests: Iterable[TestRecord]) -> Iterator[_Reason]:
    records = list(records)
    for kind, trials in (
        ("trials of", [trial for record in records for trial in record.trials]),
        ("further trials of", _further(tests)),
    ):
        for trial in _once(trials):
            where, _, run = trial.trial.rpartition(SEED)
            yield _Reason(f"{kind} {where}", f"seed={run}", "reused" if trial.reused else "run", trial.why)
    for record in records:
        if record.evaluation is not None:
            state = "reused" if record.evaluation.reused else "made"
            of = f"evaluations of {record.experiment} by {record.evaluator}"
            yield _Reason(of, record.cell, state, record.evaluation.why)
        if record.error is not None:
            yield _Reason(f"failed cells of {record.experiment}", record.cell, "run", "a failure is never kept")


def _each(group: Sequence[_Reason]) -> list[tuple[str, _Reason]]:
    return [(reason.name, reason) for reason in group]


def _alike(group: Sequence[_Reason]) -> list[tuple[str, _Reason]]:
    """Those for which the same is said as one, with words for which ones they are."""
    found: defaultdict[tuple[str, str], list[_Reason]] = defaultdict(list)
    for reason in group:
        found[reason.state, reason.why].append(reason)
    return [(_which(alike, group), alike[0]) for alike in found.values()]


def _which(alike: Sequence[_Reason], group: Sequence[_Reason]) -> str:
    """Which of a group: all, or the first few by name; a seed stands for all of its splits."""
    if len(alike) == len(group):
        return f"all {len(group)}" if len(group) > 1 else group[0].name
    missing = {_seed(reason) for reason in set(group).difference(alike)}
    names = dict.fromkeys(r.name if _seed(r) in missing else _seed(r) for r in alike)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{len(alike)} of {len(group)}: {', '.join(list(names)[:SHOWN])}{more}"


def _seed(reason: _Reason) -> str:
    """The seed of a trial; the name of anything else."""
    return reason.name.partition("-")[0] if reason.name.startswith(SEED[1:]) else reason.name


def _further(tests: Iterable[TestRecord]) -> list[TrialRecord]:
    return [trial for test in tests for trial in test.further]


def _once(trials: Iterable[TrialRecord]) -> list[TrialRecord]:
    """Each trial once, whoever shares it."""
    return list({trial.trial: trial for trial in trials}.values())
