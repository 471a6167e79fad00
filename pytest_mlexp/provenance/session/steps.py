"""What of a module pytest runs beside tests: hooks, and the fixtures that cells are run under."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

# What pytest calls by its name; setup_class and the like are of the tests in a class.
_BEFORE_TESTS = frozenset(("setup_module", "setup_function", "setup_class", "setup_method"))
_Function = ast.FunctionDef | ast.AsyncFunctionDef


def of_pytest(statement: ast.stmt, called: frozenset[str]) -> bool:
    """Whether a statement is a hook, or one of the fixtures and other functions that are called."""
    if not isinstance(statement, _Function) or statement.name.startswith("pytest_"):
        return isinstance(statement, _Function)
    return statement.name in called and (statement.name in _BEFORE_TESTS or _fixture(statement) is not None)


def called_before_tests(tree: ast.Module) -> frozenset[str]:
    """Names of the functions that pytest calls before cells, of a module with cells or with a base of their classes."""
    functions = [s for s in inside_of(tree.body) if isinstance(s, _Function)]
    has_cells = any("evaluation" in _arguments(function) for function in functions)
    is_of_unit_tests = any(function.name.startswith("test") for function in functions)
    return _BEFORE_TESTS if has_cells or not is_of_unit_tests else frozenset()


def inside_of(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, and the functions in its classes, which may be of tests."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.ClassDef):
            yield from (inner for inner in statement.body if isinstance(inner, _Function))


def requested_fixtures(trees: Iterable[ast.Module]) -> frozenset[str]:
    """Names of the fixtures that run for cells: autouse, asked for with ``evaluation``, and theirs."""
    functions: list[_Function] = []
    named: set[str] = set()
    for tree in trees:
        functions += [s for s in inside_of(tree.body) if isinstance(s, _Function)]
        classes = [s for s in tree.body if isinstance(s, ast.ClassDef)]
        named |= {text for cls in classes for decorator in cls.decorator_list for text in _texts(decorator)}
        marks = [s for s in tree.body if isinstance(s, ast.Assign) and ast.unparse(s.targets[0]) == "pytestmark"]
        named |= {text for mark in marks for text in _texts(mark)}
    for function in functions:
        asked = _arguments(function)
        if "evaluation" in asked and _fixture(function) is None:
            named |= {*asked, *(text for decorator in function.decorator_list for text in _texts(decorator))}
        elif "autouse=True" in (_fixture(function) or ""):
            named.add(function.name)
    fixtures = [function for function in functions if _fixture(function) is not None]
    while more := {name for f in fixtures if f.name in named for name in _requested(f, fixtures)} - named:
        named |= more
    return frozenset(named)


def _fixture(function: _Function) -> str | None:
    """How a function is declared to be a fixture; None where it is none."""
    for decorator in function.decorator_list:
        name = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ast.unparse(name).rpartition(".")[2].endswith("fixture"):
            return ast.unparse(decorator)
    return None


def _requested(fixture: _Function, fixtures: list[_Function]) -> set[str]:
    """What a fixture asks for, also with ``request.getfixturevalue``; anything where the name is not told."""
    calls = [node for node in ast.walk(fixture) if isinstance(node, ast.Call)]
    asked = [call.args[0] for call in calls if ast.unparse(call.func).endswith("getfixturevalue") and call.args]
    if not all(isinstance(name, ast.Constant) for name in asked):
        return {fixture.name for fixture in fixtures}
    return _arguments(fixture).union(*map(_texts, asked))


def _arguments(function: _Function) -> set[str]:
    return {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}


def _texts(node: ast.AST) -> set[str]:
    return {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
