"""What a block depends on beside its code: a file, a folder or an object, as declared with ``depends_on=``."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_mlexp.errors import DeclarationError


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


def declare_dependencies(depends_on: Iterable[Any], *, of: str, declared_by: object) -> tuple[Declared, ...]:
    """Check what a block depends on. A relative path is looked for beside the module that declares, then here.

    Raises:
        DeclarationError: a file that is not there; one path in the place of a list.
    """
    if isinstance(depends_on, str | Path):
        raise DeclarationError(f"depends_on= of {of} takes a list, [{str(depends_on)!r}], not one path")
    found = []
    for number, item in enumerate(depends_on):
        if isinstance(item, str | Path):
            found.append(Declared(str(item), _path(Path(item), of=of, declared_by=declared_by)))
        else:
            found.append(Declared(getattr(item, "__qualname__", None) or f"object {number + 1}", value=item))
    return tuple(found)


def _path(given: Path, *, of: str, declared_by: object) -> Path:
    file = getattr(sys.modules.get(getattr(declared_by, "__module__", "") or ""), "__file__", None)
    places = [folder / given for folder in ([Path(file).parent] if file else []) + [Path.cwd()]]
    for place in places:
        if place.exists():
            return place
    looked = " or ".join(str(place) for place in dict.fromkeys(places))
    raise DeclarationError(f"{of} depends on {str(given)!r}, which is not there: looked for {looked}")
