"""``mlexp report``: what a session found, as Markdown or HTML."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from pytest_mlexp.errors import SettingsError

MOST_NAMED = 10  # sessions, the newest


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "report",
        allow_abbrev=False,
        help="write the report on a recorded session, as Markdown or HTML",
        description="Report on a session that was recorded here: failures, gates, leaderboards, what was reused.",
    )
    parser.add_argument("session", metavar="SESSION", nargs="?", help="its id (default: the newest)")
    parser.add_argument("--to", type=Path, metavar="FILE", help="a .md or .html file (default: print Markdown)")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Write the report, or print it."""
    from pytest_mlexp.reporting.markdown import to_markdown
    from pytest_mlexp.reporting.report import report_on, write_report
    from pytest_mlexp.tracking.embedded import project_folder
    from pytest_mlexp.tracking.journal import read

    document = report_on(read(_folder(project_folder(Path.cwd()), given.session)))
    if given.to is None:
        print(to_markdown(document), end="")  # noqa: T201 - what the command is for
        return 0
    try:
        write_report(given.to, document)
    except OSError as error:
        raise SettingsError(f"the report cannot be written to {given.to}: {error.strerror or error}") from None
    print(f"report: {given.to}")  # noqa: T201
    return 0


def _folder(root: Path, session: str | None) -> Path:
    from pytest_mlexp.naming import nearest
    from pytest_mlexp.tracking.journal import FILE_NAME, STATE_FOLDER

    sessions = root / STATE_FOLDER / "sessions"
    here = sorted(path.parent.name for path in sessions.glob(f"*/{FILE_NAME}"))
    if not here:
        raise SettingsError(f"no session is recorded under {sessions}: pytest --mlexp records one")
    if session is not None and session not in here:
        raise SettingsError(f"no session {session!r} is recorded here: {nearest(session, here[-MOST_NAMED:])}")
    return sessions / (session or here[-1])
