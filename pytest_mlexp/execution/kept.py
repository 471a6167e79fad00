"""The store on disk: outcomes and evaluations by key, in one folder for each experiment."""

from __future__ import annotations

import json
import os
import pickle
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pytest_mlexp.execution.entries import (
    BrokenEntryError,
    Header,
    decoded,
    encoded,
    read_entry,
    read_header,
    write_entry,
    write_whole,
)
from pytest_mlexp.execution.locks import KeyLocks
from pytest_mlexp.execution.outcome import Outcome
from pytest_mlexp.execution.segments import FOLDER as SEGMENTS
from pytest_mlexp.execution.segments import LARGEST, Record
from pytest_mlexp.execution.shelf import Shelf
from pytest_mlexp.provenance.digests import digest
from pytest_mlexp.provenance.explaining import differences
from pytest_mlexp.provenance.files.states import changed
from pytest_mlexp.provenance.provenance import Provenance

PARTS = "parts"
LOCKS = "locks"
MOST_COMPARED = 10  # earlier entries of one name, when it is asked why there is none for a key
BROKEN = "kept result was broken"


@dataclass(frozen=True)
class Found:
    """What the store has for a key: the payload and its header, or why there is none; it may be broken for good."""

    header: Header | None = None
    content: Any = None
    why: str = "new"
    broken: str | None = None
    is_damaged: bool = False


class KeptStore:
    """Entries under one folder: small ones as records in segments, large ones as files; safe between processes.

    Args:
        root: the folder; made when something is kept.
        session: names the session, whose own entries count as run, not as reused.
        machine: names the machine, for timings.
        fresh: whether only what this session computed is read.
        project: the folder that names of files are relative to.
    """

    def __init__(
        self, root: Path, *, session: str, machine: str = "", fresh: bool = False, project: Path | None = None
    ) -> None:
        self.root = root
        self._root = os.path.join(root, "")  # noqa: PTH118 - put before a place
        self.project = (project or Path.cwd()).resolve()
        self.session = session
        self.machine = machine
        self.fresh = fresh
        self.trouble: str | None = None
        self._shelf = Shelf(root / SEGMENTS)
        self._locks: KeyLocks | None = None
        self._parts: set[str] = set()
        self._folders: set[Path] = set()
        self._latest: dict[str, dict[str, list[str]]] = {}

    def was_there(self, folder: str, name: str) -> bool:
        """Whether there was any entry of this name when the folder was looked at first."""
        return _stem(name) in self._index(folder)

    def alone(self, place: str) -> AbstractContextManager[None]:
        """Wait until no other process computes this entry."""
        if self._locks is None:
            try:
                self._make(self.root)
            except OSError:
                return nullcontext()
            self._locks = KeyLocks(self.root / LOCKS)
        return self._locks.alone(digest(place))

    def find(self, place: str, accept: Callable[[Header], str | None]) -> Found:
        """Load an entry; ``accept`` says why it will not do, or None."""
        found = self._on_shelf(self._shelf.known(place), accept)
        if found.header is None:
            newer = self._on_shelf(self._shelf.newer(place), accept)
            found = newer if newer != Found() else found
        if found.header is None and os.path.isfile(f"{self._root}{place}"):  # noqa: PTH113 - a Path costs more
            found = self._of_file(self.root / place, accept)
        return Found(why=BROKEN) if found == Found() and not self.fresh and self._shelf.has_lost(place) else found

    def _on_shelf(self, records: Iterable[Record], accept: Callable[[Header], str | None]) -> Found:
        """The first of the records that will do; else why the first of them will not."""
        reasons = []
        for record in records:
            found = self._loaded(partial(self._read, record), accept)
            if found.header is not None:
                self._shelf.use(record.place, time.time())
                return found
            if found.is_damaged:
                self._shelf.forget(record)
            reasons.append(found)
        return reasons[0] if reasons else Found()

    def _of_file(self, path: Path, accept: Callable[[Header], str | None]) -> Found:
        found = self._loaded(lambda: read_entry(path), accept)
        with suppress(OSError):  # a shared store may be read-only
            if found.header is not None:
                os.utime(path)  # pruning goes by the last use
            elif found.is_damaged:
                path.unlink(missing_ok=True)
        return found

    def _loaded(self, load: Callable[[], tuple[Header, bytes]], accept: Callable[[Header], str | None]) -> Found:
        try:
            header, payload = load()
            if self.fresh and header.session != self.session:
                return Found(why="forced")
            if (reason := accept(header) or changed(header.files, self.project)) is not None:
                return Found(why=reason)
            return Found(header, pickle.loads(payload), "reused")  # noqa: S301 - reading a shared store is trust
        except FileNotFoundError:
            return Found()
        except BrokenEntryError as error:
            return Found(why=BROKEN, broken=str(error), is_damaged=True)
        except Exception as error:  # noqa: BLE001 - what is unpickled may raise anything; elsewhere it may be of use
            return Found(why=BROKEN, broken=f"it cannot be loaded here: {type(error).__name__}: {error}")

    def _read(self, record: Record) -> tuple[Header, bytes]:
        header = decoded(self._shelf.content(record.told, record.segment))
        payload = self._shelf.content(record.payload, record.segment)
        if digest(payload) != header.payload or not record.place.endswith(f"-{header.key}"):
            raise BrokenEntryError("its content does not fit its checksum")
        return header, payload

    def keep(self, place: str, header: Header, content: Any) -> Header | None:
        """Write an entry; None where it cannot be, which is told once in ``trouble``."""
        if self.trouble is not None:
            return None
        try:
            payload = _pickled(content)
        except Exception:  # noqa: BLE001 - an object's own code decides what pickling does
            return None
        header = replace(
            header, session=self.session, machine=self.machine, created=time.time(), payload=digest(payload)
        )
        try:
            if len(payload) <= LARGEST:
                self._make(self._shelf.folder)
                self._shelf.put(place, header.created, encoded(header), payload)
            else:
                path = self.root / place
                self._make(path.parent)
                write_entry(path, header, payload)
        except OSError as error:
            self.trouble = f"nothing more is kept in {self.root}: {type(error).__name__}: {error}"
            return None
        return header

    def keep_parts(self, provenance: Provenance) -> None:
        """Write what a block depends on, once for all of its trials."""
        block = provenance.block.digest
        if block in self._parts or self.trouble is not None:
            return
        self._parts.add(block)
        path = self.root / PARTS / f"{block}.json"
        try:
            self._make(path.parent)
            if not path.exists():
                write_whole(path, json.dumps(dict(sorted(provenance.block.parts.items())), indent=0).encode())
        except OSError as error:
            self.trouble = f"nothing more is kept in {self.root}: {type(error).__name__}: {error}"

    @property
    def damage(self) -> str | None:
        """How much of the store cannot be read, in words; None where all of it can."""
        count = sum(map(len, self._shelf.unreadable.values()))
        return f"{self._shelf.folder}: {told_of_unreadable(count)}" if count else None

    def why_not(self, folder: str, name: str, provenance: Provenance) -> str:
        """Why what has this name is computed: what differs from the entry that is most like it, or ``new``."""
        if self.fresh:
            return "forced"
        latest = self._earlier(folder, _stem(name))[:MOST_COMPARED]
        found = [parts for header in latest if (parts := self._parts_of(header)) is not None]
        if not found:
            return "new"
        now = provenance.parts
        return "; ".join(differences(min(found, key=lambda then: len(then.items() ^ now.items())), now)) or "new"

    def _parts_of(self, header: Header) -> dict[str, str] | None:
        """All that an entry depended on; None where that cannot be read."""
        try:
            shared: dict[str, str] = json.loads((self.root / PARTS / f"{header.block}.json").read_bytes())
        except (OSError, ValueError):
            return None
        return {**shared, **header.own}

    def _earlier(self, folder: str, stem: str) -> list[Header]:
        """The entries of one name that were there when the folder was looked at first, the latest first."""
        headers: list[Header] = []
        for name in self._index(folder).get(stem, ()):
            records = self._shelf.known(f"{folder}/{name}")
            with suppress(OSError, BrokenEntryError):
                headers.append(self._read(records[0])[0] if records else read_header(self.root / folder / name))
        return sorted(headers, key=lambda header: header.created, reverse=True)

    def _index(self, folder: str) -> dict[str, list[str]]:
        if folder not in self._latest:
            index: dict[str, list[str]] = {}
            inside = f"{folder}/"
            shelved = [name.removeprefix(inside) for name in self._shelf.names() if name.startswith(inside)]
            for name in dict.fromkeys((*_names(self.root / folder), *shelved)):
                index.setdefault(name.partition("-")[0], []).append(name)
            self._latest[folder] = index
        return self._latest[folder]

    def _make(self, folder: Path) -> None:
        if folder in self._folders:
            return
        folder.mkdir(parents=True, exist_ok=True)
        ignored = self.root.parent / ".gitignore"
        if self.root.parent.name == ".mlexp" and not ignored.exists():
            ignored.write_text("*\n", encoding="utf-8")
        self._folders.add(folder)


def told_of_unreadable(count: int) -> str:
    """What is said of so many records of a store that cannot be read."""
    what = "1 kept record is broken and counts" if count == 1 else f"{count} kept records are broken and count"
    why = "a session was killed, or the disk is full or at fault"
    return f"{what} as not there ({why}): nothing need be done, and the next `mlexp store --prune` clears it away"


def place_of(folder: str, name: str, key: str) -> str:
    """Where in a store the entry of a trial or a cell is, by its name and key."""
    return f"{folder}/{_stem(name)}-{key}"


def _stem(name: str) -> str:
    return digest(name)[:16]


def _names(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []


def _pickled(content: Any) -> bytes:
    if isinstance(content, Outcome) and content.model is None and _is_plain(content):
        return pickle.dumps(content, protocol=5)
    import cloudpickle

    data: bytes = cloudpickle.dumps(content)
    return data


def _is_plain(outcome: Outcome) -> bool:
    """Whether plain pickle, which is quicker, writes the same as cloudpickle would."""
    values = [*outcome.responses.values(), outcome.classes]
    return all(value is None or (type(value) is np.ndarray and not value.dtype.hasobject) for value in values)
