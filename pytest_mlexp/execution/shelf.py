"""The small entries of a store by name, read once a session and again where another process may have written."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pytest_mlexp.execution.segments import DAY, ENTRY, USE, Record, Writer, encoded, is_growing, names, paths, read

MOST_OPEN = 64  # segments, of which a shared store may have thousands


def _seek_and_read(file: int, length: int, offset: int) -> bytes:
    os.lseek(file, offset, os.SEEK_SET)
    return os.read(file, length)


# Where it exists, pread leaves the position alone, which a process that was forked off shares.
_read_at: Callable[[int, int, int], bytes] = getattr(os, "pread", _seek_and_read)


class Shelf:
    """What all segments of a store hold.

    Args:
        folder: of the segments.

    Attributes:
        unreadable: for each segment its stretches that are no records; their writer was killed, or the disk is at
            fault.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.unreadable: dict[Path, list[tuple[int, int]]] = {}
        self._entries: dict[str, list[Record]] = {}
        self._used: dict[str, int] = {}
        self._ends: dict[Path, int] = {}
        self._growing: set[Path] = set()
        self._seen: list[str] = []
        self._files: dict[Path, int] = {}
        self._writer = Writer(folder)
        self._is_read = False

    def names(self) -> list[str]:
        """The places of all entries that were there when it was asked for first."""
        self._read_once()
        return list(self._entries)

    def known(self, place: str) -> list[Record]:
        """The records of an entry that were seen so far, the latest first."""
        self._read_once()
        return self._entries.get(place, [])[::-1]

    def newer(self, place: str) -> list[Record]:
        """Those that other processes have written since."""
        before = len(self._entries.get(place, ()))
        self._refresh()
        return self._entries.get(place, [])[before:][::-1]

    def has_lost(self, place: str) -> bool:
        """Whether a stretch that is no record has the key of an entry, which a record has twice."""
        key = place.rpartition("-")[2].encode()
        for segment, stretches in self.unreadable.items():
            with suppress(OSError):  # pruned just now
                if any(key in self.content(stretch, segment) for stretch in stretches):
                    return True
        return False

    def forget(self, record: Record) -> None:
        """Take a record that turned out broken for gone."""
        self._entries[record.place].remove(record)
        if not self._entries[record.place]:
            del self._entries[record.place]

    def content(self, stretch: tuple[int, int], segment: Path) -> bytes:
        """The bytes of a stretch of a segment.

        Raises:
            OSError: it cannot be read.
        """
        offset, length = stretch
        if segment not in self._files:
            if len(self._files) == MOST_OPEN:
                self._close_files()
            self._files[segment] = os.open(segment, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        return _read_at(self._files[segment], length, offset)

    def put(self, place: str, moment: float, told: bytes, payload: bytes) -> None:
        """Add an entry.

        Raises:
            OSError: it cannot be written.
        """
        record = encoded(ENTRY, moment, place, told, payload)
        start = self._writer.append(record)
        at = start + len(record) - 1 - len(payload)
        kept = Record(
            self._writer.path, place, ENTRY, int(moment), start, (at - len(told), len(told)), (at, len(payload))
        )
        self._entries.setdefault(place, []).append(kept)

    def use(self, place: str, moment: float) -> None:
        """Note that an entry is used, once a day."""
        if moment - self._used.get(place, 0) > DAY:
            self._used[place] = int(moment)
            with suppress(OSError):  # a shared store may be read-only
                self._writer.append(encoded(USE, moment, place))

    def close(self) -> None:
        """Close all segments; what is written later begins another one."""
        self._writer.close()
        self._close_files()

    def _close_files(self) -> None:
        for file in self._files.values():
            os.close(file)
        self._files.clear()

    def __del__(self) -> None:
        """The segments are closed with the store."""
        self.close()

    def _read_once(self) -> None:
        if not self._is_read:
            self._is_read = True
            self._refresh()

    def _refresh(self) -> None:
        there = names(self.folder)
        if there == self._seen and not self._growing - {self._writer.path}:
            return
        self._seen = there
        for segment in paths(self.folder, there):
            if segment != self._writer.path and (segment not in self._ends or segment in self._growing):
                with suppress(OSError):  # pruned just now
                    self._take(segment)

    def _take(self, segment: Path) -> None:
        grows = is_growing(segment) if segment not in self._ends else True
        found = read(segment, self._ends.get(segment, 0), is_growing=grows)
        self._ends[segment] = found.end
        if grows:
            self._growing.add(segment)
        if found.unreadable:
            self.unreadable.setdefault(segment, []).extend(found.unreadable)
        for record in found.records:
            self._used[record.place] = max(record.time, self._used.get(record.place, 0))
            if record.kind == ENTRY:
                self._entries.setdefault(record.place, []).append(record)
