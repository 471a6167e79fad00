"""Which names a piece of source takes from outside of itself, and with which attributes."""

from __future__ import annotations

import ast
import functools
import symtable
from collections.abc import Iterable
from dataclasses import dataclass

Chain = tuple[str, ...]


@dataclass(frozen=True)
class LocalImport:
    """An import inside a function: what is imported, and with which attributes it is used there."""

    level: int
    module: str
    attribute: str | None
    chains: tuple[Chain, ...]


@dataclass(frozen=True)
class Usage:
    """Names from outside, each with the chains of attributes that are taken of it; and imports inside functions.

    ``helpers.norm(x)`` uses ``helpers`` with the chain ``("norm",)``; ``run(helpers)`` uses it with the empty one.
    """

    names: tuple[tuple[str, tuple[Chain, ...]], ...]
    imports: tuple[LocalImport, ...]


@functools.lru_cache(maxsize=4096)
def usage_of(text: str) -> Usage:
    """Analyse a piece of source by Python's own rules of scope."""
    tree = ast.parse(text)
    chains = _Chains()
    chains.visit(tree)
    outside = _outside(symtable.symtable(text, "<block>", "exec"))
    names = [(name, tuple(found)) for name, found in chains.found.items() if name in outside]
    return Usage(tuple(names), tuple(_imports(tree, chains.found)))


def _outside(table: symtable.SymbolTable, *, top: bool = True) -> set[str]:
    found = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if (symbol.is_referenced() or not top) and (top or symbol.is_global())
    }
    for child in table.get_children():
        found |= _outside(child, top=False)
    return found


class _Chains(ast.NodeVisitor):
    def __init__(self) -> None:
        self.found: dict[str, dict[Chain, None]] = {}

    def visit_Attribute(self, node: ast.Attribute) -> None:
        chain: list[str] = []
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            chain.insert(0, inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self.found.setdefault(inner.id, {})[tuple(chain)] = None
        else:
            self.visit(inner)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.found.setdefault(node.id, {})[()] = None


def _imports(tree: ast.Module, chains: dict[str, dict[Chain, None]]) -> Iterable[LocalImport]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                used = tuple(chains.get(name, ()))
                yield LocalImport(0, alias.name if alias.asname else name, None, used)
                if not alias.asname and "." in alias.name:  # loads the submodule too
                    yield LocalImport(0, alias.name, None, ())
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                used = tuple(chains.get(alias.asname or alias.name, ())) or ((),)
                yield LocalImport(node.level, node.module or "", alias.name, used)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            match node.args:
                case [ast.Constant(value=str(name))] if not name.startswith("."):
                    yield LocalImport(0, name, None, ((),))
