"""Where something is declared, and what a block depends on beside its code, as declared with ``depends_on=``."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from pytest_mlexp.errors import DeclarationError

_OURS = __name__.partition(".")[0]


@dataclass(frozen=True)
class Declared:
    """One thing that a block depends on: the content of a path, or an object."""

    name: str
    path: Path | None = None
    value: Any = field(default=None, repr=False)

    def content(self) -> str:
        """A digest of the file, or of all files of the folder with their names, 32 hexadecimal digits.

        Raises:
            DeclarationError: it is gone.
        """
        path = self.path
        if path is None or not path.exists():
            raise DeclarationError(f"depends_on names {self.name!r}, but there is no {path}")
        sink = hashlib.blake2b(digest_size=16)
        for file in [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file()):
            with file.open("rb") as stream:
                inner = hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
            sink.update(f"{file.relative_to(path).as_posix()} {inner}\n".encode())
        return sink.hexdigest()


class Lines(dict[Any, str]):
    """Where things were declared, as ``file:line``; no part of what they are, so that no copy or fingerprint has it."""

    def __reduce_ex__(self, _: Any) -> tuple[Any, ...]:
        return Lines, ()

    def start(self, declared: object) -> str:
        """The line of what was declared as an error message starts with it; empty where it is not known."""
        return f"{self[declared]}: " if self.get(declared) else ""


def declaring_line() -> str:
    """The line that is calling us: its file, from the current folder where it is in it, and its number."""
    frame = _declaring_frame()
    if frame is None:
        return ""
    file, here = Path(frame.f_code.co_filename), Path.cwd()
    return f"{file.relative_to(here) if file.is_relative_to(here) else file}:{frame.f_lineno}"


def _declaring_module() -> str:
    """The name of the module that is calling us: what it does when it is imported, a block may depend on."""
    frame = _declaring_frame()
    return "" if frame is None else str(frame.f_globals.get("__name__", ""))


def _declaring_frame() -> FrameType | None:
    frame = inspect.currentframe()
    while frame is not None and str(frame.f_globals.get("__name__", "")).partition(".")[0] == _OURS:
        frame = frame.f_back
    return frame


def declare_dependencies(depends_on: Iterable[Any], *, of: str) -> dict[str, Any]:
    """Check what a block depends on, and name the module that declares it: its fields ``depends_on`` and ``module``.

    A relative path is looked for beside that module, then in the current folder.

    Raises:
        DeclarationError: a file that is not there; one path in the place of a list.
    """
    if isinstance(depends_on, str | Path):
        raise DeclarationError(f"depends_on= of {of} takes a list, [{str(depends_on)!r}], not one path")
    module = _declaring_module()
    found = []
    for number, item in enumerate(depends_on):
        if isinstance(item, str | Path):
            found.append(Declared(str(item), _path(Path(item), of=of, module=module)))
        else:
            found.append(Declared(getattr(item, "__qualname__", None) or f"object {number + 1}", value=item))
    return {"depends_on": tuple(found), "module": module}


def _path(given: Path, *, of: str, module: str) -> Path:
    file = getattr(sys.modules.get(module), "__file__", None)
    places = [folder / given for folder in ([Path(file).parent] if file else []) + [Path.cwd()]]
    for place in places:
        if place.exists():
            return place
    looked = " or ".join(str(place) for place in dict.fromkeys(places))
    raise DeclarationError(f"{of} depends on {str(given)!r}, which is not there: looked for {looked}")
