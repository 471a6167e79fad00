"""``mlexp compare``: two accepted states side by side."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "compare",
        allow_abbrev=False,
        help="print what changed between two accepted states, paired by example",
        description="Compare two accepted states: main..HEAD, two commits, two locks, or two runs with --mlexp-accept.",
    )
    told = "BEFORE AFTER, or BEFORE..AFTER: each a commit, a lock, a session, an MLflow run's id or mlflow:MODEL@ALIAS"
    parser.add_argument("versions", nargs="+", metavar="VERSION", help=told)
    parser.add_argument("--lock", default="mlexp.lock", help="the lock's path within a commit (default: mlexp.lock)")
    parser.add_argument("--tracking-uri", metavar="URI", help="the MLflow store to look in (default: as for pytest)")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print what changed."""
    from pytest_mlexp.cli.runs import KeptRuns
    from pytest_mlexp.gates.versions import versions
    from pytest_mlexp.reporting.pairs import told
    from pytest_mlexp.tracking.address import check_uri
    from pytest_mlexp.tracking.embedded import project_folder

    uri = given.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
    check_uri(uri)
    with TemporaryDirectory(prefix="mlexp-compare-") as folder:
        runs = KeptRuns(project_folder(Path.cwd()), uri, Path(folder))
        print(told(*versions(given.versions, lock=given.lock, runs=runs)))  # noqa: T201 - what the command is for
    return 0
