"""The store on disk: outcomes and evaluations by key, in one folder for each experiment."""

from __future__ import annotations

import json
import os
import pickle
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pytest_mlexp.execution.entries import BrokenEntryError, Header, read_entry, read_header, write_entry, write_whole
from pytest_mlexp.execution.locks import KeyLocks
from pytest_mlexp.execution.outcome import Outcome
from pytest_mlexp.provenance.code import digest
from pytest_mlexp.provenance.explaining import differences
from pytest_mlexp.provenance.opened import changed
from pytest_mlexp.provenance.provenance import Provenance

PARTS = "parts"
LOCKS = "locks"


@dataclass(frozen=True)
class Found:
    """What the store has for a key: the payload and its header, or why there is none."""

    header: Header | None = None
    content: Any = None
    why: str = "new"
    broken: str | None = None


class KeptStore:
    """Entries under one folder; safe between processes, each of which writes whole files.

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
        self.project = (project or Path.cwd()).resolve()
        self.session = session
        self.machine = machine
        self.fresh = fresh
        self.trouble: str | None = None
        self._locks: KeyLocks | None = None
        self._parts: set[str] = set()
        self._folders: set[Path] = set()
        self._paths: dict[tuple[str, str, str], Path] = {}
        self._latest: dict[Path, dict[str, list[str]]] = {}

    def path(self, folder: str, name: str, key: str) -> Path:
        """Where the entry of a trial or a cell is, by its name and key."""
        asked = (folder, name, key)
        if asked not in self._paths:
            self._paths[asked] = self.root / folder / f"{digest(name)[:16]}-{key}"
        return self._paths[asked]

    def was_there(self, folder: str, name: str) -> bool:
        """Whether there was any entry of this name when the folder was looked at first."""
        return digest(name)[:16] in self._index(self.root / folder)

    def alone(self, path: Path) -> AbstractContextManager[None]:
        """Wait until no other process computes this entry."""
        if self._locks is None:
            try:
                self._make(self.root)
            except OSError:
                return nullcontext()
            self._locks = KeyLocks(self.root / LOCKS)
        return self._locks.alone(digest(path.name))

    def find(self, path: Path, accept: Callable[[Header], str | None]) -> Found:
        """Load an entry; ``accept`` says why it will not do, or None."""
        try:
            header, payload = read_entry(path)
            if self.fresh and header.session != self.session:
                return Found(why="forced")
            if (reason := accept(header) or changed(header.files, self.project)) is not None:
                return Found(why=reason)
            content = pickle.loads(payload)  # noqa: S301 - reading a shared store is trust
            with suppress(OSError):  # a shared store may be read-only
                os.utime(path)  # pruning goes by the last use
            return Found(header, content, "reused")
        except FileNotFoundError:
            return Found()
        except BrokenEntryError as error:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            return Found(why="entry broken", broken=str(error))
        except Exception as error:  # noqa: BLE001 - what is unpickled may raise anything; elsewhere it may be of use
            return Found(why="entry broken", broken=f"it cannot be loaded here: {type(error).__name__}: {error}")

    def keep(self, path: Path, header: Header, content: Any) -> Header | None:
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
            if path.parent not in self._folders:
                self._make(path.parent)
            write_entry(path, header, payload)
        except OSError as error:
            self.trouble = f"nothing more is kept in {self.root}: {type(error).__name__}: {error}"
            return None
        return header

    def keep_parts(self, provenance: Provenance) -> None:
        """Write what a block depends on, once for all of its trials."""
        block = provenance.block.digest
        path = self.root / PARTS / f"{block}.json"
        if block in self._parts or self.trouble is not None:
            return
        self._parts.add(block)
        try:
            if path.parent not in self._folders:
                self._make(path.parent)
            if not path.exists():
                write_whole(path, json.dumps(dict(sorted(provenance.block.parts.items())), indent=0).encode())
        except OSError as error:
            self.trouble = f"nothing more is kept in {self.root}: {type(error).__name__}: {error}"

    def why_not(self, folder: str, name: str, provenance: Provenance) -> str:
        """Why the trial of this name is run: what differs from when it was run last, or ``new``."""
        earlier = self._earlier(self.root / folder, digest(name)[:16])
        for path in earlier:
            try:
                header = read_header(path)
                shared: Mapping[str, str] = json.loads((self.root / PARTS / f"{header.block}.json").read_bytes())
            except (OSError, BrokenEntryError, ValueError):
                continue
            return "; ".join(differences({**shared, **header.own}, provenance.parts)) or "new"
        return "new"

    def _earlier(self, folder: Path, stem: str) -> list[Path]:
        """The entries of one name that were there when the folder was looked at first, the latest first."""
        paths = [folder / name for name in self._index(folder).get(stem, ())]
        return sorted((p for p in paths if p.exists()), key=lambda path: path.stat().st_mtime, reverse=True)

    def _index(self, folder: Path) -> dict[str, list[str]]:
        if folder not in self._latest:
            index: dict[str, list[str]] = {}
            for name in _names(folder):
                index.setdefault(name.partition("-")[0], []).append(name)
            self._latest[folder] = index
        return self._latest[folder]

    def _make(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        ignored = self.root.parent / ".gitignore"
        if self.root.parent.name == ".mlexp" and not ignored.exists():
            ignored.write_text("*\n", encoding="utf-8")
        self._folders.add(folder)


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
