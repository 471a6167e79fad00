"""What a file was at some moment: told quickly by its last change and size, and for good by its content."""

from __future__ import annotations

import ast
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from pytest_mlexp.provenance.code.normalising import normalised
from pytest_mlexp.provenance.digests import digest

State = tuple[int, int]
# States where only that was asked; others are nanoseconds of the last change, and size.
ABSENT, FILE, FOLDER = (-1, 0), (-1, 1), (-1, 2)
KINDS = {ABSENT: "absent", FILE: "a file is there", FOLDER: "a folder is there"}
_digests: dict[tuple[Path, State | None], str] = {}


def state_of(path: str | Path) -> State | None:
    """When a file or folder was changed last, and its size; None where there is neither."""
    try:
        status = os.stat(path)  # noqa: PTH116 - on every opening, thus quick
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def kind_of(path: str | Path) -> State:
    """What is at a path."""
    return FOLDER if os.path.isdir(path) else FILE if os.path.exists(path) else ABSENT  # noqa: PTH110, PTH112 - quick


def contents(files: Mapping[str, State], project: Path) -> dict[str, str]:
    """Name -> digest of what was read; the name is relative to the project where the file lies in it.

    Of what was edited since it was opened nobody knows which content was used: no digest is equal to that.
    """
    found = {}
    for file, state in files.items():
        path = Path(file)
        name = path.relative_to(project).as_posix() if path.is_relative_to(project) else file
        is_same = path.is_dir() or state_of(path) == state
        found[name] = KINDS.get(state) or (_digest_of(path) if is_same else None) or "changed meanwhile"
    return found


def changed(before: Mapping[str, str], project: Path) -> str | None:
    """Which file is not what it was, in words; None when all are."""
    for name, then in before.items():
        path = project / name
        now = KINDS[kind_of(path)] if then in KINDS.values() else _digest_of(path)
        if now != then:
            if path.is_dir():
                return f"names in folder changed: {name}"
            is_gone = now in {None, KINDS[ABSENT]}
            return f"file {'gone' if is_gone else 'is there now' if then == KINDS[ABSENT] else 'changed'}: {name}"
    return None


def _digest_of(path: Path) -> str | None:
    """Of a file's content, or of the names in a folder; None where there is neither."""
    try:
        if path.is_dir():
            return digest(
                "\n".join(sorted(p.name for p in path.iterdir() if not p.name.startswith((".", "__pycache__"))))
            )
        key = (path, state_of(path))
        if key not in _digests:
            _digests[key] = digest(_code_of(path)) if path.suffix == ".py" else _digest_of_bytes(path)
        return _digests[key]
    except OSError:
        return None


def _code_of(path: Path) -> str:
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    try:
        return normalised(ast.parse(text))
    except (SyntaxError, ValueError):
        return ascii(text)


def _digest_of_bytes(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
