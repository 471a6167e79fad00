"""``mlexp store``: what is kept for later sessions, and what of it can go."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_mlexp.errors import SettingsError

if TYPE_CHECKING:
    from pytest_mlexp.execution.pruning import Entry

UNITS = {"m": 60.0, "h": 3600.0, "d": 86400.0, "w": 7 * 86400.0}


def add(commands: Any) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "store",
        help="show the outcomes that are kept for later sessions, or remove old ones",
        description="Show by experiment what the store of this project holds; --prune removes what was long not used.",
    )
    parser.add_argument("--path", metavar="FOLDER", help="the store (default: .mlexp/store of this project)")
    parser.add_argument("--prune", action="store_true", help="remove what was neither written nor reused for a while")
    parser.add_argument("--older-than", default="30d", metavar="AGE", help="that while: 12h, 30d, 4w (default: 30d)")
    parser.add_argument(
        "--keep", type=int, default=0, metavar="N", help="keep the latest N of each trial and cell, whatever their age"
    )
    parser.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Print a table by experiment; with ``--prune`` what was removed as well."""
    import time

    from pytest_mlexp.execution.pruning import entries, prune
    from pytest_mlexp.reuse import FOLDER
    from pytest_mlexp.tracking.embedded import project_folder

    root = Path(given.path) if given.path else project_folder(Path.cwd()) / FOLDER
    age = seconds(given.older_than)
    if given.keep < 0:
        raise SettingsError(f"--keep={given.keep} must be 0 or more")
    told = []
    if given.prune:
        removed = prune(root, older_than=age, keep=given.keep)
        told.append(f"removed {len(removed)} entries, {_size(removed)}, not used for {given.older_than}")
    there = entries(root)
    told.append(_table(there, time.time()) if there else f"nothing is kept in {root}")
    print("\n\n".join(told))  # noqa: T201 - what the command is for
    return 0


def seconds(text: str) -> float:
    """An age such as ``30d`` in seconds.

    Raises:
        SettingsError: it is no whole number with one of the units.
    """
    number, unit = text[:-1], text[-1:]
    if not (number.isdigit() and unit in UNITS):
        raise SettingsError(f"--older-than={text!r} must be a whole number with a unit: 90m, 12h, 30d or 4w")
    return int(number) * UNITS[unit]


def _table(there: list[Entry], now: float) -> str:
    from tabulate import tabulate

    rows = []
    for name in [*sorted({entry.experiment for entry in there}), None]:
        own = [entry for entry in there if name in {None, entry.experiment}]
        rows.append(
            {
                "experiment": name or "all",
                "outcomes": sum(not entry.is_evaluation for entry in own),
                "evaluations": sum(entry.is_evaluation for entry in own),
                "size": _size(own),
                "last used": _ago(now - max(entry.used for entry in own)),
                "longest not used": _ago(now - min(entry.used for entry in own)),
            }
        )
    return tabulate(rows, headers="keys", tablefmt="simple", disable_numparse=True)


def _size(some: Iterable[Entry]) -> str:
    return f"{sum(entry.size for entry in some) / 2**20:.1f} MiB"


def _ago(age: float) -> str:
    return f"{age / 86400:.0f} days" if age > 2 * 86400 else f"{max(age, 0) / 3600:.1f} h"
