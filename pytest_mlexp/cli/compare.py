"""``mlexp compare``: two accepted states side by side."""

from __future__ import annotations

import argparse
from typing import Any


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "compare",
        help="print what changed between two accepted states, paired by example",
        description="Compare two accepted states: main..HEAD, two commits, or two lock files.",
    )
    parser.add_argument("versions", nargs="+", metavar="VERSION", help="BEFORE AFTER, or BEFORE..AFTER")
    parser.add_argument("--lock", default="mlexp.lock", help="the lock's path within a commit (default: mlexp.lock)")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print what changed."""
    from pytest_mlexp.gates.versions import versions
    from pytest_mlexp.reporting.pairs import told

    print(told(*versions(given.versions, lock=given.lock)))  # noqa: T201 - what the command is for
    return 0
