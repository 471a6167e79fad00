"""Which of the names that a piece of source uses it may change: patches, registrations, settings of libraries."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_mlexp.provenance.code.syntax import Chain

_CHANGERS = ("setattr", "delattr", "setitem", "delitem", "setdefault", "vars", "object", "dict", "multiple", "reload")
_ONLY_LOOK = frozenset(
    (
        *("bool", "float", "int", "isinstance", "len", "max", "min", "print"),
        *("repr", "round", "sorted", "str", "sum"),
    )
)
_LOOK_UPS = ("getattr", "import_module", "vars", "type", "super")
_SETS = re.compile(r"(set|enable|disable|register|use|activate|install)(_|[a-z]*err|$)")
_OF_ENVIRONMENT = ("setenv", "delenv", "chdir")  # pytest's monkeypatch

_TABLES = ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp | ast.Call

Dotted = tuple[str, Chain]


@dataclass(frozen=True)
class Touches:
    """What a piece of source may change.

    Attributes:
        changed: what is stored to or handed over.
        called: what is called: a method may change its object and an object itself, a function not its module.
        settings: what is stored to, or called for what it does alone: ``torch.set_default_dtype(x)``.
        stored: the part of ``settings`` that is stored to.
        strings: dotted names given as text, as ``mock.patch("team.helpers.scale")`` does.
        environment: whether the process is changed by pytest's monkeypatch.
        made: functions whose answer is stored to, or a method of it called: ``get_config().level = 2``.
    """

    changed: frozenset[Dotted]
    called: frozenset[Dotted]
    settings: frozenset[Dotted]
    stored: frozenset[Dotted]
    strings: frozenset[str]
    environment: bool
    made: frozenset[Dotted]

    @property
    def names(self) -> frozenset[str]:
        """First parts of what is changed, or called by attribute."""
        return frozenset(name for name, chain in self.changed | self.called if chain or (name, chain) in self.changed)


@functools.lru_cache(maxsize=2**15)
def touches_of(text: str) -> Touches:
    """Analyse a piece of source; what a local name stands for is followed to where it came from."""
    tree = ast.parse(text)
    aliases = _aliases(tree)
    objects = [inner for node in ast.walk(tree) if (inner := _changed_object(node)) is not None]
    answers = _answers(tree)
    kept = {path for inner in objects for path in _makers(inner, answers)}
    stored = {path for inner in objects if (path := path_of(inner)) is not None}
    stored |= {(name, chain) for name, chain in kept if (chain or (name,))[-1].startswith("get")}
    alone = {path for call in _alone(tree) if (path := path_of(call.func)) is not None}
    alone |= {path for call in _calls(tree) if _SETS.match(_last(call.func)) and (path := path_of(call.func))}
    changed = stored | {(name, ()) for node in ast.walk(tree) for name in _rebound(node)}
    called: set[Dotted] = set()
    strings = _texts(*objects)
    environment = False
    for call in _calls(tree):
        path = path_of(call.func)
        if path is not None:
            called.add(path)
        attribute, given = _handed(call)
        stored |= attribute
        changed |= attribute | (given if _last(call.func) not in _ONLY_LOOK else set())
        environment |= _last(call.func) in _OF_ENVIRONMENT
        if _last(call.func) in {*_CHANGERS, "patch"}:
            strings |= _texts(*call.args)
    made = kept | {path for call in _calls(tree) for path in _makers(call.func, answers)}
    for name, _ in changed | called:
        changed |= {(origin, ()) for origin in _origins(name, aliases, frozenset()) - {name}}
    for name, _ in list(stored):
        stored |= {(origin, ()) for origin in _origins(name, aliases, frozenset()) - {name}}
    return Touches(
        frozenset(changed),
        frozenset(called),
        frozenset(stored | alone),
        frozenset(stored),
        frozenset(strings),
        environment,
        frozenset(made),
    )


@functools.lru_cache(maxsize=2**15)
def fills_itself(text: str) -> bool:
    """Whether methods of a class store to what its body binds, as where each object enters itself in a table."""
    for cls in [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]:
        made = [s for s in cls.body if isinstance(s, ast.Assign | ast.AnnAssign) and isinstance(s.value, _TABLES)]
        bound = {target.id for s in made for target in ast.walk(s) if isinstance(target, ast.Name)}
        tables = [node for node in ast.walk(cls) if isinstance(node, ast.Subscript)]
        changed = [inner for node in tables if (inner := _changed_object(node)) is not None]
        changed += [call.func.value for call in _calls(cls) if isinstance(call.func, ast.Attribute)]
        if any(isinstance(inner, ast.Attribute) and inner.attr in bound for inner in changed):
            return True
    return False


def _handed(call: ast.Call) -> tuple[set[Dotted], set[Dotted]]:
    """The attribute that a call is told to set, if it is told so, and what else it is given."""
    match call.args:
        case [first, ast.Constant(value=str(name)), *rest] if _last(call.func) in _CHANGERS:
            owner = path_of(first)
            target = {(owner[0], (*owner[1], name))} if owner is not None else set()
            given = rest
        case _:
            target, given = set(), call.args
    every = [*given, *(keyword.value for keyword in call.keywords)]
    return target, {path for argument in every if (path := path_of(argument)) is not None}


def path_of(node: ast.AST) -> Dotted | None:
    """A name with its attributes; None for anything else."""
    chain: list[str] = []
    while isinstance(node, ast.Attribute):
        chain.insert(0, node.attr)
        node = node.value
    return (node.id, tuple(chain)) if isinstance(node, ast.Name) else None


def _last(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _changed_object(node: ast.AST) -> ast.expr | None:
    """What an attribute or item of is set or deleted: ``config.TABLE`` of ``config.TABLE["a"]["b"] = 1``."""
    if not isinstance(node, ast.Attribute | ast.Subscript) or isinstance(node.ctx, ast.Load):
        return None
    inner: ast.expr = node
    while isinstance(inner, ast.Subscript):
        inner = inner.value
    return inner


def _makers(node: ast.expr, answers: dict[str, set[Dotted]]) -> set[Dotted]:
    """The functions whose answer an attribute or item is of, or a name is bound to."""
    inner = node
    while isinstance(inner, ast.Attribute | ast.Subscript):
        inner = inner.value
    if isinstance(inner, ast.Call):
        return {path for path in [path_of(inner.func)] if path is not None}
    return answers.get(inner.id, set()) if isinstance(inner, ast.Name) else set()


def _answers(tree: ast.AST) -> dict[str, set[Dotted]]:
    """Names that are bound to what a call answers, and what is called."""
    found: dict[str, set[Dotted]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.NamedExpr) and isinstance(node.value, ast.Call):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and (path := path_of(node.value.func)) is not None:
                    found.setdefault(target.id, set()).add(path)
    return found


def _texts(*nodes: ast.AST) -> set[str]:
    inside = [inner for node in nodes for inner in ast.walk(node) if isinstance(inner, ast.Constant)]
    return {inner.value for inner in inside if isinstance(inner.value, str)}


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _rebound(node: ast.AST) -> list[str]:
    """Names that are global, or that something is added to in place: ``STEPS += [scale]``."""
    if isinstance(node, ast.AugAssign):
        return [node.target.id] if isinstance(node.target, ast.Name) else []
    return node.names if isinstance(node, ast.Global) else []


def _alone(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls whose answer nobody takes, and those that something is done under."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield node.value
        elif isinstance(node, ast.With | ast.AsyncWith):
            yield from (item.context_expr for item in node.items if isinstance(item.context_expr, ast.Call))


def _aliases(tree: ast.AST) -> dict[str, set[str]]:
    """Names that are bound to what other names stand for, without making something new."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.NamedExpr):
            targets, value = (node.targets if isinstance(node, ast.Assign) else [node.target]), node.value
            if not _is_look_up(value):
                continue
        elif isinstance(node, ast.For):
            targets, value = [node.target], node.iter
        else:
            continue
        names = {inner.id for inner in ast.walk(value) if isinstance(inner, ast.Name)}
        for target in targets:
            for inner in ast.walk(target):
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
                    found.setdefault(inner.id, set()).update(names)
    return found


def _is_look_up(value: ast.expr) -> bool:
    calls = [node for node in ast.walk(value) if isinstance(node, ast.Call)]
    literal = ast.Dict | ast.List | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp | ast.BinOp | ast.JoinedStr
    return not isinstance(value, literal) and all(_last(call.func) in _LOOK_UPS for call in calls)


def _origins(name: str, aliases: dict[str, set[str]], seen: frozenset[str]) -> set[str]:
    if name in seen:
        return set()
    return {name}.union(*(_origins(inner, aliases, seen | {name}) for inner in aliases.get(name, ())))
