"""Files that the team's code read while a result was made: the result depends on them, declared or not.

Seen are files that Python opens, in this process: ``open``, ``numpy.load``, ``pandas.read_csv``, ``joblib.load``,
``torch.load``, ``sqlite3.connect``; and folders that it lists, by the names in them. Not seen are files that native
code opens, that other processes read, that were read when a module was imported, and whether a file exists.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytest_mlexp.provenance.packages import is_library

_CODE = (".py", ".pyc", ".so", ".pyd", ".dll", ".dylib")
_STATE = ".mlexp"
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/")
_watching: list[Opened] = []
State = tuple[int, int]  # nanoseconds of the last change, and size
_LISTING = ("os.listdir", "os.scandir")
_EVENTS = {"open", "sqlite3.connect", *_LISTING}
_digests: dict[tuple[str, State | None], str] = {}


class Opened:
    """The files that were opened while it was watching, by absolute path.

    It watches for a whole session: what one trial read may be remembered for the next, by a cache of the team's.
    Therefore what was read counts for all that come later, unless a block declared it.
    """

    def __init__(self) -> None:
        self._read: dict[str, State] = {}
        self._now: dict[str, State] = {}
        self._written: set[str] = set()
        self._both: set[str] = set()
        self._declared: set[str] = set()

    def declare(self, path: Path) -> None:
        """Take in a file, or a folder, that a block declared to depend on."""
        files = [path] if path.is_file() else path.rglob("*")
        self._declared.update(str(file.absolute()) for file in files)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note what is opened meanwhile, in whatever thread."""
        _install()
        self._now.clear()
        _watching.append(self)
        try:
            yield
        finally:
            _watching.remove(self)
            self._read = {**self._now, **self._read}

    def note(self, path: str, flags: int) -> None:
        """Take in one opening; what is opened for both counts as read unless it was written in the end."""
        absolute = os.path.abspath(path)  # noqa: PTH100 - on every opening, thus quick
        if not _counts(absolute):
            return
        if flags & (os.O_WRONLY | os.O_TRUNC | os.O_CREAT):
            self._written.add(absolute)
        elif absolute not in self._now and (state := _state(absolute)) is not None:
            self._now[absolute] = state
            if flags & os.O_RDWR:
                self._both.add(absolute)

    def files(self) -> dict[str, State]:
        """What was only read, less code, libraries and the system's files; each with its state when it was opened."""
        inherited = {path: state for path, state in self._read.items() if path not in self._declared}
        found = {**inherited, **self._now}
        made = self._written | {path for path in self._both if _state(path) != found.get(path)}
        return {path: found[path] for path in sorted(found) if path not in made}


@functools.cache
def _install() -> None:
    sys.addaudithook(_hook)  # stays for the life of the process


def contents(files: Mapping[str, State], project: Path) -> dict[str, str]:
    """Name -> digest of what was read; the name is relative to the project where the file lies in it.

    Of what was edited since it was opened nobody knows which content was used: no digest is equal to that.
    """
    found = {}
    for file, state in files.items():
        path = Path(file)
        name = path.relative_to(project).as_posix() if path.is_relative_to(project) else file
        same = path.is_dir() or _state(file) == state
        found[name] = (_digest(path) if same else None) or "changed meanwhile"
    return found


def changed(before: Mapping[str, str], project: Path) -> str | None:
    """Which file is not what it was, in words; None when all are."""
    for name, digest in before.items():
        now = _digest(project / name)
        if now != digest:
            return f"file {'gone' if now is None else 'changed'}: {name}"
    return None


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _watching or event not in _EVENTS or not args:
        return
    path = "." if args[0] is None else args[0]
    if not isinstance(path, str | bytes | os.PathLike):
        return
    flags = (args[2] or 0) if event == "open" else os.O_RDWR if event == "sqlite3.connect" else 0
    if event in _LISTING and "importlib" in sys._getframe(1).f_code.co_filename:  # noqa: SLF001
        return  # an import looks for a module
    for opened in _watching:
        opened.note(os.fsdecode(path), flags)


@functools.lru_cache(maxsize=4096)
def _counts(path: str) -> bool:
    if path.endswith(_CODE) or path.startswith(_SYSTEM) or _STATE in Path(path).parts:
        return False
    return not is_library(path)


def _state(path: str) -> State | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - as above
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _digest(path: Path) -> str | None:
    """Of a file's content, or of the names in a folder; None where there is neither."""
    try:
        if path.is_dir():
            names = sorted(p.name for p in path.iterdir() if not p.name.startswith((".", "__pycache__")))
            return hashlib.blake2b("\n".join(names).encode(), digest_size=16).hexdigest()
        key = (str(path), _state(str(path)))
        if key not in _digests:
            with path.open("rb") as stream:
                _digests[key] = hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
        return _digests[key]
    except OSError:
        return None
