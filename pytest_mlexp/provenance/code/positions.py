"""Where in a module's tree the definition of a live function or class stands."""

from __future__ import annotations

import ast
import weakref
from types import CodeType

from pytest_mlexp.provenance.code.syntax import FUNCTION, first_line, in_this_scope

_lines: weakref.WeakKeyDictionary[ast.Module, dict[int, list[ast.AST]]] = weakref.WeakKeyDictionary()


def function_node(tree: ast.Module, code: CodeType) -> ast.AST | None:
    """The definition or lambda that ``code`` was compiled from, None where it cannot be told."""
    candidates = _by_line(tree).get(code.co_firstlineno, [])
    found = [node for node in candidates if _made(node, code)]
    if len(found) > 1:  # lambdas of one line
        columns = {position[2] for position in code.co_positions() if position[0] == code.co_firstlineno}
        found = [node for node in found if columns and _holds(node, {c for c in columns if c is not None})]
    return found[0] if len(found) == 1 else None


def class_node(tree: ast.Module, cls: type) -> ast.ClassDef | None:
    """The definition of a class, found by its qualified name; the last one where there are several."""
    level: list[ast.AST] = [tree]
    for name in cls.__qualname__.split("."):
        if name == "<locals>":
            continue
        inside = [node for outer in level for child in ast.iter_child_nodes(outer) for node in in_this_scope(child)]
        level = [node for node in inside if getattr(node, "name", None) == name]
    found = [node for node in level if isinstance(node, ast.ClassDef)]
    return found[-1] if found else None


def _by_line(tree: ast.Module) -> dict[int, list[ast.AST]]:
    if tree not in _lines:
        index: dict[int, list[ast.AST]] = {}
        for node in ast.walk(tree):
            if isinstance(node, FUNCTION | ast.Lambda):
                index.setdefault(first_line(node), []).append(node)
        _lines[tree] = index
    return _lines[tree]


def _made(node: ast.AST, code: CodeType) -> bool:
    if isinstance(node, ast.Lambda):
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
        return code.co_name == "<lambda>" and list(code.co_varnames[: code.co_argcount]) == names
    return getattr(node, "name", None) == code.co_name


def _holds(node: ast.AST, columns: set[int]) -> bool:
    body = node.body if isinstance(node, ast.Lambda) else node
    start, end = getattr(body, "col_offset", 0), getattr(body, "end_col_offset", None) or 0
    return all(start <= column <= end for column in columns - {0} - {getattr(node, "col_offset", -1)})
