"""What can be asked of live objects: what they hold, and what they were made from."""

from __future__ import annotations

import ast
import functools
import gc
import inspect
from types import CodeType, FunctionType
from typing import Any

from pytest_mlexp.provenance.code.locating import is_of_library


def attributes(value: object) -> list[object]:
    """What an object that cannot be pickled has of its own, in attributes and slots."""
    slots = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())]
    if is_of_library(type(value).__module__):
        return []
    return [getattr(value, "__dict__", {}), {name: getattr(value, name) for name in slots if hasattr(value, name)}]


def functions_in(value: object) -> list[FunctionType]:
    """The functions that an object of native code holds, such as one that ``numpy.frompyfunc`` made."""
    return [held for held in gc.get_referents(value) if isinstance(held, FunctionType)]


def public_of(value: object) -> dict[str, Any]:
    """Return the attributes of an object's own that the language does not add."""
    return {name: part for name, part in getattr(value, "__dict__", {}).items() if not name.startswith("__")}


def content_of(cell: Any) -> object:
    """What a closure's cell holds."""
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return ...


def names_of(code: CodeType) -> set[str]:
    """The names that code and what is defined in it look up."""
    inner = [names_of(const) for const in code.co_consts if isinstance(const, CodeType)]
    return set(code.co_names).union(*inner)


@functools.lru_cache(maxsize=256)
def typed_text(code: CodeType) -> ast.Module:
    """The text that a function was typed into, as in a notebook."""
    try:
        return ast.parse("".join(inspect.findsource(code)[0]))
    except (OSError, TypeError, SyntaxError):
        return ast.Module(body=[], type_ignores=[])
