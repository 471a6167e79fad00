"""Where a module comes from, found without importing it."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Literal

from pytest_mlexp.provenance.libraries.folders import is_library, is_of_standard_library
from pytest_mlexp.provenance.libraries.packages import is_own, is_standard

STANDARD_INPUT = "<stdin>"
FIRST_PARTY = ("source", "native", "folder")


@dataclass(frozen=True)
class Place:
    """A module's origin.

    Attributes:
        kind: ``source`` is first-party Python; ``native`` a first-party extension; ``folder`` a first-party
            namespace package; ``missing`` could not be found.
        path: its file, for ``source`` and ``native``.
        is_package: whether it may have submodules.
    """

    kind: Literal["source", "native", "folder", "library", "standard", "missing"]
    path: Path | None = None
    is_package: bool = False


def locate(name: str) -> Place:
    """Find a module, loaded or not. First-party is what was not installed into a library folder."""
    root = name.partition(".")[0]
    if is_own(name):
        return Place("library")
    spec = _spec(name)
    origin = getattr(spec, "origin", None) or getattr(sys.modules.get(name), "__file__", None)
    if origin == STANDARD_INPUT:  # `python -`, as `python -c`, leaves no file to be read
        origin = None
    if origin in {"built-in", "frozen"}:
        return Place("standard")
    if origin is None or origin == "namespace":
        searched = getattr(spec, "submodule_search_locations", None)
        if searched:
            return Place("library" if is_library(next(iter(searched))) else "folder", is_package=True)
        return Place("standard" if is_standard(root) else "missing")
    if is_library(origin):
        return Place("standard" if is_standard(root) and is_of_standard_library(origin) else "library")
    path = Path(origin)
    inside = path.name == "__init__.py"
    return Place("source" if path.suffix in {".py", ".pyw", ""} else "native", path, inside)


def is_of_library(module: str) -> bool:
    """Whether a module is of a library, of the standard one, or of this package."""
    return locate(module).kind in {"library", "standard"}


def folders_of(package: str) -> list[Path]:
    """The folders that the modules of a package lie in."""
    spec = _spec(package)
    return [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec is not None else []


def is_for_tests(module: str) -> bool:
    """Whether a module is named as tests and what they use are."""
    return any(part in {"tests", "conftest"} or part.startswith("test_") for part in module.split("."))


def _spec(name: str) -> ModuleSpec | None:
    loaded = getattr(sys.modules.get(name), "__spec__", None)
    if loaded is not None:
        return loaded if isinstance(loaded, ModuleSpec) else None
    if name in sys.modules:  # a script, or a module that was made by hand
        return None
    parent = name.rpartition(".")[0]
    above = _spec(parent) if parent else None
    searched = list(above.submodule_search_locations or ()) if above is not None else []
    try:
        if not parent:
            return importlib.util.find_spec(name)
        return PathFinder.find_spec(name, searched) if searched else None
    except KeyError:  # Python asks the parent of a folder without ``__init__.py``, which is not loaded
        return _folder(name, searched)
    except (ImportError, ValueError, AttributeError):
        return None


def _folder(name: str, searched: list[str]) -> ModuleSpec:
    """The specification of a package that is no more than folders."""
    folders = [Path(above) / name.rpartition(".")[2] for above in searched]
    spec = ModuleSpec(name, None, is_package=True)
    spec.submodule_search_locations = [str(folder) for folder in folders if folder.is_dir()]
    return spec
