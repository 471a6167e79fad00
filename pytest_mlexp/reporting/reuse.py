"""What was reused: a line for the summary, and a table of the reasons."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_mlexp.records import CellRecord, TrialRecord


def reused_line(records: Sequence[CellRecord]) -> str | None:
    """How many trials an earlier session computed; None where none."""
    trials = _trials(records)
    reused = sum(trial.reused for trial in trials)
    if not reused:
        return None
    return f"* {reused} of {len(trials)} trials reused, with the timings of then (--mlexp-fresh runs them all)"


def reasons_table(records: Sequence[CellRecord]) -> str:
    """One row a trial: reused or run, and why."""
    from tabulate import tabulate

    rows = [
        {"trial": trial.trial, "": "reused" if trial.reused else "run", "why": trial.why or "nothing is kept"}
        for trial in _trials(records)
    ]
    return tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True)


def _trials(records: Sequence[CellRecord]) -> list[TrialRecord]:
    """Each trial once, whichever evaluators share it; a worker that shared one with another tells of it as run."""
    found: dict[str, TrialRecord] = {}
    for record in records:
        for trial in record.trials:
            if trial.trial not in found or found[trial.trial].why == "run by another worker":
                found[trial.trial] = trial
    return list(found.values())
