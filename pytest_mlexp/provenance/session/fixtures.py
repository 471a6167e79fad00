"""What pytest runs of a module beside tests: hooks, set-up functions, and the fixtures that cells are run under."""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable, Iterator

from pytest_mlexp.provenance.code.syntax import FUNCTION, calls_in, decorators_of, last_name, texts_in

# What pytest calls by its name; setup_class and the like are of the tests in a class.
_SET_UPS = frozenset(("setup_module", "setup_function", "setup_class", "setup_method"))


def run_by_pytest(trees: Collection[ast.Module]) -> frozenset[ast.stmt]:
    """The hooks of modules, and the set-up functions and fixtures that run before cells."""
    fixtures = _requested_fixtures(trees)
    found: list[FUNCTION] = []
    for tree in trees:
        called = fixtures | (_SET_UPS if _may_set_up_cells(tree) else frozenset())
        for function in _functions(tree):
            is_for_it = function.name in _SET_UPS or _fixture(function) is not None
            if function.name.startswith("pytest_") or (is_for_it and function.name in called):
                found.append(function)
    return frozenset(found)


def with_methods(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a module, and the functions in its classes, which may be of tests."""
    for statement in body:
        yield statement
        if isinstance(statement, ast.ClassDef):
            yield from (inner for inner in statement.body if isinstance(inner, FUNCTION))


def _may_set_up_cells(tree: ast.Module) -> bool:
    """Whether a module has cells, or may have a base of their classes."""
    functions = _functions(tree)
    has_cells = any("evaluation" in _arguments(function) for function in functions)
    return has_cells or not any(function.name.startswith("test") for function in functions)


def _requested_fixtures(trees: Iterable[ast.Module]) -> frozenset[str]:
    """Names of the fixtures that run for cells: autouse, asked for with ``evaluation``, and theirs."""
    functions: list[FUNCTION] = []
    named: set[str] = set()
    for tree in trees:
        functions += _functions(tree)
        named.update(*(texts_in(*s.decorator_list) for s in tree.body if isinstance(s, ast.ClassDef)))
        marks = [s for s in tree.body if isinstance(s, ast.Assign) and last_name(s.targets[0]) == "pytestmark"]
        named.update(texts_in(*marks))
    for function in functions:
        if "evaluation" in _arguments(function) and _fixture(function) is None:
            named.update(_arguments(function), texts_in(*function.decorator_list))
        elif "autouse=True" in (_fixture(function) or ""):
            named.add(function.name)
    fixtures = [function for function in functions if _fixture(function) is not None]
    while more := {name for f in fixtures if f.name in named for name in _requested(f, fixtures)} - named:
        named |= more
    return frozenset(named)


def is_rewritten(module: str) -> bool:
    """Whether pytest rewrote the asserts of a loaded module, as it does in test files."""
    return "Rewrit" in type(getattr(sys.modules.get(module), "__loader__", None)).__name__


def _functions(tree: ast.Module) -> list[FUNCTION]:
    return [statement for statement in with_methods(tree.body) if isinstance(statement, FUNCTION)]


def _fixture(function: FUNCTION) -> str | None:
    """How a function is declared to be a fixture; None where it is none."""
    for name, decorator in zip(decorators_of(function), function.decorator_list, strict=True):
        if last_name(name).endswith("fixture"):
            return ast.unparse(decorator)
    return None


def _requested(fixture: FUNCTION, fixtures: list[FUNCTION]) -> set[str]:
    """What a fixture asks for, also with ``request.getfixturevalue``; anything where the name is not told."""
    asked = [call.args[0] for call in calls_in(fixture) if last_name(call.func) == "getfixturevalue" and call.args]
    if not all(isinstance(name, ast.Constant) for name in asked):
        return {fixture.name for fixture in fixtures}
    return _arguments(fixture).union(texts_in(*asked))


def _arguments(function: FUNCTION) -> set[str]:
    return {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
