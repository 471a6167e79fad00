"""Where in its checkout a session ran, and how Python was started: what is needed to start it again elsewhere."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from pytest_mlexp.tracking.secrets import redact_command


@dataclass(frozen=True)
class Place:
    """Paths are relative to the top of the checkout, with ``/``; absolute where they lie outside of it.

    Attributes:
        root: the project's folder, where the journal is.
        cwd: the working directory.
        python_path: the entries of PYTHONPATH inside the checkout.
        arguments: what Python was started with, less its own path and secrets; paths inside the checkout are
            relative to ``cwd``.
    """

    root: str = "."
    cwd: str = "."
    python_path: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()


def checkout(folder: Path) -> Path:
    """The top of the git checkout that holds a folder; without one, the folder itself."""
    start = folder.resolve()
    return next((path for path in (start, *start.parents) if (path / ".git").exists()), start)


def place(root: Path) -> Place:
    """Describe where this process runs; ``root`` is the project's folder."""
    top, cwd = checkout(root), Path.cwd()
    entries = [Path(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    return Place(
        root=relative(root, top),
        cwd=relative(cwd, top),
        python_path=tuple(relative(entry, top) for entry in entries if entry.resolve().is_relative_to(top)),
        arguments=redact_command([_portable(word, top, cwd) for word in sys.orig_argv[1:]]),
    )


def relative(path: Path, top: Path) -> str:
    """The path from ``top``, with ``/``; absolute where it lies elsewhere."""
    whole = path.resolve()
    return whole.relative_to(top).as_posix() if whole.is_relative_to(top) else whole.as_posix()


def _portable(word: str, top: Path, cwd: Path) -> str:
    path = Path(word)
    inside = path.is_absolute() and path.is_relative_to(top)
    return Path(os.path.relpath(path, cwd)).as_posix() if inside else word
