"""Whose a file is, by the folder that it lies in: the team's, of a library, of Python, or ours."""

from __future__ import annotations

import functools
import sysconfig
from pathlib import Path

OWN_FOLDER = str(Path(__file__).parents[2])
_INSTALLED = frozenset(("site-packages", "dist-packages"))
_OF_PYTHON = (  # asked here, as sysconfig opens files for it, and openings are what this is asked about
    *(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "scripts")),
    sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user")),
)


@functools.cache
def is_library(path: str) -> bool:
    """Whether a file or folder is of the standard library or was installed, scripts such as ``pytest`` included."""
    if path.startswith("<frozen") or _is_installed(path):
        return True
    return any(Path(path).is_relative_to(folder) for folder in _OF_PYTHON)


@functools.cache
def is_of_standard_library(path: str) -> bool:
    """Whether a file is of Python itself."""
    return is_library(path) and not _is_installed(path)


def _is_installed(path: str) -> bool:
    return not _INSTALLED.isdisjoint(Path(path).parts)
