"""Files that the team's code read while a result was made: the result depends on them, declared or not.

Seen are files that Python opens, in this process: ``open``, ``numpy.load``, ``pandas.read_csv``, ``joblib.load``,
``torch.load``. Not seen are those that native code opens, that other processes read, and that were read when a
module was imported.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pytest_mlexp.execution.packages import is_library

_CODE = (".py", ".pyc", ".so", ".pyd", ".dll", ".dylib")
_STATE = ".mlexp"
_SYSTEM = ("/proc/", "/sys/", "/dev/", "/etc/", "/usr/")
_watching: list[Opened] = []
_digests: dict[tuple[str, int, int], str] = {}


class Opened:
    """The files that were opened while it was watching, by absolute path.

    It watches for a whole session: what one trial read may be remembered for the next, by a cache of the team's.
    Therefore what was read counts for all that come later, unless a block declared it.
    """

    def __init__(self) -> None:
        self._read: set[str] = set()
        self._now: set[str] = set()
        self._written: set[str] = set()
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
            self._read |= self._now

    def note(self, path: str, flags: int) -> None:
        """Take in one opening."""
        absolute = os.path.abspath(path)  # noqa: PTH100 - on every opening, thus quick
        if _counts(absolute):
            kept = self._written if flags & (os.O_WRONLY | os.O_RDWR) else self._now
            kept.add(absolute)

    def files(self) -> tuple[str, ...]:
        """What was only read, less code, libraries and the system's files."""
        found = (self._now | (self._read - self._declared)) - self._written
        return tuple(sorted(path for path in found if Path(path).is_file()))


@functools.cache
def _install() -> None:
    sys.addaudithook(_hook)  # stays for the life of the process


def contents(files: Iterable[str], project: Path) -> dict[str, str]:
    """Name -> digest of files that are there; the name is relative to the project where the file lies in it."""
    found = {}
    for file in files:
        with suppress(OSError):
            path = Path(file)
            name = path.relative_to(project).as_posix() if path.is_relative_to(project) else file
            found[name] = _digest(path)
    return found


def changed(before: Mapping[str, str], project: Path) -> str | None:
    """Which file is not what it was, in words; None when all are."""
    for name, digest in before.items():
        try:
            now = _digest(project / name)
        except OSError:
            return f"file gone: {name}"
        if now != digest:
            return f"file changed: {name}"
    return None


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if event == "open" and _watching and isinstance(args[0], str | bytes | os.PathLike):
        for opened in _watching:
            opened.note(os.fsdecode(args[0]), args[2] or 0)


@functools.lru_cache(maxsize=4096)
def _counts(path: str) -> bool:
    if path.endswith(_CODE) or path.startswith(_SYSTEM) or _STATE in Path(path).parts:
        return False
    return not is_library(path)


def _digest(path: Path) -> str:
    status = path.stat()
    key = (str(path), status.st_mtime_ns, status.st_size)
    if key not in _digests:
        with path.open("rb") as stream:
            _digests[key] = hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    return _digests[key]
