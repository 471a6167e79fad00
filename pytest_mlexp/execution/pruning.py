"""What a store holds, and what of it may go."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pytest_mlexp.execution.entries import BrokenEntryError, read_header
from pytest_mlexp.execution.kept import PARTS

DAY = 86_400.0
# As KeptStore names them; whatever else lies in the folder is not touched.
_ENTRY = re.compile(r"[0-9a-f]{16}-[0-9a-f]{32}")


@dataclass(frozen=True)
class Holding:
    """The entries of one folder of a store: an experiment's outcomes, or its evaluations.

    Attributes:
        size: in bytes.
        newest: when an entry was used last, in seconds since the epoch; ``oldest``: when the longest unused one was.
    """

    name: str
    entries: int
    size: int
    newest: float
    oldest: float


def holdings(root: Path) -> list[Holding]:
    """What a store holds, folder by folder."""
    found: dict[str, list[tuple[int, float]]] = {}
    for path in _entries(root):
        with suppress(OSError):  # another session replaced it just now
            status = path.stat()
            found.setdefault(path.parent.relative_to(root).as_posix(), []).append((status.st_size, status.st_mtime))
    return [
        Holding(name, len(rows), sum(size for size, _ in rows), max(t for _, t in rows), min(t for _, t in rows))
        for name, rows in sorted(found.items())
    ]


def prune(root: Path, *, older_than: float) -> tuple[int, int]:
    """Remove entries that were not used for so many days; returns their number and size in bytes.

    An entry that a session is reading stays readable to it, and what a session writes is new.
    """
    before = time.time() - older_than * DAY
    removed = size = 0
    for path in _entries(root):
        with suppress(OSError):
            status = path.stat()
            if status.st_mtime < before:
                path.unlink()
                removed, size = removed + 1, size + status.st_size
    _forget_parts(root, before)
    return removed, size


def _forget_parts(root: Path, before: float) -> None:
    """Remove the descriptions of blocks that no entry names any more."""
    named = set()
    for path in _entries(root):
        with suppress(OSError, BrokenEntryError):
            named.add(read_header(path).block)
    for path in (root / PARTS).glob("*.json"):
        with suppress(OSError):
            if path.stem not in named and path.stat().st_mtime < before:
                path.unlink()


def _entries(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if _ENTRY.fullmatch(path.name) and path.is_file():
            yield path
