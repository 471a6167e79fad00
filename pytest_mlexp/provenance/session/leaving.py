"""Where code may leave what it read for later trials of the same process: tables, caches, classes, objects."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable

from pytest_mlexp.provenance.code.definitions import CodeWalk
from pytest_mlexp.provenance.code.usage import usage_of
from pytest_mlexp.provenance.session.touched import touched_by
from pytest_mlexp.provenance.session.touching import touches_of

_KEEPS_NOTHING = {"property", "staticmethod", "classmethod", "abstractmethod"}
# What these make cannot keep anything.
_MAKE_FIXED = {"Path", "PurePath", "resolve", "absolute", "with_name", "joinpath", "frozenset", "tuple", "str", "float"}
_OF_ITS_CLASS = r"\bcls\b|__class__|\btype\(self\)|\bnonlocal\b"


def left_by(walk: CodeWalk) -> frozenset[str] | None:
    """Keys of the definitions that all code of a walk may leave something in; None where it cannot be told."""
    return left_in(list(walk.texts), walk)


def left_in(keys: Iterable[str], walk: CodeWalk) -> frozenset[str] | None:
    """Keys of the definitions that some of them may leave something in; None where it cannot be told."""
    left: set[str] = set()
    for key in keys:
        text = walk.texts[key]
        if text.startswith("value ") or not text:
            continue
        source = walk.modules.source(key.rpartition(":")[0])
        own, usage = touches_of(text), usage_of(text)
        outside = {name for name, _ in usage.names}
        if source is None or ("<locals>" in key and not own.names.isdisjoint(outside)):
            return None  # a variable of an outer function, for instance
        left |= touched_by(own, usage, source, walk)
        if _remembers(text):
            left.add(key)
    return frozenset(left)


@functools.lru_cache(maxsize=2**15)
def _remembers(text: str) -> bool:
    """Whether something is an object that a call made, has a decorator that may be a cache, a table or a default."""
    if re.search(_OF_ITS_CLASS, text):
        return True
    tree = ast.parse(text)
    for statement in tree.body:
        made = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
        calls = [] if made is None else [node for node in ast.walk(made) if isinstance(node, ast.Call)]
        if any(ast.unparse(call.func).rpartition(".")[2] not in _MAKE_FIXED for call in calls):
            return True
    for node in ast.walk(tree):
        decorators = getattr(node, "decorator_list", [])
        if any(ast.unparse(decorator).rpartition(".")[2] not in _KEEPS_NOTHING for decorator in decorators):
            return True
        if isinstance(node, ast.ClassDef):
            values = [s.value for s in node.body if isinstance(s, ast.Assign | ast.AnnAssign) and s.value is not None]
            if not all(isinstance(value, ast.Constant) for value in values):
                return True
        if isinstance(node, ast.arguments):
            defaults = [*node.defaults, *(default for default in node.kw_defaults if default is not None)]
            if not all(isinstance(default, ast.Constant | ast.Name) for default in defaults):
                return True
    return False
