"""Plain values of modules, which count by what they are and not by how they are written."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), type(NotImplemented))
# Calls that make an empty one, which fills up later.
CONTAINERS = ("dict", "list", "set", "defaultdict", "Counter", "OrderedDict", "deque")


def is_plain(value: Any) -> bool:
    """Whether a value is told by its text: a number, a text, nothing, or a tuple of such."""
    if type(value) in {tuple, frozenset}:
        return all(map(is_plain, value))
    return type(value) in PLAIN


def is_made(value: Any, statements: Iterable[ast.stmt]) -> bool:
    """Whether a container was filled by a call, which may have read a file: ``json.loads(path.read_text())``."""
    calls = [node for statement in statements for node in ast.walk(statement) if isinstance(node, ast.Call)]
    return any(ast.unparse(call.func).rpartition(".")[2] not in CONTAINERS for call in calls) and is_filled(value)


def is_filled(value: Any) -> bool:
    """Whether a value is a plain one, or a container of plain ones."""
    if type(value) is dict:
        return all(is_plain(key) and is_filled(item) for key, item in value.items())
    return all(map(is_filled, value)) if type(value) in {list, set} else is_plain(value)


def plain_text(value: Any) -> str:
    """A text that tells a plain value from all others."""
    if type(value) is dict:
        return f"dict {[(plain_text(key), plain_text(item)) for key, item in value.items()]}"
    if type(value) in {list, set}:
        texts = map(plain_text, value)
        return f"list {[*texts]}" if type(value) is list else f"set {sorted(texts)}"
    if type(value) is frozenset:
        return f"frozenset {sorted(map(plain_text, value))}"
    if type(value) is tuple:
        return f"tuple {[*map(plain_text, value)]}"
    return f"{type(value).__name__} {value!r}"
