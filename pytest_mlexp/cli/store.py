"""``mlexp store``: what is kept for later sessions, and its pruning."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

from pytest_mlexp.errors import SettingsError

MEGABYTE = 1_000_000


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "store",
        allow_abbrev=False,
        help="show what outcomes are kept for later sessions, or remove old ones",
        description="Show what is kept so that nothing is computed twice; with --prune remove what is old.",
    )
    parser.add_argument("--store", type=Path, metavar="PATH", help="the folder (default: the project's .mlexp/store)")
    parser.add_argument("--prune", action="store_true", help="remove entries that were not used for --older-than days")
    parser.add_argument("--older-than", type=_days, default=30.0, metavar="DAYS", help="default: 30")
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print one row for each experiment, after removing what is old where that was asked for."""
    from tabulate import tabulate

    from pytest_mlexp.execution.kept import told_of_unreadable
    from pytest_mlexp.execution.pruning import holdings, prune, unreadable
    from pytest_mlexp.execution.segments import DAY
    from pytest_mlexp.reuse import FOLDER
    from pytest_mlexp.tracking.embedded import project_folder

    root = given.store or project_folder(Path.cwd()) / FOLDER
    if not root.is_dir():
        raise SettingsError(
            f"there is no store at {root}: pytest --mlexp makes it; another place is given with --store, "
            "as mlexp_store names it in the ini file"
        )
    lines = []
    if given.prune:
        removed, size = prune(root, older_than=given.older_than)
        lines.append(f"removed {removed} entries, {size / MEGABYTE:.1f} MB")
    held, now = holdings(root), time.time()
    rows = [
        (one.name, one.entries, one.size / MEGABYTE, (now - one.newest) / DAY, (now - one.oldest) / DAY) for one in held
    ]
    headers = ("kept for", "entries", "MB", "last used, days ago", "longest unused, days")
    lines.append(tabulate(rows, headers, floatfmt=".1f") if rows else "nothing is kept")
    total = sum(one.size for one in held) / MEGABYTE
    lines.append(f"{sum(one.entries for one in held)} entries, {total:.1f} MB in {root}")
    if broken := unreadable(root):
        lines.append(told_of_unreadable(broken))
    print("\n".join(lines))  # noqa: T201 - what the command is for
    return 0


def _days(text: str) -> float:
    days = float(text)
    if not days >= 0:
        raise argparse.ArgumentTypeError(f"{text} is no number of days")
    return days
