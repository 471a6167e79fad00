"""Which of the names that a piece of source uses it may change: patches, registrations, settings of libraries."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pytest_mlexp.provenance.code.syntax import Dotted, calls_in, last_name, names_in, path_of, targets_of, texts_in

_CHANGERS = ("setattr", "delattr", "setitem", "delitem", "setdefault", "vars", "object", "dict", "multiple", "reload")
_ONLY_LOOK = (
    "bool",
    "float",
    "int",
    "isinstance",
    "len",
    "max",
    "min",
    "print",
    "repr",
    "round",
    "sorted",
    "str",
    "sum",
)
_LOOK_UPS = ("getattr", "import_module", "vars", "type", "super")
_SETS = re.compile(r"(set|enable|disable|register|use|activate|install)(_|[a-z]*err|$)")
_OF_ENVIRONMENT = ("setenv", "delenv", "chdir")  # pytest's monkeypatch
_DISPLAYS = ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp


@dataclass(frozen=True)
class Changes:
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
def changes_of(text: str) -> Changes:
    """Analyse a piece of source; what a local name stands for is followed to where it came from."""
    tree = ast.parse(text)
    aliases, answers = _aliases(tree), _answers(tree)
    objects, calls = list(_changed_objects(ast.walk(tree))), list(calls_in(tree))
    makers_of_objects = {path for inner in objects for path in _makers(inner, answers)}
    stored = _paths(objects) | {path for path in makers_of_objects if _last(path).startswith("get")}
    changed = stored | {(name, ()) for name in _rebound(tree)}
    strings = set(texts_in(*objects))
    for call in calls:
        attribute, given = _handed(call)
        stored |= attribute
        changed |= attribute | (given if last_name(call.func) not in _ONLY_LOOK else set())
        if last_name(call.func) in {*_CHANGERS, "patch"}:
            strings |= set(texts_in(*call.args))
    called = _paths(call.func for call in calls)
    changed |= _origins(changed | called, aliases)
    stored |= _origins(stored, aliases)
    doing = [call.func for call in _calls_without_taker(tree)]
    doing += [call.func for call in calls if _SETS.match(last_name(call.func))]
    return Changes(
        frozenset(changed),
        frozenset(called),
        frozenset(stored | _paths(doing)),
        frozenset(stored),
        frozenset(strings),
        any(last_name(call.func) in _OF_ENVIRONMENT for call in calls),
        frozenset(makers_of_objects.union(*(_makers(call.func, answers) for call in calls))),
    )


@functools.lru_cache(maxsize=2**15)
def fills_itself(text: str) -> bool:
    """Whether methods of a class store to what its body binds, as where each object enters itself in a table."""
    for cls in [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]:
        tables = [s for s in cls.body if isinstance(s, ast.Assign | ast.AnnAssign)]
        bound = {name.id for s in tables if isinstance(s.value, _DISPLAYS | ast.Call) for name in names_in(s)}
        changed = [*_changed_objects(node for node in ast.walk(cls) if isinstance(node, ast.Subscript))]
        changed += [call.func.value for call in calls_in(cls) if isinstance(call.func, ast.Attribute)]
        if any(isinstance(inner, ast.Attribute) and inner.attr in bound for inner in changed):
            return True
    return False


def _paths(nodes: Iterable[ast.AST]) -> set[Dotted]:
    return {path for node in nodes if (path := path_of(node)) is not None}


def _last(path: Dotted) -> str:
    name, chain = path
    return chain[-1] if chain else name


def _handed(call: ast.Call) -> tuple[set[Dotted], set[Dotted]]:
    """The attribute that a call is told to set, if it is told so, and what else it is given."""
    match call.args:
        case [first, ast.Constant(value=str(name)), *rest] if last_name(call.func) in _CHANGERS:
            target = {(owner, (*chain, name)) for owner, chain in _paths([first])}
            given = rest
        case _:
            target, given = set(), call.args
    return target, _paths([*given, *(keyword.value for keyword in call.keywords)])


def _changed_objects(nodes: Iterable[ast.AST]) -> Iterator[ast.expr]:
    """What is set or deleted, or an item of: ``config.TABLE`` of ``config.TABLE["a"]["b"] = 1``."""
    for node in nodes:
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            inner: ast.expr = node
            while isinstance(inner, ast.Subscript):
                inner = inner.value
            yield inner


def _makers(node: ast.expr, answers: Mapping[str, set[Dotted]]) -> set[Dotted]:
    """The functions whose answer an attribute or item is of, or a name is bound to."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Call):
        return _paths([node.func])
    return answers.get(node.id, set()) if isinstance(node, ast.Name) else set()


def _answers(tree: ast.AST) -> dict[str, set[Dotted]]:
    """Names that are bound to what a call answers, and what is called."""
    found: dict[str, set[Dotted]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.NamedExpr) and isinstance(node.value, ast.Call):
            for target in targets_of(node):
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, set()).update(_paths([node.value.func]))
    return found


def _rebound(tree: ast.AST) -> Iterator[str]:
    """Names that are global, or that something is added to in place: ``STEPS += [scale]``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Global):
            yield from node.names


def _calls_without_taker(tree: ast.AST) -> Iterator[ast.Call]:
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
        if isinstance(node, ast.For):
            targets, value = [node.target], node.iter
        elif isinstance(node, ast.Assign | ast.NamedExpr) and _is_look_up(node.value):
            targets, value = targets_of(node), node.value
        else:
            continue
        names = {name.id for name in names_in(value)}
        for target in names_in(*targets):
            if isinstance(target.ctx, ast.Store):
                found.setdefault(target.id, set()).update(names)
    return found


def _is_look_up(value: ast.expr) -> bool:
    if isinstance(value, _DISPLAYS | ast.BinOp | ast.JoinedStr):
        return False
    return all(last_name(call.func) in _LOOK_UPS for call in calls_in(value))


def _origins(paths: Iterable[Dotted], aliases: Mapping[str, set[str]]) -> set[Dotted]:
    """What the names of paths are bound to, and what that is bound to, and so on."""
    found: set[Dotted] = set()
    for name, _ in paths:
        reached, waiting = {name}, [name]
        while waiting:
            more = aliases.get(waiting.pop(), set()) - reached
            reached |= more
            waiting += more
        found |= {(origin, ()) for origin in reached - {name}}
    return found
