"""What a module does when it is imported, beside binding names and declaring experiments."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterable

from pytest_mlexp.provenance.code.modules import Modules
from pytest_mlexp.provenance.code.normalising import IsExperiment, declares
from pytest_mlexp.provenance.code.sources import Source
from pytest_mlexp.provenance.code.syntax import (
    ASSIGNMENT,
    DEFINITION,
    FUNCTION,
    IMPORT,
    Chain,
    calls_in,
    path_of,
    targets_of,
    without_calls,
)
from pytest_mlexp.provenance.code.usage import usage_of

_BODIES = ("body", "orelse", "finalbody", "handlers", "cases")


def done_by(source: Source, modules: Modules) -> str:
    """What a module does when it is imported, as text."""
    done: list[ast.stmt | None] = [effect_of(statement, source, modules) for statement in source.body]
    done += [s for s in source.body if isinstance(s, DEFINITION) and enters(s, source, modules)]
    return "\n".join(modules.normalise(effect, source) for effect in done if effect is not None)


def effect_of(statement: ast.stmt, source: Source, modules: Modules) -> ast.stmt | None:
    """What of a statement of a module does something; the same node each time, None where that is nothing."""
    return source.made.get(
        (statement, "effect"),
        lambda name: modules.is_experiment(source, name),
        lambda is_experiment: _effect_of(statement, is_experiment),
    )


def _effect_of(statement: ast.stmt, is_experiment: IsExperiment) -> ast.stmt | None:
    if isinstance(statement, ast.Expr):
        is_idle = isinstance(statement.value, ast.Constant) or declares(statement.value, is_experiment)
        return None if is_idle else statement
    if isinstance(statement, ASSIGNMENT):
        return None if _only_binds(statement) else statement
    if isinstance(statement, IMPORT | FUNCTION | ast.Pass | ast.Global):
        return None
    if isinstance(statement, ast.ClassDef):
        done = _effects_of(statement.body, is_experiment)
        return ast.If(ast.Constant(value=True), done, []) if done else None
    if not any(hasattr(statement, name) for name in _BODIES):
        return statement
    reduced = copy.copy(statement)
    return reduced if _reduce(reduced, is_experiment) else None


def _effects_of(body: Iterable[ast.stmt], is_experiment: IsExperiment) -> list[ast.stmt]:
    return [effect for statement in body if (effect := _effect_of(statement, is_experiment)) is not None]


def _reduce(node: ast.AST, is_experiment: IsExperiment) -> bool:
    """Leave in the bodies of a compound statement only what does something; False where that is nothing."""
    asked = [getattr(node, name, None) for name in ("test", "iter", "subject")] + list(getattr(node, "items", ()))
    does_something = any(True for _ in calls_in(*filter(None, asked)))
    for name in [name for name in _BODIES if hasattr(node, name)]:
        if name in {"handlers", "cases"}:  # they stay for their conditions
            kept = [copy.copy(part) for part in getattr(node, name)]
            for part in kept:
                does_something |= _reduce(part, is_experiment)
        else:
            kept = _effects_of(getattr(node, name), is_experiment)
            does_something |= bool(kept)
        setattr(node, name, kept or ([ast.Pass()] if name == "body" else []))
    return does_something


def _only_binds(assignment: ASSIGNMENT) -> bool:
    return all(
        isinstance(part, ast.Name | ast.Tuple | ast.List | ast.Starred | ast.expr_context)
        for target in targets_of(assignment)
        for part in ast.walk(target)
    )


def enters(definition: DEFINITION, source: Source, modules: Modules) -> bool:
    """Whether a definition, by being there, changes what others look things up in."""
    told = isinstance(definition, ast.ClassDef) and _is_told_to_a_base(definition, source, modules, frozenset())
    return told or any(_registers(decorator, source, modules) for decorator in definition.decorator_list)


def _is_told_to_a_base(cls: ast.ClassDef, source: Source, modules: Modules, seen: frozenset[ast.ClassDef]) -> bool:
    """Whether a first-party base or metaclass is told of the class, or may ask for its subclasses."""
    metaclasses = [keyword.value for keyword in cls.keywords if keyword.arg == "metaclass"]
    for expression in (*cls.bases, *metaclasses):
        for name, chains in usage_of(ast.unparse(expression)).names:
            for there, base, _ in modules.bound(source, name, chains[0]):
                if not isinstance(base, ast.ClassDef) or base in seen:
                    continue
                asks = any(getattr(s, "name", "") == "__init_subclass__" for s in base.body)
                if expression in metaclasses or asks or there.asks_for_subclasses:
                    return True
                if _is_told_to_a_base(base, there, modules, seen | {base}):
                    return True
    return False


def _registers(decorator: ast.expr, source: Source, modules: Modules) -> bool:
    """Whether a decorator may enter what it decorates into an object that others look things up in."""
    if _is_of_pytest(decorator, source):
        return False
    return any(
        _stores(source, name, chain, modules)
        for name, chains in usage_of(ast.unparse(decorator)).names
        if not modules.is_experiment(source, name)
        for chain in chains
    )


def _is_of_pytest(decorator: ast.expr, source: Source) -> bool:
    """Whether a decorator is a mark of tests, which looks at what it is given and enters nothing."""
    path = path_of(without_calls(decorator))
    targets = source.imports.get(path[0], ()) if path is not None else ()
    return any(target.module.partition(".")[0] == "pytest" for target in targets)


def _stores(source: Source, name: str, chain: Chain, modules: Modules) -> bool:
    """Whether a name stands for an object of the team, a class used by attribute, or a function that names one."""
    for there, statement, attributes in modules.bound(source, name, chain):
        if attributes:  # a method of a class, or of what a decorator made of a function: singledispatch's register
            return True
        if isinstance(statement, FUNCTION):
            outside = usage_of(modules.normalise(statement, there)).outside
            if any(modules.is_object(there, inner) for inner in outside):
                return True
        elif not isinstance(statement, ast.ClassDef):
            return True
    return False
