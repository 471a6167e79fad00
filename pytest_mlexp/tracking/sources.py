"""The first-party code that a process has loaded: a digest of each file, and what it imports."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from pytest_mlexp.provenance.code.variables import variables_in
from pytest_mlexp.tracking.secrets import HIDDEN, is_secret_name

# Numbers, truth values, and the short words that settings are.
_HARMLESS = re.compile(r"[+-]?[\d.,]{1,12}(e[+-]?\d{1,3})?|[a-z]{1,12}|True|False|[a-z]{1,8}:\d{1,3}|")
_READS = re.compile(rb"\benviron|getenv")  # also environb and getenvb
_LIBRARIES = tuple(f"{os.sep}{name}{os.sep}" for name in ("site-packages", "dist-packages"))
_STANDARD = tuple(sysconfig.get_path(name) + os.sep for name in ("stdlib", "platstdlib"))
_SCOPES = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_OURS = "pytest_mlexp"


@dataclass(frozen=True)
class Sources:
    """What the team's own code was.

    Attributes:
        files: module as a path (``churn/features.py``) -> digest of its syntax tree, without comments,
            docstrings and layout; 16 hexadecimal digits.
        imports: the top-level modules of libraries that these files import, the standard library left out.
        reads: the environment variables that they read by name.
    """

    files: dict[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


def loaded() -> Sources:
    """Describe the first-party modules of this process, as their files were when they were seen first.

    Files that cannot be parsed are left out.
    """
    modules = len(sys.modules), next(reversed(sys.modules))
    if _DESCRIBED.modules != modules or any(_loaded_as(name) is not own.loaded for name, own in _OWN.items()):
        _look()
        _DESCRIBED.modules, _DESCRIBED.sources = modules, _described_together()
    return _DESCRIBED.sources


def _described_together() -> Sources:
    seen = sorted((name, module.described) for name, module in _OWN.items() if module.described and name in sys.modules)
    own = {name.partition(".")[0] for name, _ in seen}
    imports = {needed for _, (_, names) in seen for needed in names}
    files = {_OWN[name].shown: digest for name, (digest, _) in seen}
    reads = {read for name, _ in seen for read in _OWN[name].reads}
    return Sources(files, tuple(sorted(imports - own - sys.stdlib_module_names)), tuple(sorted(reads)))


def read_by(source: bytes) -> tuple[str, ...]:
    """The environment variables that a module reads by name; nothing for what does not parse."""
    if not _READS.search(source):
        return ()
    try:
        text = ast.unparse(ast.parse(source))
    except (SyntaxError, ValueError):
        return ()
    return tuple(sorted(variables_in(text)))


def values_of(reads: Iterable[str]) -> dict[str, str]:
    """What such variables are set to now; one that is not set is left out."""
    return {name: _shown(name, os.environ[name]) for name in reads if name in os.environ}


def _shown(name: str, value: str) -> str:
    """A value that says nothing to anybody; of any other a digest, and of one that is named like a secret nothing."""
    if is_secret_name(name) or name.lower().endswith("key"):
        return HIDDEN
    if _HARMLESS.fullmatch(value):
        return value
    return f"text {hashlib.sha256(value.encode()).hexdigest()[:8]}"


def described(source: bytes) -> tuple[str, frozenset[str]] | None:
    """The digest of a module's syntax tree and the top-level modules it imports; None for what does not parse."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    imports: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, _SCOPES) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
        if isinstance(node, ast.Import):
            imports.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports.add(node.module.partition(".")[0])
    return hashlib.sha256(ast.dump(tree).encode("utf-8", "surrogatepass")).hexdigest()[:16], frozenset(imports)


@dataclass(frozen=True)
class _Module:
    """A first-party module; ``loaded`` is another object when it was loaded anew."""

    loaded: object
    shown: str
    described: tuple[str, frozenset[str]] | None
    reads: tuple[str, ...]


@dataclass
class _Described:
    """What was said last, and how many modules there were then, with the name of the last of them."""

    modules: tuple[int, str] = (0, "")
    sources: Sources = field(default_factory=Sources)


_OWN: dict[str, _Module] = {}
_FOREIGN: set[str] = set()
_DESCRIBED = _Described()


def _look() -> None:
    """Read the files of modules that are new since the last time; thousands of others cost a look-up each."""
    for name, module in list(sys.modules.items()):
        if name in _FOREIGN:
            continue
        this = _loaded_as(name)
        if name in _OWN and _OWN[name].loaded is this:
            continue
        file = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(file, str) and name.partition(".")[0] != _OURS and _is_own(file):
            shown = Path(file).name if name == "__main__" else f"{name.replace('.', '/')}.py"
            source = Path(file).read_bytes()
            _OWN[name] = _Module(this, shown, described(source), read_by(source))
        else:
            _FOREIGN.add(name)


def _loaded_as(name: str) -> object:
    """What tells one loading of a module from the next; None where it is not loaded now."""
    module = sys.modules.get(name)
    variables = getattr(module, "__dict__", {})  # getattr of the module itself may import what is lazy
    return variables.get("__spec__") or module


def _is_own(file: str) -> bool:
    foreign = any(part in file for part in _LIBRARIES) or file.startswith(_STANDARD)
    return file.endswith(".py") and not foreign and Path(file).is_file()
