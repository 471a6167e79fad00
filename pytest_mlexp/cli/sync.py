"""``mlexp sync``: write to MLflow what it does not hold yet."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_mlexp.tracking.mirrored import Mirrored

DAMAGED = (
    "a damaged journal is told until it is restored from a backup, or its session's folder removed; runs that MLflow "
    "held already were left as they are"
)


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "sync",
        allow_abbrev=False,
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
    complete = [name for name, mirrored in done.items() if _is_complete(mirrored)]
    for name, mirrored in ((name, mirrored) for name, mirrored in done.items() if name not in complete):
        told = mirrored.failed or f"{mirrored.runs_written} runs written, {mirrored.runs_already_there} were there"
        told = "; ".join([told, *filter(None, (mirrored.damage,)), *mirrored.notes])
        print(f"{name}: {told}")  # noqa: T201 - what the command is for
    if complete:
        several = "s were" if len(complete) > 1 else " was"
        print(f"{len(complete)} session{several} there already")  # noqa: T201
    failed = any(mirrored.failed for mirrored in done.values())
    if failed and not given.tracking_uri:
        print("each went to the address that it was recorded for; --tracking-uri=URI names another one")  # noqa: T201
    damaged = any(mirrored.damage for mirrored in done.values())
    if damaged:
        print(DAMAGED)  # noqa: T201
    return 1 if failed or damaged else 0


def _is_complete(mirrored: Mirrored) -> bool:
    """Whether there is nothing to tell of a session."""
    return not (mirrored.failed or mirrored.runs_written or mirrored.damage or mirrored.notes)
