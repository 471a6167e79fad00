"""Where code may leave what it read for later trials of the same process: tables, caches, classes, objects."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Collection, Mapping

from pytest_mlexp.provenance.code.definitions import CodeWalk
from pytest_mlexp.provenance.code.syntax import (
    DEFINITION,
    calls_in,
    decorators_of,
    defaults_of,
    in_this_scope,
    last_name,
)
from pytest_mlexp.provenance.code.usage import usage_of
from pytest_mlexp.provenance.session.changes import changes_of
from pytest_mlexp.provenance.session.targets import definitions_changed_by

_KEEPS_NOTHING = frozenset(("property", "staticmethod", "classmethod", "abstractmethod"))
_KEEP_BY_ARGUMENTS = frozenset(("cache", "lru_cache", "cached_property"))
# What these make cannot keep anything.
_MAKE_FIXED = {"Path", "PurePath", "resolve", "absolute", "with_name", "joinpath", "frozenset", "tuple", "str", "float"}
_AT_IMPORT = ("<module>", "<patches>")
ENVIRONMENT = "os:environ"
_SETS_ENVIRONMENT = re.compile(r"\benviron\b.*(\]\s*=[^=]|setdefault|update)|\b(putenv|load_dotenv)\b")
_OF_ITS_CLASS = r"\bcls\b|__class__|\btype\(self\)|\bnonlocal\b"


def left_by(walk: CodeWalk) -> frozenset[str] | None:
    """Keys of the definitions that a walk's code may leave something in when it runs; None where it cannot be told.

    What modules did when they were imported, to register something for instance, is over by then.
    """
    starts, texts = list(walk.given), dict[str, str]()
    for key, text in walk.texts.items():
        module, _, name = key.rpartition(":")
        if name in _AT_IMPORT and module in walk.lazy:
            starts.append(key)
        elif name in _AT_IMPORT:
            texts[key] = _run_later(text)
            used = usage_of(texts[key]).outside
            starts += [target for name, target in walk.edges[key] if name.partition(".")[0] in used]
    return _left_in({**texts, **{key: walk.texts[key] for key in walk.closure(starts)}}, walk)


def left_in(running: Collection[str], walk: CodeWalk) -> frozenset[str] | None:
    """Keys of the definitions that running ones, or what they reach, may leave something in; None as above.

    A cache that is asked later holds what was read only under its own arguments: nobody finds it who does not know it.
    What running code stores to the environment is left there, for all that read variables.
    """
    return _left_in({key: walk.texts[key] for key in walk.closure(running)}, walk, running)


def _left_in(texts: Mapping[str, str], walk: CodeWalk, running: Collection[str] = ()) -> frozenset[str] | None:
    left: set[str] = set()
    for key, text in texts.items():
        if text.startswith("value ") or not text:
            continue
        if key in running and _SETS_ENVIRONMENT.search(text):
            left.add(ENVIRONMENT)
        source = walk.modules.source(key.rpartition(":")[0])
        if source is None or ("<locals>" in key and not changes_of(text).names.isdisjoint(usage_of(text).outside)):
            return None  # a variable of an outer function, for instance
        left |= definitions_changed_by(text, source, walk)
        if _remembers(text, is_later=bool(running) and key not in running):
            left.add(key)
    return frozenset(left)


@functools.lru_cache(maxsize=2**15)
def _run_later(text: str) -> str:
    """The functions and classes in what ran at import, which is over when something is read."""
    tree = ast.parse("" if text.startswith("value ") else text)
    definitions = [node for node in in_this_scope(tree) if isinstance(node, DEFINITION | ast.Lambda)]
    for definition in definitions:
        if isinstance(definition, DEFINITION):
            definition.decorator_list = []
    return "\n".join(map(ast.unparse, definitions))


@functools.lru_cache(maxsize=2**15)
def _remembers(text: str, *, is_later: bool) -> bool:
    """Whether something is an object that a call made, or has a part that may keep what it is given."""
    if re.search(_OF_ITS_CLASS, text):
        return True
    tree = ast.parse(text)
    made = [s.value for s in tree.body if isinstance(s, ast.Assign | ast.AnnAssign) and s.value is not None]
    if any(last_name(call.func) not in _MAKE_FIXED for call in calls_in(*made)):
        return True
    keeps_nothing = _KEEPS_NOTHING | (_KEEP_BY_ARGUMENTS if is_later else frozenset())
    return any(_keeps(node, keeps_nothing) for node in ast.walk(tree))


def _keeps(node: ast.AST, keeps_nothing: frozenset[str]) -> bool:
    """Whether a definition has a decorator that may be a cache, a table of its class, or a default that fills up."""
    if any(last_name(decorator) not in keeps_nothing for decorator in decorators_of(node)):
        return True
    if isinstance(node, ast.ClassDef):
        values = [s.value for s in node.body if isinstance(s, ast.Assign | ast.AnnAssign) and s.value is not None]
        return not all(isinstance(value, ast.Constant) for value in values)
    if isinstance(node, ast.arguments):
        return not all(isinstance(default, ast.Constant | ast.Name) for default in defaults_of(node))
    return False
