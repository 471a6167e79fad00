"""What is in a store, and what of it can go."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pytest_mlexp.execution.entries import BrokenEntryError, read_header
from pytest_mlexp.execution.kept import PARTS

DAY = 24 * 60 * 60.0
#: What is younger may still be written, or belong to what is being written.
UNTOUCHABLE = 60 * 60.0
EVALUATIONS = "evaluations"


@dataclass(frozen=True)
class Entry:
    """A file of the store; ``used`` is when it was written or reused last, in seconds since the epoch."""

    path: Path
    experiment: str
    is_evaluation: bool
    size: int
    used: float

    @property
    def name(self) -> str:
        """Stands for the trial or the cell, whatever was different about it at other times."""
        return f"{self.experiment}/{self.path.name.partition('-')[0]}"


def entries(root: Path) -> list[Entry]:
    """Every outcome and evaluation in a store; an empty list where there is none."""
    return [
        Entry(path, path.relative_to(root).parts[0], path.parent.name == EVALUATIONS, status.st_size, status.st_mtime)
        for path, status in _files(root)
        if path.parent.name != PARTS and not path.name.startswith(".") and path.parent != root
    ]


def prune(root: Path, *, older_than: float, keep: int = 0, now: float | None = None) -> list[Entry]:
    """Remove what was not used for ``older_than`` seconds, except the latest ``keep`` of each trial and cell.

    Drafts that killed processes left go too, and descriptions that nothing refers to. What another session is
    writing is left alone: it is young.

    Returns:
        the outcomes and evaluations that were removed.
    """
    moment = time.time() if now is None else now
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries(root):
        groups[entry.name].append(entry)
    removed = []
    for group in groups.values():
        for entry in sorted(group, key=lambda entry: entry.used, reverse=True)[keep:]:
            if moment - entry.used >= older_than:
                with suppress(OSError):
                    entry.path.unlink()
                    removed.append(entry)
    _sweep(root, moment, {entry.path for group in groups.values() for entry in group})
    return removed


def _sweep(root: Path, moment: float, listed: Iterable[Path]) -> None:
    wanted = set()
    for path in listed:
        with suppress(OSError, BrokenEntryError):
            wanted.add(read_header(path).block)
    for path, status in _files(root):
        idle = path.name.startswith(".") or (path.parent.name == PARTS and path.stem not in wanted)
        if idle and moment - status.st_mtime > UNTOUCHABLE:
            path.unlink(missing_ok=True)


def _files(root: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for path in sorted(root.rglob("*")):
        with suppress(OSError):  # gone meanwhile
            if path.is_file():
                yield path, path.stat()
