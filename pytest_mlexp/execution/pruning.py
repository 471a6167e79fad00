"""What a store holds, and what of it may go."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pytest_mlexp.execution.entries import BrokenEntryError, decoded, read_header, write_whole
from pytest_mlexp.execution.kept import PARTS
from pytest_mlexp.execution.segments import (
    DAY,
    ENTRY,
    FOLDER,
    Read,
    Record,
    encoded,
    is_growing,
    new_path,
    paths,
    read,
)

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
    for path in _files(root):
        with suppress(OSError):  # another session replaced it just now
            status = path.stat()
            found.setdefault(path.parent.relative_to(root).as_posix(), []).append((status.st_size, status.st_mtime))
    entries, used = _latest(record for segment in _read(root).values() for record in segment.records)
    for place, record in entries.items():
        found.setdefault(place.rpartition("/")[0], []).append((record.size, used[place]))
    return [
        Holding(name, len(rows), sum(size for size, _ in rows), max(t for _, t in rows), min(t for _, t in rows))
        for name, rows in sorted(found.items())
    ]


def unreadable(root: Path) -> int:
    """How many stretches of the segments are no records."""
    return sum(len(segment.unreadable) for segment in _read(root).values())


def prune(root: Path, *, older_than: float) -> tuple[int, int]:
    """Remove entries that were not used for so many days; returns their number and size in bytes.

    An entry that a session is reading stays readable to it, and what a session writes is left alone. The segments of
    sessions that have ended are joined to one, without what cannot be read.
    """
    before = time.time() - older_than * DAY
    removed = size = 0
    for path in _files(root):
        with suppress(OSError):
            status = path.stat()
            if status.st_mtime < before:
                path.unlink()
                removed, size = removed + 1, size + status.st_size
    old = _join_segments(root, before)
    _forget_parts(root, before)
    return removed + len(old), size + sum(record.size for record in old)


def _join_segments(root: Path, before: float) -> list[Record]:
    """Join what is still used of the segments that nobody writes; the entries that are not."""
    everything = _read(root)
    _, used = _latest(record for segment in everything.values() for record in segment.records)
    ended = {path: segment for path, segment in everything.items() if not segment.is_growing}
    entries, _ = _latest(record for segment in ended.values() for record in segment.records)
    old = [record for place, record in entries.items() if used[place] < before]
    if not old and len(ended) < 2 and not any(segment.unreadable for segment in ended.values()):
        return []
    stay = [record for place, record in entries.items() if used[place] >= before]
    if stay:
        parts = (_moved(record, used[record.place]) for record in stay)
        write_whole(new_path(root / FOLDER), b"".join(parts))
    for path in ended:
        with suppress(OSError):
            path.unlink()
    return old


def _moved(record: Record, used: int) -> bytes:
    """A record as it is written elsewhere; nothing where another process has moved it just now."""
    try:
        with record.segment.open("rb") as file:
            told, payload = (_stretch(file, *stretch) for stretch in (record.told, record.payload))
    except FileNotFoundError:
        return b""
    return encoded(ENTRY, used, record.place, told, payload)


def _stretch(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


def _read(root: Path) -> dict[Path, Read]:
    """All segments; of one that grows no more when it is looked at, all is read."""
    found: dict[Path, Read] = {}
    for path in paths(root / FOLDER):
        with suppress(OSError):
            found[path] = read(path, is_growing=is_growing(path))
    return found


def _latest(records: Iterable[Record]) -> tuple[dict[str, Record], dict[str, int]]:
    """The last record of each entry, and when each was used last."""
    entries: dict[str, Record] = {}
    used: dict[str, int] = {}
    for record in records:
        used[record.place] = max(record.time, used.get(record.place, 0))
        if record.kind == ENTRY:
            entries[record.place] = record
    return entries, used


def _forget_parts(root: Path, before: float) -> None:
    """Remove the descriptions of blocks that no entry names any more."""
    named = set()
    for path in _files(root):
        with suppress(OSError, BrokenEntryError):
            named.add(read_header(path).block)
    for segment in _read(root).values():
        for record in segment.records:
            if record.kind == ENTRY:
                with suppress(OSError, BrokenEntryError), record.segment.open("rb") as file:
                    named.add(decoded(_stretch(file, *record.told)).block)
    for path in (root / PARTS).glob("*.json"):
        with suppress(OSError):
            if path.stem not in named and path.stat().st_mtime < before:
                path.unlink()


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if _ENTRY.fullmatch(path.name) and path.is_file():
            yield path
