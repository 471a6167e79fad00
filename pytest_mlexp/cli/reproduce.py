"""``mlexp reproduce``: a logged run, run again and compared."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "reproduce",
        allow_abbrev=False,
        help="run a logged run again and say what is the same, and why the rest is not",
        description=(
            "Run a logged session or cell again, from the recorded commit, uncommitted diff and packages, and compare "
            "metric by metric. Exits with 0 when everything is identical or within noise, 1 when not, 2 when it cannot "
            "be done as asked."
        ),
    )
    told = "an MLflow run's id, a session, or session/cell; without it recent sessions are listed"
    parser.add_argument("name", metavar="RUN", nargs="?", help=told)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--here", action="store_true", help="use this working copy and this interpreter")
    where.add_argument("--python", metavar="PATH", help="an interpreter to use instead of making an environment")
    parser.add_argument("--into", type=Path, metavar="PATH", help="where to put it (default: .mlexp/reproduce/RUN)")
    parser.add_argument(
        "--link",
        action="append",
        default=[],
        metavar="PATH",
        help="data that git does not track, to be linked from this checkout into the worktree; may be repeated",
    )
    parser.add_argument("--index", action="append", default=[], metavar="URL", help="a further package index")
    parser.add_argument("--show", action="store_true", help="only show what was recorded")
    parser.add_argument("--tracking-uri", metavar="URI", help="the MLflow store to look in (default: as for pytest)")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Run it again; 1 when something is different."""
    from pytest_mlexp.reproduction.logged import find
    from pytest_mlexp.reproduction.overview import overview
    from pytest_mlexp.reproduction.recent import recent
    from pytest_mlexp.reproduction.steps import Wishes, reproduce
    from pytest_mlexp.tracking._mlflow.logged import fetch_logged
    from pytest_mlexp.tracking.address import OFF, check_uri
    from pytest_mlexp.tracking.embedded import default_uri, project_folder
    from pytest_mlexp.tracking.journal import JournalContents

    uri = given.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
    check_uri(uri)
    root = project_folder(Path.cwd())
    if given.name is None:
        print(recent(root))  # noqa: T201 - what the command is for
        return 0

    store = None if uri == OFF else uri or default_uri(root)

    def fetch(name: str) -> JournalContents | None:
        return None if store is None else fetch_logged(name, store)

    logged = find(given.name, root, fetch=fetch, store=store)
    if given.show:
        print(overview(logged))  # noqa: T201 - what the command is for
        return 0
    wishes = Wishes(given.here, given.into, given.python, tuple(given.link), tuple(given.index))
    compared = reproduce(logged, root, wishes, say=print)
    return 0 if compared.reproduced else 1
