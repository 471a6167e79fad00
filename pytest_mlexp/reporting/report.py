"""The report on a session: what its journal holds, for people who did not see its terminal."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.naming import nearest
from pytest_mlexp.records import CellRecord, TestRecord
from pytest_mlexp.reporting.document import Document, Section
from pytest_mlexp.reporting.facts import commit_line, machine_line
from pytest_mlexp.reporting.html import to_page
from pytest_mlexp.reporting.leaderboard import boards, table
from pytest_mlexp.reporting.markdown import to_markdown
from pytest_mlexp.reporting.notes import not_finite, notes, skipped
from pytest_mlexp.reporting.reuse import reason_rows, reused_count
from pytest_mlexp.reporting.verdicts import counts, judged, verdict_rows
from pytest_mlexp.tracking.journal import JournalContents

_FORMATS: dict[str, Callable[[Document], str]] = {"": to_markdown, ".md": to_markdown, ".html": to_page}
_ENDS = {"FINISHED": "passed", "FAILED": "failed", "KILLED": "interrupted or killed"}
_LEGEND = [
    "regressed: the loss is at least the margin, and is shown",
    "identical: nothing differs from what was accepted",
    "inconclusive: neither a loss nor its absence is shown",
    "p: how likely such a loss is by chance where there is none",
    "sees losses from: the smallest loss that this much data shows in 80 % of cases",
]
SUMMARY = "GITHUB_STEP_SUMMARY"  # names a file without a suffix, to which all commands of a step add


def check_format(path: Path) -> None:
    """Refuse a file whose name says no known format.

    Raises:
        SettingsError: names the formats.
    """
    if path.suffix.lower() not in _FORMATS:
        known = [suffix for suffix in _FORMATS if suffix]
        raise SettingsError(f"a report cannot be written as {path.suffix!r}: {nearest(path.suffix, known)}")


def write_report(path: Path, document: Document) -> None:
    """Write a report to a file, whose suffix says how: ``.html``, or Markdown; add it to GitHub's summary of a step.

    Raises:
        SettingsError: no known format.
        OSError: the file cannot be written.
    """
    check_format(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a" if os.environ.get(SUMMARY) == str(path) else "w", encoding="utf-8") as file:
        file.write(_FORMATS[path.suffix.lower()](document))


def report_on(contents: JournalContents, *, left_out: Iterable[str] = ()) -> Document:
    """The report: first what went wrong, then the leaderboards, then what to know of them.

    ``left_out`` are lines on models that have no cell. Of a test that ran again the last time counts.
    """
    tests = {(test.experiment, test.cell, test.node): test for test in contents.tests}
    last = replace(contents, tests=tuple(tests.values()))
    return Document(_title(last), dict(_facts(last)), list(_sections(last, left_out)))


def _title(contents: JournalContents) -> str:
    names = {*(cell.experiment for cell in contents.cells), *(test.experiment for test in contents.tests)}
    end = _ENDS[contents.end.status] if contents.end is not None else "not ended"
    return f"{', '.join(sorted(names)) or 'no experiment'}: {end}"


def _facts(contents: JournalContents) -> Iterator[tuple[str, str]]:
    cells, session = contents.cells, contents.session
    failed = sum(test.outcome == "failed" for test in contents.tests)
    broken = sum(cell.error is not None for cell in cells)
    yield "cells", f"{len(cells) - broken} evaluated, {broken} could not be"
    yield "failed tests of cells", str(failed)
    if pairs := judged(contents.tests):
        yield "gates", counts(pairs)
    yield "numbers", "mean ± standard deviation over seeds and splits"
    if (told := reused_count(cells, contents.tests)) is not None:
        yield "reused", f"{told}; their models are marked with *"
    yield "ended", _ended(contents)
    if session is not None:
        yield "session", f"{session.session} (mlexp reproduce {session.session} runs it again)"
        yield "began", f"{datetime.fromtimestamp(session.started / 1000, UTC):%Y-%m-%d %H:%M} UTC"
        yield "command", shlex.join(session.command)
        yield "commit", commit_line(session.environment.get("git") or {})
        yield "machine", machine_line(session.environment)
        if session.tracking_uri:
            yield "MLflow", session.tracking_uri
    if contents.damage:
        yield "damage", contents.damage


def _ended(contents: JournalContents) -> str:
    if contents.end is None:
        return "not yet, or it was killed"
    seconds = (contents.end.ended - contents.session.started) / 1000 if contents.session is not None else None
    return _ENDS[contents.end.status] + (f", after {seconds:.0f} s" if seconds is not None else "")


def _sections(contents: JournalContents, left_out: Iterable[str]) -> Iterator[Section]:
    cells, pairs = contents.cells, judged(contents.tests)
    wrong = [*_errors(cells), *not_finite(cells), *_failed_otherwise(contents)]
    breaches = [test.message for test in contents.tests if test.outcome == "failed" and test.message and _is_gate(test)]
    if wrong or breaches:
        yield Section("What failed", lines=wrong, texts=list(dict.fromkeys(breaches)))
    if absent := [*skipped(contents.tests, cells), *left_out]:
        yield Section("What did not run", lines=absent)
    if pairs:
        yield Section("Gates", verdict_rows(pairs, quiet=True), _LEGEND)
    for title, group in boards(cells):
        yield Section(title, table(group))
    if told := notes(cells):
        yield Section("Notes", lines=[line.removeprefix("note: ") for line in told])
    if reasons := reason_rows(cells, contents.tests):
        yield Section("What was reused or made, and why", reasons)


def _errors(cells: Iterable[CellRecord]) -> list[str]:
    """One line for each error that stopped cells, with the first of them."""
    found: dict[str, list[str]] = {}
    for cell in cells:
        if cell.error is not None:
            found.setdefault(cell.error, []).append(f"{cell.experiment}: {cell.cell}")
    more = {error: f" and {len(names) - 1} more" if len(names) > 1 else "" for error, names in found.items()}
    return [f"{names[0]}{more[error]}: {error}" for error, names in found.items()]


def _is_gate(test: TestRecord) -> bool:
    return not all(test.verdicts)


def _failed_otherwise(contents: JournalContents) -> Iterator[str]:
    """The failed tests that neither a gate nor a cell's own error explains."""
    broken = {(cell.experiment, cell.cell) for cell in contents.cells if cell.error is not None}
    for test in contents.tests:
        is_explained = _is_gate(test) or (test.experiment, test.cell) in broken
        if test.outcome == "failed" and not is_explained and test.message:
            yield f"{test.node}: {test.message.splitlines()[0]}"
