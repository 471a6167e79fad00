"""Small entries of the store, one record after the other in files that only grow: one for each process that writes.

Making a file for each of them takes longer than a small trial. A record is written by one call, with a checksum of what
tells about it; one that a killed process left unfinished is passed over. As long as its writer lives, a segment is
locked; where the system has no such locks, every writer may be alive.
"""

from __future__ import annotations

import mmap
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pytest_mlexp.provenance.digests import digest

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FOLDER = "segments"
LARGEST = 32_768  # bytes of a payload; larger ones are files of their own
DAY = 86_400.0
_MARK = b"mlexp-record-1 "
_HEAD = re.compile(rb"mlexp-record-1 ([EU]) (\d{1,19}) (\d{1,9}) (\d{1,9}) (\d{1,9}) ([0-9a-f]{32})\n")
ENTRY, USE = "E", "U"


@dataclass(frozen=True)
class Record:
    """Where a record is: ``told`` and ``payload`` as offset and length in its segment.

    Attributes:
        place: the name of the entry, as a path relative to the store.
        kind: whether it is an entry, or says that one was used.
        time: when it was written, in seconds since the epoch.
    """

    segment: Path
    place: str
    kind: str
    time: int
    start: int
    told: tuple[int, int]
    payload: tuple[int, int]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(self.payload) + 1 - self.start


@dataclass
class Read:
    """What was read of a segment.

    Attributes:
        end: up to where.
        is_growing: whether more may be written.
        unreadable: the stretches in it that are no record, as offset and length.
    """

    records: list[Record]
    end: int
    is_growing: bool = False
    unreadable: list[tuple[int, int]] = field(default_factory=list)


def read(segment: Path, start: int = 0, *, is_growing: bool = False) -> Read:
    """The records of a segment from an offset on; the last one of a segment that grows may be on its way.

    Raises:
        OSError: it cannot be read.
    """
    found = Read([], start, is_growing)
    with segment.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size <= start:
            return found
        with mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) as data:
            while found.end < size:
                record = _record(segment, data, found.end)
                if record is not None:
                    found.records.append(record)
                    found.end = record.start + record.size
                    continue
                following = data.find(b"\n" + _MARK, found.end)
                if following < 0 and is_growing:
                    return found
                end = size if following < 0 else following + 1
                found.unreadable.append((found.end, end - found.end))
                found.end = end
    return found


def _record(segment: Path, data: mmap.mmap, start: int) -> Record | None:
    """The record that begins here; None where none does, or not all of it is there."""
    head = _HEAD.match(data, start)
    if head is None:
        return None
    kind, moment, *lengths = head[1].decode(), int(head[2]), int(head[3]), int(head[4]), int(head[5])
    place, told, payload = lengths
    end = head.end() + place + told + payload
    if end >= len(data) or data[end : end + 1] != b"\n":
        return None
    words = data[head.end() : head.end() + place + told]
    if _checksum(kind, moment, words) != head[6]:
        return None
    at = head.end() + place
    name = words[:place].decode("utf-8", "replace")
    return Record(segment, name, kind, moment, start, (at, told), (at + told, payload))


def _checksum(kind: str, moment: int, words: bytes) -> bytes:
    return digest(f"{kind} {moment} ".encode() + words).encode()


def encoded(kind: str, moment: float, place: str, told: bytes = b"", payload: bytes = b"") -> bytes:
    """A record as it is written."""
    name = place.encode()
    check = _checksum(kind, int(moment), name + told)
    sizes = f"{kind} {int(moment)} {len(name)} {len(told)} {len(payload)} "
    return b"".join((_MARK, sizes.encode(), check, b"\n", name, told, payload, b"\n"))


class Writer:
    """The segment of this process; a process that was forked off begins its own.

    Args:
        folder: of the segments; it is there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process = 0
        self._file = -1
        self.path = folder

    def append(self, record: bytes) -> int:
        """Write a record; returns where it begins.

        What a full disk took of it is left, and passed over by readers: one that has the segment mapped just now must
        not see it shrink. What is written later begins another segment.

        Raises:
            OSError: it cannot be written.
        """
        if self._process != os.getpid():
            self._begin()
        start = os.lseek(self._file, 0, os.SEEK_END)
        try:
            _write(self._file, record)
        except OSError:
            self.close()
            raise
        return start

    def close(self) -> None:
        """Let it be known that nothing more is written."""
        if self._process == os.getpid():
            self._process = 0
            os.close(self._file)

    def _begin(self) -> None:
        self.path = new_path(self._folder)
        how = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._file = os.open(self.path, how, 0o666)  # less the umask, as any file
        self._process = os.getpid()
        if fcntl is not None:
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_EX)


def _write(file: int, content: bytes) -> None:
    written = os.write(file, content)
    if written != len(content):
        raise OSError(f"only {written} of {len(content)} bytes were taken; the disk may be full")


def is_growing(segment: Path) -> bool:
    """Whether the writer of a segment may be alive; one that is empty has only just begun."""
    if fcntl is None:
        return True
    try:
        file = os.open(segment, os.O_RDONLY)
    except OSError:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return os.fstat(file).st_size == 0
    except OSError:
        return True
    finally:
        os.close(file)


def new_path(folder: Path) -> Path:
    """A name for a segment that nobody else has."""
    return folder / f"{int(time.time())}-{secrets.token_hex(6)}"


def names(folder: Path) -> list[str]:
    """The names of whatever is in a folder of segments, none where there is no such folder."""
    try:
        return os.listdir(folder)  # noqa: PTH208 - asked again and again
    except OSError:
        return []


def paths(folder: Path, there: Iterable[str] | None = None) -> Iterator[Path]:
    """The segments of a store, the oldest first; ``there`` are the names in it, where they are known."""
    for name in sorted(names(folder) if there is None else there):
        if re.fullmatch(r"\d+-[0-9a-f]{12}", name):
            yield folder / name
