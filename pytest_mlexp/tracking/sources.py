"""The first-party code that a process has loaded: a digest of each file, and what it imports."""

from __future__ import annotations

import ast
import hashlib
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

_LIBRARY_FOLDERS = ("site-packages", "dist-packages")
_SCOPES = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_OURS = "pytest_mlexp"


@dataclass(frozen=True)
class Sources:
    """What the team's own code was.

    Attributes:
        files: module as a path (``churn/features.py``) -> digest of its syntax tree, without comments,
            docstrings and layout; 16 hexadecimal digits.
        imports: the top-level modules of libraries that these files import, the standard library left out.
    """

    files: dict[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()


def loaded() -> Sources:
    """Describe the first-party modules of this process. Files that cannot be parsed are left out."""
    files: dict[str, str] = {}
    imports: set[str] = set()
    own: set[str] = set()
    for name, path in sorted(_first_party()):
        digest, needed = described(path.read_bytes()) or ("", frozenset())
        if digest:
            files[path.name if name == "__main__" else f"{name.replace('.', '/')}.py"] = digest
            imports |= needed
            own.add(name.partition(".")[0])
    return Sources(files, tuple(sorted(imports - own - sys.stdlib_module_names)))


@lru_cache(maxsize=4096)
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


def _first_party() -> Iterator[tuple[str, Path]]:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__dict__", {}).get("__file__")  # getattr of the module may import what is lazy
        if isinstance(file, str) and _is_own(file) and name.partition(".")[0] != _OURS:
            yield name, Path(file)


@lru_cache(maxsize=65536)
def _is_own(file: str) -> bool:
    path = Path(file)
    if path.suffix != ".py" or any(name in path.parts for name in _LIBRARY_FOLDERS) or not path.is_file():
        return False
    return not any(path.is_relative_to(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib"))
