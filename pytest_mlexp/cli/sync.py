"""``mlexp sync``: write to MLflow what it does not hold yet."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

DAMAGED = (
    "a damaged journal is told until it is restored from a backup, or its session's folder removed; runs that MLflow "
    "held already were left as they are"
)


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "sync",
        help="write to MLflow what it does not hold yet",
        description="Mirror the sessions of this project to MLflow; nothing is written twice.",
    )
    parser.add_argument("--tracking-uri", metavar="URI", help="the store (default: the one each session was meant for)")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Mirror every session; 1 when one did not get through, or not whole."""
    from pytest_mlexp.tracking.address import check_uri
    from pytest_mlexp.tracking.embedded import project_folder
    from pytest_mlexp.tracking.sync import sync

    check_uri(given.tracking_uri)
    done = sync(project_folder(Path.cwd()), given.tracking_uri)
    for name, mirrored in done.items():
        told = mirrored.failed or f"{mirrored.runs_written} runs written, {mirrored.runs_already_there} were there"
        told = "; ".join([told, *filter(None, (mirrored.damage,)), *mirrored.notes])
        print(f"{name}: {told}")  # noqa: T201 - what the command is for
    failed = any(mirrored.failed for mirrored in done.values())
    if failed and not given.tracking_uri:
        print("each went to the address that it was recorded for; --tracking-uri=URI names another one")  # noqa: T201
    damaged = any(mirrored.damage for mirrored in done.values())
    if damaged:
        print(DAMAGED)  # noqa: T201
    return 1 if failed or damaged else 0
