"""The report on a session: what its journal holds, for people who did not see its terminal."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.naming import nearest
from pytest_mlexp.reporting.document import Document, Section
from pytest_mlexp.reporting.facts import commit_line, machine_line
from pytest_mlexp.reporting.html import to_page
from pytest_mlexp.reporting.leaderboard import boards, failures, table
from pytest_mlexp.reporting.markdown import to_markdown
from pytest_mlexp.reporting.notes import not_finite, notes
from pytest_mlexp.reporting.reuse import reason_rows, reused_line
from pytest_mlexp.reporting.verdicts import counts, judged, quiet_lines, verdict_rows
from pytest_mlexp.tracking.journal import JournalContents

# A file without a suffix is Markdown: so is the one that GITHUB_STEP_SUMMARY names.
_FORMATS: dict[str, Callable[[Document], str]] = {
    "": to_markdown,
    ".md": to_markdown,
    ".html": to_page,
}


def check_format(path: Path) -> None:
    """Refuse a file whose name says no known format.

    Raises:
        SettingsError: names the formats.
    """
    if path.suffix.lower() not in _FORMATS:
        known = [suffix for suffix in _FORMATS if suffix]
        raise SettingsError(f"a report cannot be written as {path.suffix!r}: {nearest(path.suffix, known)}")


def write_report(path: Path, contents: JournalContents) -> None:
    """Write the report on a session to a file, whose suffix says how: ``.html``, or Markdown.

    Raises:
        SettingsError: no known format.
        OSError: the file cannot be written.
    """
    check_format(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_FORMATS[path.suffix.lower()](report(contents)), encoding="utf-8")


def report(contents: JournalContents) -> Document:
    """The report: first what went wrong, then the leaderboards, then what to know of them."""
    return Document("pytest-mlexp report", dict(_facts(contents)), list(_sections(contents)))


def _facts(contents: JournalContents) -> Iterator[tuple[str, str]]:
    cells, session = contents.cells, contents.session
    failed = sum(test.outcome == "failed" for test in contents.tests)
    broken = sum(cell.error is not None for cell in cells)
    yield "cells", f"{len(cells) - broken} evaluated, {broken} could not be"
    yield "failed tests", str(failed)
    if pairs := judged(contents.tests):
        yield "gates", counts(pairs)
    yield "numbers", "mean ± standard deviation over seeds and splits"
    if (line := reused_line(cells, contents.tests)) is not None:
        yield "reused", line
    if session is not None:
        yield "session", f"{session.session} (mlexp reproduce {session.session} runs it again)"
        yield "began", f"{datetime.fromtimestamp(session.started / 1000, UTC):%Y-%m-%d %H:%M} UTC"
        yield "ended", _end(contents, session.started)
        yield "command", shlex.join(session.command)
        yield "commit", commit_line(session.environment.get("git") or {})
        yield "machine", machine_line(session.environment)
        if session.tracking_uri:
            yield "MLflow", session.tracking_uri
    if contents.damage:
        yield "damage", contents.damage


def _end(contents: JournalContents, started: int) -> str:
    if contents.end is None:
        return "not yet, or it was killed"
    return f"{contents.end.status.lower()}, after {(contents.end.ended - started) / 1000:.0f} s"


def _sections(contents: JournalContents) -> Iterator[Section]:
    cells, pairs = contents.cells, judged(contents.tests)
    wrong = [*failures(cells), *not_finite(cells), *_failed_otherwise(contents)]
    if wrong:
        yield Section("What failed", lines=wrong)
    if absent := _absent(contents):
        yield Section("What did not run", lines=absent)
    if pairs:
        yield Section("Gates", verdict_rows(pairs), quiet_lines(pairs))
    for title, group in boards(cells):
        yield Section(title, table(group))
    if told := notes(cells):
        yield Section("Notes", lines=[line.removeprefix("note: ") for line in told])
    if cells:
        yield Section("Why trials were reused or run", reason_rows(cells, contents.tests))


def _absent(contents: JournalContents) -> list[str]:
    """How many cells were skipped for each reason, such as a device that is not there."""
    skipped = {(test.experiment, test.cell): test.message for test in contents.tests if test.outcome == "skipped"}
    counted = Counter(reason for reason in skipped.values() if reason)
    return [f"{count} cell{'s' if count > 1 else ''}: {reason}" for reason, count in counted.items()]


def _failed_otherwise(contents: JournalContents) -> Iterator[str]:
    """The failed tests that neither a gate nor a cell's own error explains."""
    broken = {(cell.experiment, cell.cell) for cell in contents.cells if cell.error is not None}
    for test in contents.tests:
        is_explained = not all(test.verdicts) or (test.experiment, test.cell) in broken
        if test.outcome == "failed" and not is_explained and test.message:
            yield f"failed: {test.node}: {test.message.splitlines()[0]}"
