"""What a reader should know of cells, one line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from pytest_mlexp.records import CellRecord, TestRecord


def not_finite(records: Iterable[CellRecord]) -> list[str]:
    """One line for each cell with metrics that are not finite."""
    found = [(record, [one.name for one in record.metrics.values() if not one.finite]) for record in records]
    return [f"not finite: {record.experiment}: {record.cell}: {', '.join(odd)}" for record, odd in found if odd]


def notes(records: Iterable[CellRecord]) -> list[str]:
    """One line for each note, however many cells have it."""
    found: dict[str, list[str]] = {}
    for record in records:
        for note in record.notes:
            found.setdefault(note, []).append(f"{record.experiment}: {record.cell}")
    more = {note: f" and {len(cells) - 1} more" if len(cells) > 1 else "" for note, cells in found.items()}
    return [f"note: {cells[0]}{more[note]}: {note}" for note, cells in found.items()]


def skipped(tests: Iterable[TestRecord], records: Iterable[CellRecord] = ()) -> list[str]:
    """How many cells have no record because their tests were skipped, for each reason: a device that is not there."""
    ran = {(record.experiment, record.cell) for record in records}
    reasons = {(test.experiment, test.cell): test.message for test in tests if test.outcome == "skipped"}
    counted = Counter(reason for cell, reason in reasons.items() if reason and cell not in ran)
    return [f"{count} cell{'s were' if count > 1 else ' was'} skipped: {why}" for why, count in counted.items()]
