"""Plain values of modules, which count by what they are and not by how they are written."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pytest_mlexp.provenance.code.sources import Source
from pytest_mlexp.provenance.code.syntax import calls_in, last_name
from pytest_mlexp.provenance.code.usage import usage_of

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), type(NotImplemented))
# Calls that make an empty one, which fills up later.
_CONTAINERS = ("dict", "list", "set", "defaultdict", "Counter", "OrderedDict", "deque")
_PLACES = frozenset(("__file__", "__path__", "__spec__", "getcwd", "cwd"))


def counts_by_value(source: Source, name: str, live: object) -> bool:
    """Whether what a module holds under a name counts by what it is, and not by the code that made it."""
    statements = source.bindings[name]
    if name in source.rebound or any(isinstance(s, ast.FunctionDef | ast.ClassDef) for s in statements):
        return False
    if not (_is_fixed(live) or (is_plain(live) and _is_filled_by_call(statements))):
        return False
    folders = (str(Path.cwd()), str(source.path.parent) if source.path is not None else "")
    return not _depends_on_place(source, name) or not any(folder in repr(live) for folder in folders if folder)


def is_plain(value: Any) -> bool:
    """Whether a value is told by its text: a number, a text, nothing, or a container of such."""
    if type(value) is dict:
        return all(_is_fixed(key) and is_plain(item) for key, item in value.items())
    return all(map(is_plain, value)) if type(value) in {list, set} else _is_fixed(value)


def plain_text(value: Any) -> str:
    """A text that tells a plain value from all others."""
    kind = type(value).__name__
    if type(value) is dict:
        return f"{kind} {[(plain_text(key), plain_text(item)) for key, item in value.items()]}"
    if type(value) in {list, tuple}:
        return f"{kind} {[*map(plain_text, value)]}"
    if type(value) in {set, frozenset}:
        return f"{kind} {sorted(map(plain_text, value))}"
    return f"{kind} {value!r}"


def _is_fixed(value: Any) -> bool:
    """Whether a plain value can never change."""
    return all(map(_is_fixed, value)) if type(value) in {tuple, frozenset} else type(value) in PLAIN


def _is_filled_by_call(statements: Iterable[ast.stmt]) -> bool:
    """Whether a container is made by a call, which may have read a file: ``json.loads(path.read_text())``."""
    return any(last_name(call.func) not in _CONTAINERS for call in calls_in(*statements))


def _depends_on_place(source: Source, name: str, seen: frozenset[str] = frozenset()) -> bool:
    """Whether a constant is made from where its file lies, so that its value differs from copy to copy."""
    if name in _PLACES:
        return True
    if name in seen:
        return False
    for statement in source.bindings.get(name, ()):
        for used, chains in usage_of(ast.unparse(statement)).names:
            attributes = {part for chain in chains for part in chain}
            if attributes & _PLACES or _depends_on_place(source, used, seen | {name}):
                return True
    return False
