"""What of a module pytest runs beside tests: hooks, and the fixtures that cells are run under."""

from __future__ import annotations

import ast
from collections.abc import Iterable

_Function = ast.FunctionDef | ast.AsyncFunctionDef


def of_pytest(statement: ast.stmt, fixtures: frozenset[str]) -> bool:
    """Whether a statement is a hook, or one of these fixtures."""
    if not isinstance(statement, _Function):
        return False
    return statement.name.startswith("pytest_") or (_fixture(statement) is not None and statement.name in fixtures)


def requested_fixtures(trees: Iterable[ast.Module]) -> frozenset[str]:
    """Names of the fixtures that run for cells: autouse, asked for with ``evaluation``, and theirs."""
    functions: list[_Function] = []
    named: set[str] = set()
    for tree in trees:
        inside = [s for outer in tree.body if isinstance(outer, ast.ClassDef) for s in outer.body]
        functions += [s for s in (*tree.body, *inside) if isinstance(s, _Function)]
        marks = [s for s in tree.body if isinstance(s, ast.Assign) and ast.unparse(s.targets[0]) == "pytestmark"]
        named |= {text for mark in marks for text in _texts(mark)}
    for function in functions:
        asked = _arguments(function)
        if "evaluation" in asked and _fixture(function) is None:
            named |= {*asked, *(text for decorator in function.decorator_list for text in _texts(decorator))}
        elif "autouse=True" in (_fixture(function) or ""):
            named.add(function.name)
    fixtures = [function for function in functions if _fixture(function) is not None]
    while more := {name for f in fixtures if f.name in named for name in _arguments(f)} - named:
        named |= more
    return frozenset(named)


def _fixture(function: _Function) -> str | None:
    return next((text for d in function.decorator_list if "fixture" in (text := ast.unparse(d))), None)


def _arguments(function: _Function) -> set[str]:
    return {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}


def _texts(node: ast.AST) -> set[str]:
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
