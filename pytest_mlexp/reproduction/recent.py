"""The sessions that were recorded here last, as a table to choose from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pytest_mlexp.tracking.journal import STATE_FOLDER, JournalContents, read

SHOWN = 10


def recent(root: Path) -> str:
    """The last sessions in the journals under ``root``, the newest first, with what they were and how they ended."""
    from tabulate import tabulate

    folders = sorted((path.parent for path in (root / STATE_FOLDER / "sessions").glob("*/journal.jsonl")), reverse=True)
    if not folders:
        return f"no session is recorded under {root / STATE_FOLDER}: pytest --mlexp records one"
    found = {folder.name: read(folder) for folder in folders[:SHOWN]}
    rows = [_row(name, contents) for name, contents in found.items()]
    table = tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True)
    more = [f"and {len(folders) - SHOWN} older ones"] if len(folders) > SHOWN else []
    return "\n".join([table, *more, *(contents.damage for contents in found.values() if contents.damage)])


def _row(name: str, found: JournalContents) -> dict[str, str]:
    session = found.session
    git = session.environment.get("git") if session else None
    commit = str(git.get("commit") or "") if isinstance(git, dict) else ""
    failed = sum(test.outcome == "failed" for test in found.tests)
    return {
        "session": name,
        "started (UTC)": f"{datetime.fromtimestamp(session.started / 1000, UTC):%Y-%m-%d %H:%M}" if session else "",
        "commit": commit[:8],
        "cells": str(len(found.cells)),
        "failed tests": str(failed),
        "ended": found.end.status.lower() if found.end else "cut off, or running",
    }
