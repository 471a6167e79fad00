"""The console script ``mlexp``: one module for each command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from pytest_mlexp.cli import compare, report, reproduce, store, sync
from pytest_mlexp.errors import MlexpError

COMMANDS = (compare, report, reproduce, store, sync)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 2 for what cannot be done as asked."""
    parser = argparse.ArgumentParser(
        prog="mlexp", description="Runs and accepted states of experiments (pytest-mlexp)."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        command.add(commands)
    given = parser.parse_args(arguments)
    try:
        status: int = given.run(given)
    except MlexpError as error:
        print(f"mlexp: {error}", file=sys.stderr)  # noqa: T201 - what a command says
        return 2
    return status
