"""Questions of the team's code whether a file is there: Python tells nobody of ``os.stat``, thus it is stood in for.

While somebody watches, ``os.stat``, ``os.lstat`` and ``os.access`` are functions of this module, which ask the real
ones and note what first-party code asked. ``os.path`` and ``pathlib`` go through them.
"""

from __future__ import annotations

import functools
import os
import re
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pytest_mlexp.provenance.libraries.folders import OWN_FOLDER, is_library, is_of_standard_library

Note = Callable[[str, bool], None]  # a path, and whether more was asked than what kind it is of

_NAMES = ("stat", "lstat", "access")
# Parts of the standard library that look for files of their own.
_MACHINERY = frozenset(
    (
        *("ctypes", "gettext", "importlib", "inspect", "linecache", "mimetypes", "multiprocessing", "pkgutil"),
        *("platform", "site", "ssl", "subprocess", "sysconfig", "tempfile", "traceback", "warnings", "zipimport"),
    )
)
_OF_KIND = ("exists", "lexists", "is_file", "isfile", "is_dir", "isdir", "is_symlink", "islink", "access", "ismount")
_SETS = (os.supports_fd, os.supports_dir_fd, os.supports_follow_symlinks, os.supports_effective_ids)
# They ask what lies at a path, then let native code open it: parquet.
_OPEN_NATIVELY = ("pandas", "polars", "datasets")
_lock = threading.Lock()
_noting: list[Note] = []
_real: dict[str, Callable[..., Any]] = {}
_ours: dict[str, Callable[..., Any]] = {}


@contextmanager
def asked(note: Note) -> Iterator[None]:
    """Tell ``note`` of each question of first-party code meanwhile, in whatever thread."""
    with _lock:
        _noting.append(note)
        if len(_noting) == 1:
            _stand_in()
    try:
        yield
    finally:
        with _lock:
            _noting.remove(note)
            if not _noting:
                _step_back()


def _stand_in() -> None:
    for name in _NAMES:
        real = getattr(os, name)
        if _real.get(name) is not real:
            _real[name], _ours[name] = real, _noted(real)
        setattr(os, name, _ours[name])
        for members in _SETS:
            if real in members:
                members.add(_ours[name])


def _step_back() -> None:
    for name in _NAMES:
        if getattr(os, name) is _ours[name]:  # else somebody else stands in now
            setattr(os, name, _real[name])
        for members in _SETS:
            members.discard(_ours[name])


def _noted(real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def asks(path: Any, *rest: Any, **options: Any) -> Any:
        if isinstance(path, str | bytes | os.PathLike) and options.get("dir_fd") is None:
            who = asker(sys._getframe(1))  # noqa: SLF001
            opens = who is None and reader(sys._getframe(1)) in _OPEN_NATIVELY and _is_file(path)  # noqa: SLF001
            for note in _noting if opens or who is not None else ():
                note(os.fsdecode(path), opens or (who not in _OF_KIND and real.__name__ not in _OF_KIND))
        return real(path, *rest, **options)

    return asks


def _is_file(path: Any) -> bool:
    try:
        return stat.S_ISREG(_real["stat"](path).st_mode)
    except OSError:
        return False


def asker(frame: Any) -> str | None:
    """The function of the standard library that first-party code called; None where other code asks.

    Empty where first-party code asks by itself.
    """
    through = ""
    while frame is not None:
        file = frame.f_code.co_filename
        if not is_of_standard_library(file):
            return None if file.startswith(OWN_FOLDER) or is_library(file) else through
        if _is_machinery(file):
            return None
        through = frame.f_code.co_name
        frame = frame.f_back
    return None


def reader(frame: Any) -> str:
    """The library that is the nearest to ask, by its top-level module; empty for first-party code."""
    while frame is not None:
        file = frame.f_code.co_filename
        if not is_of_standard_library(file):
            return "" if not is_library(file) else str(frame.f_globals.get("__name__", "")).partition(".")[0]
        frame = frame.f_back
    return "?"  # a thread of the standard library's own


@functools.lru_cache(maxsize=1024)
def _is_machinery(file: str) -> bool:
    return not _MACHINERY.isdisjoint(re.split(r"\W+", file))
