"""Files that the team's code read while a result was made: the result depends on them, declared or not.

Seen are files that Python opens, in this process: ``open``, ``numpy.load``, ``pandas.read_csv``, ``joblib.load``,
``torch.load``, ``sqlite3.connect``; folders that it lists, by the names in them; modules that are loaded meanwhile
though the text does not tell of it, by their code; and, asked by the team's code, whether a file is there. Not seen are
files that native code opens, and that other processes read.
"""

from __future__ import annotations

import functools
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import source_from_cache
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pytest_mlexp.provenance.files.asking import asked, asker, reader
from pytest_mlexp.provenance.files.between import ReadBetween, stack_of
from pytest_mlexp.provenance.files.states import ABSENT, FILE, KINDS, State, kind_of, state_of
from pytest_mlexp.provenance.libraries.folders import OWN_FOLDER, is_library

if TYPE_CHECKING:
    from pytest_mlexp.provenance.provenance import BlockProvenance

# Readers that remember nothing of a file; the empty one is the team's own code.
_WITHOUT_CACHE = ("", "numpy", "pandas", "scipy", "sklearn", "torch", "joblib", "pyarrow", "yaml", "PIL", "h5py")
_NATIVE = (".so", ".pyd", ".dll", ".dylib")
_STATE = ".mlexp"
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/bin/", "/usr/lib", "/usr/share/")
_watching: list[Opened] = []
_listening: list[Opened] = []
_WRITING = os.O_WRONLY | os.O_TRUNC | os.O_CREAT
_CODE = (".py", ".pyc")
_LISTING = ("os.listdir", "os.scandir")
_EVENTS = {"open", "sqlite3.connect", *_LISTING}


class Opened:
    """The files that were opened while it was watching, by absolute path.

    It watches for a whole session: what one trial read may be remembered for the next, by a cache of the team's.
    Therefore what was read counts for all later trials that reach something in which the first may have left it, and
    for all later ones where a library read it that may have a cache of its own; unless a block declared it.
    """

    def __init__(self) -> None:
        self._read: dict[str, State] = {}
        self._now: dict[str, State] = {}
        self._written: set[str] = set()
        self._sought: set[str] = set()
        self._both: set[str] = set()
        self._declared: set[str] = set()
        self._by: dict[str, list[BlockProvenance | None]] = {}
        self._for_all: set[str] = set()
        self._loaded: dict[BlockProvenance | None, dict[str, State]] = {}
        self._loaded_now: dict[str, State] = {}
        self._began = time.time_ns()
        self._between = ReadBetween(self._began)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note what is opened meanwhile while no trial runs."""
        _install()
        _listening.append(self)
        try:
            yield
        finally:
            _listening.remove(self)

    def declare(self, path: Path) -> None:
        """Take in a file, or a folder, that a block declared to depend on."""
        files = [path] if path.is_file() else path.rglob("*")
        self._declared.update(str(file.absolute()) for file in files)

    @contextmanager
    def watching(self, by: BlockProvenance | None = None) -> Iterator[None]:
        """Note what is opened meanwhile, in whatever thread, for a block."""
        _install()
        for noted in (self._now, self._loaded_now, self._written, self._sought):
            noted.clear()
        _watching.append(self)
        try:
            with asked(self.note_question):
                yield
        finally:
            _watching.remove(self)
            self._now = self._only_read()
            self._read = {**self._now, **self._read}
            for path in self._now:
                self._by.setdefault(path, []).append(by)
            self._loaded[by] = {**self._loaded_now, **self._loaded.get(by, {})}

    def note(self, path: str, flags: int, reader: str = "") -> None:
        """Take in one opening, by a library or the team's code.

        What is opened for both counts as read unless it was written in the end.
        """
        if path.endswith(_CODE):
            self._note_code(path)
        elif flags & _WRITING:
            self._written.add(path)
        elif self._now.get(path) in {None, *KINDS} and (state := state_of(path)) is not None:
            self._now[path] = state
            if reader not in _WITHOUT_CACHE:
                self._for_all.add(path)
            if flags & os.O_RDWR:
                self._both.add(path)

    def note_between(self, path: str, flags: int, frame: FrameType) -> None:
        """Take in an opening while no trial runs."""
        if path.endswith(_CODE):
            return
        if flags & _WRITING:
            self._between.note_writing(path)
        elif stack := stack_of(frame):
            self._between.note(path, state_of(path) or ABSENT, stack)
            if flags & os.O_RDWR:
                self._both.add(path)

    def note_question(self, path: str, more: bool) -> None:  # noqa: FBT001 - the shape of a note
        """Take in that the team's code asked whether a file is there, or more of it."""
        absolute = _input(path)
        if absolute is None or absolute.endswith(_CODE):
            return
        kind = kind_of(absolute)
        if more and kind == FILE:
            self.note(absolute, os.O_RDWR)
        else:
            self._now.setdefault(absolute, kind)
            if kind == ABSENT and absolute not in self._written:
                self._sought.add(absolute)

    def _only_read(self) -> dict[str, State]:
        """What was read and not made meanwhile; what is made where it is not there yet counts as it was left."""
        found = {}
        for path, state in self._now.items():
            left = state_of(path)
            is_made = path in self._written or (path in self._both and left != state) or self._is_passing(path, state)
            if path in self._written & self._sought and state not in KINDS and left is not None:
                found[path] = left
            elif not is_made and not (state in KINDS and kind_of(path) != state):
                found[path] = state
        return found

    def _note_code(self, path: str) -> None:
        try:
            source = source_from_cache(path) if path.endswith(".pyc") else path
        except ValueError:  # compiled by pytest
            return
        if (state := state_of(source)) is not None and not source.startswith(OWN_FOLDER):
            self._loaded_now.setdefault(source, state)

    def _is_passing(self, path: str, state: State) -> bool:
        """Whether a file was made in this session where files do not stay."""
        is_of_project = path.startswith(os.getcwd() + os.sep)  # noqa: PTH109 - as above
        return state[0] >= self._began and path.startswith(tempfile.gettempdir()) and not is_of_project

    def files(self, block: BlockProvenance | None = None) -> dict[str, State]:
        """What was only read, less libraries and the system's files; each with its state when it was opened.

        Args:
            block: what the trial or the evaluation is of; code that was followed from it counts by what is used.
        """
        inherited = {path: state for path, state in self._read.items() if self._is_inherited(path, block)}
        between = self._between.files(block) if block is not None else {}
        between = {path: state for path, state in between.items() if path not in self._both or state_of(path) == state}
        found = {**between, **inherited, **self._now}
        loaded = self._loaded_now
        if block is not None:
            by = list(self._loaded) if block.anywhere else [block]
            loaded = {path: state for each in by for path, state in self._loaded.get(each, {}).items()}
        found |= {path: state for path, state in loaded.items() if block is None or path not in block.sources}
        return dict(sorted(found.items()))

    def _is_inherited(self, path: str, block: BlockProvenance | None) -> bool:
        if path in self._declared:
            return False
        if block is None or path in self._for_all:
            return True
        return any(block.may_find_what(by) for by in self._by.get(path, ()))


@functools.cache
def _install() -> None:
    sys.addaudithook(_hook)  # stays for the life of the process


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not (_watching or _listening) or event not in _EVENTS or not args:
        return
    frame = sys._getframe(1)  # noqa: SLF001
    if event in _LISTING and "importlib" in frame.f_code.co_filename:
        return  # an import looks for a module
    name = _named(event, args[0])
    path = _input(name) if name is not None else None
    if path is None:
        return
    flags = (args[2] or 0) if event == "open" else os.O_RDWR if event == "sqlite3.connect" else 0
    if not _watching:
        for opened in _listening:
            opened.note_between(path, flags, frame)
        return
    is_absent = event == "open" and not flags & (os.O_WRONLY | os.O_CREAT) and state_of(path) is None
    for opened in _watching:
        if not is_absent:
            opened.note(path, flags, reader(frame))
        elif asker(frame) is not None:
            opened.note_question(path, more=False)


def _named(event: str, path: Any) -> str | None:
    """The path that an event is about; None where it is about a file that is open already."""
    if path is None:
        return "."
    if not isinstance(path, str | bytes | os.PathLike):
        return None
    name = os.fsdecode(path)
    return unquote(urlsplit(name).path) if event == "sqlite3.connect" and name.startswith("file:") else name


def _input(path: str) -> str | None:
    """The absolute path of a file that may be an input; None for those of libraries, of the system and of ours."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - on every opening, thus quick
    return absolute if _counts(absolute) else None


@functools.lru_cache(maxsize=4096)
def _counts(path: str) -> bool:
    if path.endswith(_NATIVE) or path.startswith(_SYSTEM) or _STATE in Path(path).parts:
        return False
    return not is_library(path)
