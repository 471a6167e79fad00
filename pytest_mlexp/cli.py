"""The console script ``mlexp``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_mlexp.errors import MlexpError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 2 for what cannot be done as asked."""
    parser = argparse.ArgumentParser(
        prog="mlexp", description="Runs and accepted states of experiments (pytest-mlexp)."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    compare = commands.add_parser(
        "compare",
        help="print what changed between two accepted states, paired by example",
        description="Compare two accepted states: main..HEAD, two commits, or two lock files.",
    )
    compare.add_argument("versions", nargs="+", metavar="VERSION", help="BEFORE AFTER, or BEFORE..AFTER")
    compare.add_argument("--lock", default="mlexp.lock", help="the lock's path within a commit (default: mlexp.lock)")
    sync = commands.add_parser(
        "sync",
        help="write to MLflow what it does not hold yet",
        description="Mirror the sessions of this project to MLflow; nothing is written twice.",
    )
    sync.add_argument("--tracking-uri", metavar="URI", help="the store (default: the one each session was meant for)")
    given = parser.parse_args(arguments)
    try:
        if given.command == "sync":
            return _sync(given.tracking_uri)
        print(_compare(given.versions, given.lock))  # noqa: T201 - what the command is for
    except MlexpError as error:
        print(f"mlexp: {error}", file=sys.stderr)  # noqa: T201 - as above
        return 2
    return 0


def _sync(tracking_uri: str | None) -> int:
    from pytest_mlexp.tracking.address import check_uri
    from pytest_mlexp.tracking.embedded import project_folder
    from pytest_mlexp.tracking.sync import sync

    check_uri(tracking_uri)
    done = sync(project_folder(Path.cwd()), tracking_uri)
    for name, mirrored in done.items():
        told = mirrored.failed or f"{mirrored.runs_written} runs written, {mirrored.runs_already_there} were there"
        print(f"{name}: {told}")  # noqa: T201 - what the command is for
    return 1 if any(mirrored.failed for mirrored in done.values()) else 0


def _compare(names: list[str], lock: str) -> str:
    from pytest_mlexp.gates.versions import versions
    from pytest_mlexp.reporting.pairs import pairs, table

    before, after = versions(names, lock=lock)
    found = pairs(before, after)
    return table(found) if found else f"neither {before.name} nor {after.name} has an accepted cell"
