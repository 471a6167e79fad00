"""Whether the files of loaded modules still say what was loaded: in a notebook they may be edited meanwhile.

Files that did not change since the process began are not looked at. Of others, what was compiled when they were
imported is compared with what they would be compiled to now; where no compiled file was kept, the functions, classes
and literals that are live are.
"""

from __future__ import annotations

import ast
import dis
import functools
import inspect
import marshal
import sys
from collections.abc import Iterable, Iterator
from enum import Enum
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

from pytest_mlexp.provenance.code.sources import Source
from pytest_mlexp.provenance.code.syntax import DEFINITION, FUNCTION, names_in
from pytest_mlexp.provenance.session.changes import changes_of
from pytest_mlexp.provenance.session.effects import SessionEffects
from pytest_mlexp.provenance.session.fixtures import is_rewritten

_SLACK = 2.0  # seconds by which clocks of file systems and of processes may differ


class EditedSinceImportError(Exception):
    """What runs is not what the file says any more."""


def check_is_as_loaded(sources: Iterable[Source], effects: SessionEffects) -> None:
    """Refuse modules whose file was edited after they were imported; what effects change may differ.

    Raises:
        EditedSinceImportError: one of them was.
    """
    for source in sources:
        module = sys.modules.get(source.name)
        if source.path is None or module is None or getattr(module, "__file__", None) != str(source.path):
            continue
        if source.path.stat().st_mtime < _process_began() - _SLACK:
            continue
        what = _difference(source, source.path, module, effects)
        if what is not None:
            raise EditedSinceImportError(
                f"{source.path} was edited after it was imported ({what}); start again, or reload it"
            )


@functools.cache
def _process_began() -> float:
    import psutil

    return float(psutil.Process().create_time())


def _difference(source: Source, path: Path, module: ModuleType, effects: SessionEffects) -> str | None:
    now = compile(source.tree, str(path), "exec", dont_inherit=True)
    then = _compiled(module, path)
    if then is not None:
        return None if _signature(then) == _signature(now) else "it was compiled from another text"
    return next(_unlike(source.tree, now, module, effects.changed), None)


def _compiled(module: ModuleType, path: Path) -> CodeType | None:
    """What Python compiled at the import, where that is not of the file as it is now."""
    cached = getattr(getattr(module, "__spec__", None), "cached", None)
    try:
        content = Path(cached or "").read_bytes()
    except OSError:
        return None
    status = path.stat()
    flags, *state = (int.from_bytes(content[at : at + 4], "little") for at in (4, 8, 12))
    if flags or state == [int(status.st_mtime) & 0xFFFFFFFF, status.st_size & 0xFFFFFFFF]:
        return None  # of this file, but perhaps by another process since
    code = marshal.loads(content[16:])  # noqa: S302 - Python itself loaded it
    return code if isinstance(code, CodeType) else None


def _unlike(tree: ast.Module, now: CodeType, module: ModuleType, changed: frozenset[str]) -> Iterator[str]:
    """Live functions, classes and literals that are not as the file says."""
    compiled: dict[str, list[object]] = {}
    for code in _inside(now):
        compiled.setdefault(code.co_qualname, []).append(_signature(code))
    inside = f"{module.__name__}:"
    changing = changes_of(ast.unparse(tree)).names | {key.removeprefix(inside) for key in changed}
    is_of_tests = is_rewritten(module.__name__)
    yield from _absent(tree.body, vars(module), "")
    for outer, statements, members in _scopes(tree, module):
        for function in _functions(members.values(), module):
            name = function.__code__.co_qualname
            is_as_written = _signature(function.__code__) in compiled.get(name, ())
            if not is_as_written and not (is_of_tests and _asserts(statements, function)):
                yield f"{name} differs"
        if outer not in changing:
            yield from _literals(statements, members, changing)


def _scopes(tree: ast.Module, module: ModuleType) -> Iterator[tuple[str, list[ast.stmt], dict[str, Any]]]:
    yield "", tree.body, dict(vars(module))
    for statement in tree.body:
        live = vars(module).get(statement.name) if isinstance(statement, ast.ClassDef) else None
        if isinstance(statement, ast.ClassDef) and isinstance(live, type) and live.__module__ == module.__name__:
            yield statement.name, statement.body, dict(vars(live))


def _absent(statements: list[ast.stmt], members: dict[str, Any], inside: str) -> Iterator[str]:
    for statement in statements:
        if isinstance(statement, DEFINITION) and statement.name not in members:
            yield f"{inside}{statement.name} was not there"
        elif isinstance(statement, ast.ClassDef) and isinstance(live := members[statement.name], type):
            yield from _absent(statement.body, dict(vars(live)), f"{statement.name}.")


def _functions(values: Iterable[Any], module: ModuleType) -> Iterator[FunctionType]:
    for value in values:
        inner = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        try:
            inner = inspect.unwrap(inner) if callable(inner) else inner
        except ValueError:  # wraps itself
            continue
        file = inner.__code__.co_filename if isinstance(inner, FunctionType) else ""
        if isinstance(inner, FunctionType) and inner.__module__ == module.__name__ and file == module.__file__:
            yield inner


def _asserts(statements: list[ast.stmt], function: FunctionType) -> bool:
    named = [s for s in statements if getattr(s, "name", "") == function.__code__.co_name]
    return any(isinstance(node, ast.Assert) for statement in named for node in ast.walk(statement))


def _literals(statements: list[ast.stmt], members: dict[str, Any], changing: frozenset[str]) -> Iterator[str]:
    """Defaults and values that are written out and not what is live, as far as nothing changes them."""
    bound = [name.id for name in names_in(*statements) if isinstance(name.ctx, ast.Store)]
    for statement in statements:
        if isinstance(statement, FUNCTION):
            written, live = statement.args.defaults, members.get(statement.name)
            constant = [default.value for default in written if isinstance(default, ast.Constant)]
            told = list(live.__defaults__ or ()) if isinstance(live, FunctionType) else constant
            if not statement.decorator_list and len(constant) == len(written) and told != constant:
                yield f"a default of {statement.name} differs"
        elif isinstance(statement, ast.Assign) and isinstance(target := statement.targets[0], ast.Name):
            try:
                value = ast.literal_eval(statement.value)
            except (ValueError, TypeError, SyntaxError):
                continue
            is_fixed = target.id not in changing and bound.count(target.id) == 1 and value not in ({}, [], set())
            live = members.get(target.id, value)
            if is_fixed and (live.value if isinstance(live, Enum) else live) != value:
                yield f"{target.id} differs"


def _inside(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _inside(constant)


def _signature(code: CodeType) -> object:
    """What code does, without lines and docstrings."""
    steps = []
    for step in dis.get_instructions(code):
        value = step.argval
        steps.append((step.opname, _signature(value) if isinstance(value, CodeType) else repr(value)))
    return code.co_qualname, code.co_varnames[: code.co_argcount + code.co_kwonlyargcount], tuple(steps)
