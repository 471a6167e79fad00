"""The journal: the append-only record of truth of one session, on local disk.

A session's folder, ``<root>/.mlexp/sessions/<session-id>``, holds ``journal.jsonl`` and the artifact
files its records point to. An artifact is written before the record that names it, so a record implies
its artifacts. A record is on the disk before anything else is done with it, but for one that can wait: how a test
ended, and a cell that was found whole in the store while ``tracking.settling`` stands by.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.records import (
    CellRecord,
    ContinuedRecord,
    EndRecord,
    SessionRecord,
    TestRecord,
)
from pytest_mlexp.tracking.lines import TORN, JournalRecord, from_line, to_line

FILE_NAME = "journal.jsonl"
STATE_FOLDER = ".mlexp"
MOST_NAMED = 8
# Where it exists, fdatasync makes the bytes and the new length durable without the time stamps.
_sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


@dataclass(frozen=True)
class JournalContents:
    """What a journal holds, in the order it was written.

    Attributes:
        session: the session's record; None when the journal was cut off before it.
        cells: one record for each (experiment, cell): the last one written. A recorder writes a cell again only
            where a session that was continued found another result than before it was killed.
        tests: how the tests of the cells ended.
        end: None when the session was cut off, or goes on.
        continued: how often a later process went on with the session.
        damage: which lines are not what was written, in words; None where all are. What a killed process left
            unfinished is none of them.
    """

    session: SessionRecord | None
    cells: tuple[CellRecord, ...]
    tests: tuple[TestRecord, ...]
    end: EndRecord | None
    continued: int = 0
    damage: str | None = None


class Journal:
    """The journal of one session, open for appending.

    A journal may be opened again to add to it; a line that a killed process left unfinished stays behind,
    marked as such.

    Raises:
        TrackingError: the folder or the file cannot be made.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / FILE_NAME
        try:
            _prepare(folder)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            self._torn = _ends_torn(self._file)
            self._waiting: list[Path] = []
            _sync_folder(folder)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def append(self, record: JournalRecord, *, can_wait: bool = False) -> None:
        """Add one record as one line in a single write, durable on return.

        One that can wait outlives this process like the others, but a failure of the machine only when the next
        record that cannot wait, the end, or another process has made it durable.

        Raises:
            TrackingError: the line could not be written whole, for instance on a full disk.
        """
        line = to_line(record)
        if self._torn:
            line = TORN + b"\n" + line
        try:
            written = os.write(self._file, line)
            self._torn = written != len(line)
            _check_whole(written, len(line))
            if not can_wait:
                self._settle(self._file)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def write_artifact(self, name: str, data: bytes, *, can_wait: bool = False) -> str:
        """Write a file beside the journal, whole or not at all, and return its path relative to the folder.

        ``name`` may hold ``/`` for a sub-folder. One that can wait becomes durable before the next record that is.

        Raises:
            TrackingError: the name leads out of the folder, or the file cannot be written.
        """
        path = self.folder / name
        if not name or not path.resolve().is_relative_to(self.folder.resolve()) or path == self.path:
            raise TrackingError(f"artifact name {name!r} must be a relative path inside {self.folder}")
        partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                file.write(data)
                if not can_wait:
                    file.flush()
                    _sync(file.fileno())
            partial.replace(path)
            if can_wait:
                self._waiting.append(path)
        except OSError as error:
            with suppress(OSError):  # a part of it only takes room
                partial.unlink(missing_ok=True)
            raise _unwritable(path, error) from error
        return path.relative_to(self.folder).as_posix()

    def close(self) -> None:
        """Make everything durable and close the file; closing twice does no harm.

        Raises:
            TrackingError: the disk did not take what was written; the file is closed all the same.
        """
        if self._file >= 0:
            file, self._file = self._file, -1
            try:
                self._settle(file)
            except OSError as error:
                raise _unwritable(self.path, error) from error
            finally:
                os.close(file)

    def _settle(self, file: int) -> None:
        """Make what was written durable, artifacts first; all at once, as a disk takes many in the time of one."""
        if self._waiting:
            from concurrent.futures import ThreadPoolExecutor

            with ThreadPoolExecutor() as pool:
                list(pool.map(sync_path, self._waiting))
            self._waiting.clear()
        _sync(file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _check_whole(written: int, size: int) -> None:
    if written != size:
        raise OSError(f"only {written} of {size} bytes were taken; the disk may be full")


class JournalReader:
    """Reads the journal in a session's folder, and again what was added since."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        self._offset = 0
        self._lines = 0
        self._session: SessionRecord | None = None
        self._end: EndRecord | None = None
        self._cells: dict[tuple[str, str], CellRecord] = {}
        self._tests: list[TestRecord] = []
        self._damaged: list[int] = []
        self._continued = 0

    def contents(self, *, growing: bool = True) -> JournalContents:
        """What the journal holds by now, less lines that are torn or damaged.

        ``growing`` leaves a last line without its end to the next time: it may be on its way.

        Raises:
            TrackingError: there is no journal, or a newer pytest-mlexp wrote it in a later format.
        """
        data = self._new_bytes()
        whole = data.rfind(b"\n") + 1 if growing else len(data)
        self._offset += whole
        *ended, last = data[:whole].split(b"\n")
        for line in ended:
            self._take(line, is_torn=line.endswith(TORN))
        if last:  # where all but its end is there, that end was there too
            self._take(last, is_torn=from_line(last[:-1], self._path.name) is None)
        return JournalContents(
            self._session, tuple(self._cells.values()), tuple(self._tests), self._end, self._continued, self.damage
        )

    @property
    def damage(self) -> str | None:
        """Which of the lines read so far are not what was written, in words."""
        match self._damaged:
            case []:
                return None
            case [line]:
                return f"line {line} of {self._path} is damaged: it does not fit its checksum, and counts as not there"
        shown = ", ".join(map(str, self._damaged[:MOST_NAMED])) + (", ..." if self._damaged[MOST_NAMED:] else "")
        told = f"{len(self._damaged)} lines of {self._path} are damaged ({shown})"
        return f"{told}: they do not fit their checksums, and count as not there"

    def _new_bytes(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                return file.read()
        except OSError as error:
            raise TrackingError(
                f"no journal can be read at {self._path}: {error.strerror or error}; "
                f"sessions are the sub-folders of {STATE_FOLDER}/sessions"
            ) from error

    def _take(self, line: bytes, *, is_torn: bool) -> None:
        self._lines += 1
        match record := from_line(line.removesuffix(TORN), f"{self._path}:{self._lines}"):
            case SessionRecord():
                self._session = record
            case ContinuedRecord():
                self._continued += 1
                self._end = None
            case CellRecord():
                self._cells[record.experiment, record.cell] = record
            case TestRecord():
                self._tests.append(record)
            case EndRecord():
                self._end = record
            case None if line and not is_torn:
                self._damaged.append(self._lines)


def read(folder: Path) -> JournalContents:
    """Read the journal in a session's folder, leaving out lines that are torn or damaged.

    Raises:
        TrackingError: there is no journal, or a newer pytest-mlexp wrote it in a later format.
    """
    return JournalReader(folder).contents(growing=False)


def _prepare(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for parent in folder.parents:
        if parent.name == STATE_FOLDER:
            ignore_in_git(parent)
            return


def ignore_in_git(state: Path) -> None:
    """Keep git from seeing the state folder: what it holds is made again, not versioned."""
    state.mkdir(parents=True, exist_ok=True)
    ignore = state / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n", encoding="utf-8")


def _ends_torn(file: int) -> bool:
    size = os.fstat(file).st_size
    return size > 0 and _byte_at(file, size - 1) != b"\n"


def _byte_at(file: int, offset: int) -> bytes:
    os.lseek(file, offset, os.SEEK_SET)
    return os.read(file, 1)


def sync_path(path: Path) -> None:
    """Make what was written to a file durable, whoever wrote it; one that is gone needs nothing."""
    with suppress(FileNotFoundError), path.open("r+b") as file:  # Windows wants it open for writing
        _sync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _unwritable(path: Path, error: OSError) -> TrackingError:
    return TrackingError(
        f"cannot write {path}: {error.strerror or error}; free the disk or make the folder writable, then run again"
    )
