"""The console script ``mlexp``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pytest_mlexp.errors import MlexpError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 2 for what cannot be done as asked."""
    parser = argparse.ArgumentParser(prog="mlexp", description="Accepted states of experiments (pytest-mlexp).")
    commands = parser.add_subparsers(dest="command", required=True)
    compare = commands.add_parser(
        "compare",
        help="print what changed between two accepted states, paired by example",
        description="Compare two accepted states: main..HEAD, two commits, or two lock files.",
    )
    compare.add_argument("versions", nargs="+", metavar="VERSION", help="BEFORE AFTER, or BEFORE..AFTER")
    compare.add_argument("--lock", default="mlexp.lock", help="the lock's path within a commit (default: mlexp.lock)")
    given = parser.parse_args(arguments)
    try:
        print(_compare(given.versions, given.lock))  # noqa: T201 - what the command is for
    except MlexpError as error:
        print(f"mlexp: {error}", file=sys.stderr)  # noqa: T201 - as above
        return 2
    return 0


def _compare(names: list[str], lock: str) -> str:
    from pytest_mlexp.gates.versions import versions
    from pytest_mlexp.reporting.pairs import pairs, table

    before, after = versions(names, lock=lock)
    found = pairs(before, after)
    return table(found) if found else f"neither {before.name} nor {after.name} has an accepted cell"
