"""Syntax trees without what cannot change a result: comments, layout, docstrings, hints that nothing reads.

``keeping`` names what counts all the same: ``docs``, ``hints``, and the ``order`` of methods.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

_Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = _Function | ast.ClassDef
IsOurs = Callable[[str], bool]
T = TypeVar("T")
DECLARES = ("model", "dataset", "evaluator", "gate")


class Made:
    """What was made of the nodes of one module, for as long as the same names stand for an Experiment.

    A session follows the same code once for each block, and looks at all that it has loaded.
    """

    def __init__(self) -> None:
        self._made: dict[Hashable, tuple[Any, dict[str, bool]]] = {}

    def get(self, key: Hashable, is_experiment: IsOurs, make: Callable[[IsOurs], T]) -> T:
        """What ``make`` gave before where it would be told the same of the names that it asked about."""
        if key in self._made:
            found, told = self._made[key]
            if all(is_experiment(name) == answer for name, answer in told.items()):
                made: T = found
                return made
        asked: dict[str, bool] = {}

        def ask(name: str) -> bool:
            return asked.setdefault(name, is_experiment(name))

        made = make(ask)
        self._made[key] = made, asked
        return made


def normalised(node: ast.AST, is_experiment: IsOurs = lambda _: False, *, keeping: frozenset[str] = frozenset()) -> str:
    """``node`` as source, without docstrings, the decorators of an Experiment, and hints of undecorated functions.

    Hints count in class bodies, where dataclasses read them, and on decorated functions, where a dispatcher may.
    """
    stripped = _Stripper(is_experiment, keeping).visit(_copied(node))
    return "" if stripped is None else ast.unparse(ast.fix_missing_locations(stripped))


def _copied(node: Any) -> Any:
    """A copy of a syntax tree, in a quarter of the time that ``copy.deepcopy`` takes."""
    if isinstance(node, list):
        return [_copied(part) for part in node]
    if not isinstance(node, ast.AST):
        return node
    made = node.__new__(type(node))
    made.__dict__.update({name: _copied(value) for name, value in vars(node).items()})
    return made


def declares(node: ast.AST, is_experiment: IsOurs) -> bool:
    """Whether an expression is a call of ``experiment.model(...)`` and the like, or such a method itself.

    A function that is given an Experiment, ``register(experiment)``, declares as well.
    """
    if isinstance(node, ast.Call):
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if any(isinstance(argument, ast.Name) and is_experiment(argument.id) for argument in given):
            return True
    inner = node
    while isinstance(inner, ast.Call):
        inner = inner.func
    if not isinstance(inner, ast.Attribute) or inner.attr not in DECLARES:
        return False
    return isinstance(inner.value, ast.Name) and is_experiment(inner.value.id)


class _Stripper(ast.NodeTransformer):
    def __init__(self, is_experiment: IsOurs, keeping: frozenset[str]) -> None:
        self._is_experiment = is_experiment
        self._keeping = keeping

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._definition(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._definition(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._definition(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_empty = isinstance(node.value, ast.Constant) and node.value.value is ...
        return None if is_empty or declares(node.value, self._is_experiment) else self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        filled = [name for name in ("body", "finalbody") if isinstance(getattr(node, name, None), list)]
        filled = [name for name in filled if getattr(node, name)]
        super().generic_visit(node)
        for name in filled:  # of a loop that only declares nothing would be left, which is no code
            if not isinstance(node, ast.Module) and not getattr(node, name):
                setattr(node, name, [ast.Pass()])
        return node

    def _definition(self, node: Definition) -> ast.AST:
        node.decorator_list = [d for d in node.decorator_list if not declares(d, self._is_experiment)]
        if "docs" not in self._keeping and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        if "hints" not in self._keeping and not isinstance(node, ast.ClassDef) and not node.decorator_list:
            node.returns = None
            for argument in ast.walk(node.args):
                if isinstance(argument, ast.arg):
                    argument.annotation = None
        self.generic_visit(node)
        if isinstance(node, ast.ClassDef) and "order" not in self._keeping:
            node.body = _ordered(node)
        return node


def _ordered(cls: ast.ClassDef) -> list[ast.stmt]:
    """The body of a class with methods at its end, by name, as far as nothing can tell their order."""
    if cls.decorator_list or cls.keywords:
        return cls.body
    names = [getattr(statement, "name", "") for statement in cls.body]
    methods = [s for s in cls.body if _is_method(s) and names.count(getattr(s, "name", "")) == 1]
    rest = [statement for statement in cls.body if statement not in methods]
    used = {node.id for statement in rest for node in ast.walk(statement) if isinstance(node, ast.Name)}
    movable = {str(getattr(s, "name", "")): s for s in methods if getattr(s, "name", "") not in used}
    stay = [statement for statement in cls.body if statement not in movable.values()]
    return [*stay, *(movable[name] for name in sorted(movable))]


def _is_method(statement: ast.stmt) -> bool:
    """Whether a statement binds a method, and evaluates nothing of its class for that."""
    if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    simple = all(ast.unparse(d) in {"property", "staticmethod", "classmethod"} for d in statement.decorator_list)
    defaults = [*statement.args.defaults, *(d for d in statement.args.kw_defaults if d is not None)]
    return simple and all(isinstance(default, ast.Constant) for default in defaults)


def effect_of(statement: ast.stmt, is_experiment: IsOurs) -> ast.stmt | None:
    """What of a module-level statement does something beside binding names and declaring; None where it does not."""
    if isinstance(statement, ast.Expr):
        idle = isinstance(statement.value, ast.Constant) or declares(statement.value, is_experiment)
        return None if idle else statement
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return None if _only_binds(statement) else statement
    if isinstance(statement, ast.Import | ast.ImportFrom | _Function | ast.Pass | ast.Global):
        return None
    if isinstance(statement, ast.ClassDef):
        return _of_class_body(statement, is_experiment)
    bodies = ("body", "orelse", "finalbody", "handlers", "cases")
    if not any(hasattr(statement, name) for name in bodies):
        return statement
    reduced = copy.copy(statement)
    return reduced if _reduce(reduced, bodies, is_experiment) else None


def _of_class_body(cls: ast.ClassDef, is_experiment: IsOurs) -> ast.stmt | None:
    """What the body of a class does beside binding names, such as entering a method somewhere."""
    done = [effect for inner in cls.body if (effect := effect_of(inner, is_experiment)) is not None]
    return ast.If(ast.Constant(value=True), done, []) if done else None


def _reduce(node: ast.AST, bodies: tuple[str, ...], is_experiment: IsOurs) -> bool:
    """Leave in the bodies of a compound statement only what does something; False where that is nothing."""
    asked = [getattr(node, name, None) for name in ("test", "iter", "subject")] + list(getattr(node, "items", ()))
    something = any(isinstance(inner, ast.Call) for part in asked if part is not None for inner in ast.walk(part))
    for name in bodies:
        kept: list[ast.AST] = []
        for inner in getattr(node, name, ()):
            if isinstance(inner, ast.stmt):
                effect = effect_of(inner, is_experiment)
                if effect is not None:
                    kept.append(effect)
            else:  # a handler or a case: it stays for its condition
                part = copy.copy(inner)
                something |= _reduce(part, bodies, is_experiment)
                part.body = part.body or [ast.Pass()]
                kept.append(part)
                continue
            something |= bool(kept)
        if hasattr(node, name):
            setattr(node, name, kept or ([ast.Pass()] if name == "body" else []))
    return something


def _only_binds(statement: ast.Assign | ast.AnnAssign | ast.AugAssign) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return all(
        isinstance(part, ast.Name | ast.Tuple | ast.List | ast.Starred | ast.expr_context)
        for target in targets
        for part in ast.walk(target)
    )
