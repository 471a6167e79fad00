"""Modules that are looked up by name: ``import_module``, ``sys.modules[...]``, ``run_module``, files run as code."""

from __future__ import annotations

import ast
from types import EllipsisType

from pytest_mlexp.provenance.code.syntax import last_name, path_of, text_of

_IMPORTERS = ("import_module", "__import__", "run_module", "find_spec")
# Where else functions come from that find modules by names, and what those are called.
_FROM = frozenset(("builtins", "django", "hydra", "imp", "importlib", "pkgutil", "pydoc", "runpy", "sys", "werkzeug"))
_BY_NAME = frozenset(
    (
        *("modules", "entry_points", "locate", "safeimport", "load_module", "import_string"),
        *("instantiate", "get_class", "get_method", "get_object"),
    )
)
# A module, relative with leading dots, empty for the module itself; ``(level, package)`` of which one is taken; or
# anything, where the name is made elsewhere.
Looked = str | tuple[int, str] | EllipsisType
_ANYWHERE = ("walk_packages", "iter_modules", "run_path", "spec_from_file_location", "load_source", "resolve_name")


def looked_up_by(node: ast.AST) -> tuple[ast.AST, Looked] | None:
    """What a node looks up, after the part of it that names what looks up: ``import_module``, ``sys.modules``."""
    match node:
        case ast.Call(func=function, args=[_, *_]) if last_name(function) in _IMPORTERS:
            return function, _named(node)
        case ast.Call(func=function) if last_name(function) in _ANYWHERE:
            return function, ...
        case ast.Call(func=ast.Attribute(value=table, attr=method) as function) if _is_loaded(table):
            return function, _loaded(node.args[0]) if method in {"get", "pop"} and node.args else ...
        case (
            ast.Subscript(value=table, slice=name)
            | ast.Compare(left=name, ops=[ast.In() | ast.NotIn()], comparators=[table])
        ) if _is_loaded(table):
            return table, _loaded(name)
        case ast.For(iter=table) | ast.comprehension(iter=table) if _is_loaded(table):
            return table, ...
    return None


def looks_up(module: str, chain: tuple[str, ...]) -> bool:
    """Whether something of a library, however it is called here, finds modules by name."""
    return module.partition(".")[0] in _FROM and not _BY_NAME.union(_IMPORTERS, _ANYWHERE).isdisjoint(chain)


def _is_loaded(node: ast.AST) -> bool:
    return path_of(node) == ("sys", ("modules",))


def _loaded(name: ast.expr) -> str | EllipsisType:
    told = text_of(name)
    if told is not None:
        return told
    return "" if ast.unparse(name) in {"__name__", "cls.__module__", "self.__module__"} else ...


def _named(call: ast.Call) -> Looked:
    name, relative_to = call.args[0], call.args[1] if len(call.args) > 1 else None
    named = next((keyword.value for keyword in call.keywords if keyword.arg == "package"), relative_to)
    above = text_of(named) or ""
    told = text_of(name)
    if told is not None:
        return above + told if told.startswith(".") and above else told
    begins = _beginning(name)
    package, dot, _ = begins.rpartition(".")
    if not dot:
        return ...
    if not begins.startswith("."):
        return (0, package)
    return (0, above + package) if above else (begins.count("."), package.lstrip("."))


def _beginning(name: ast.expr) -> str:
    """The text that a name is known to begin with."""
    if isinstance(name, ast.JoinedStr) and name.values:
        return _beginning(name.values[0])
    if isinstance(name, ast.BinOp) and isinstance(name.op, ast.Add | ast.Mod):
        return _beginning(name.left).partition("%")[0]
    return text_of(name) or ""
