"""Which names a piece of source takes from outside of itself, and with which attributes."""

from __future__ import annotations

import ast
import functools
import re
import symtable
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from pytest_mlexp.provenance.code.lookups import looked_up_by
from pytest_mlexp.provenance.code.syntax import (
    DEFINITION,
    FUNCTION,
    IMPORT,
    Chain,
    Import,
    imports_of,
    names_in,
    path_of,
    text_of,
    texts_in,
)

_DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)+")


@dataclass(frozen=True)
class Usage:
    """Names from outside and imports inside functions, each with the chains of attributes that are taken of it.

    ``helpers.norm(x)`` uses ``helpers`` with the chain ``("norm",)``; ``run(helpers)`` uses it with the empty one.
    ``import_module(f"models.{name}")`` uses the whole package ``(0, "models")``; where nothing is told of the name,
    the module may be ``anywhere``. ``told`` are those that only look up what is known; ``dotted`` are texts that may be
    names of definitions, ``"team.nets.Net"``.
    """

    names: tuple[tuple[str, tuple[Chain, ...]], ...]
    imports: tuple[tuple[Import, tuple[Chain, ...]], ...]
    packages: tuple[tuple[int, str], ...] = ()
    anywhere: bool = False
    dotted: tuple[str, ...] = ()
    told: frozenset[tuple[str, Chain]] = frozenset()

    @property
    def outside(self) -> frozenset[str]:
        """The names from outside."""
        return frozenset(name for name, _ in self.names)


@functools.lru_cache(maxsize=2**15)
def usage_of(text: str) -> Usage:
    """Analyse a piece of source by Python's own rules of scope."""
    tree = ast.parse(text)
    lookups = [lookup for node in ast.walk(tree) if (lookup := looked_up_by(node)) is not None]
    chains = _Chains(frozenset(spelt for spelt, looked in lookups if looked is not ...))
    chains.visit(tree)
    outside = _outside(symtable.symtable(text, "<block>", "exec"))
    outside |= {name for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for name in _read_before_bound(node)}
    for name in chains.queried.union(_added_to(tree)):
        outside.add(name)
        chains.found.setdefault(name, {})[()] = None
    names = [(name, tuple(found)) for name, found in chains.found.items() if name in outside]
    imports = list(_imports(tree, chains.found))
    looked_up = [looked for _, looked in lookups]
    for each in looked_up:
        if isinstance(each, str):
            level = len(each) - len(each.lstrip("."))
            imports.append((Import(level, each.lstrip(".")), ((),)))
    packages = tuple(each for each in looked_up if isinstance(each, tuple))
    told = frozenset(chains.told - chains.loose)
    dotted = tuple(dict.fromkeys(text for text in texts_in(tree) if _DOTTED.fullmatch(text)))
    return Usage(tuple(names), tuple(imports), packages, any(each is ... for each in looked_up), dotted, told)


def _added_to(tree: ast.Module) -> Iterable[str]:
    """Names that something is added to in place: ``STEPS += [scale]``."""
    added = [statement.target for statement in tree.body if isinstance(statement, ast.AugAssign)]
    return (target.id for target in added if isinstance(target, ast.Name))


def _outside(table: symtable.SymbolTable, *, top: bool = True) -> set[str]:
    found = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if (symbol.is_referenced() or not top) and (top or symbol.is_global())
    }
    for child in table.get_children():
        found |= _outside(child, top=False)
    return found


def _read_before_bound(cls: ast.ClassDef) -> set[str]:
    """Names of a class body that stand for those outside until they are bound: ``scale = staticmethod(scale)``."""
    bound: set[str] = set()
    found: set[str] = set()
    for statement in cls.body:
        read = {name.id for name in names_in(*_evaluated(statement)) if isinstance(name.ctx, ast.Load)}
        found |= read - bound
        if isinstance(statement, DEFINITION):
            bound.add(statement.name)
        elif isinstance(statement, ast.Assign):
            bound |= {target.id for target in statement.targets if isinstance(target, ast.Name)}
    return found


def _evaluated(statement: ast.stmt) -> list[ast.AST]:
    """What of a statement of a class body is evaluated there, and not when a method is called."""
    if isinstance(statement, FUNCTION):
        return [*statement.decorator_list, statement.args]
    if isinstance(statement, ast.ClassDef):
        return [*statement.decorator_list, *statement.bases, *(keyword.value for keyword in statement.keywords)]
    return [statement]


class _Chains(ast.NodeVisitor):
    """Names with their attributes; those that stand for a look-up whose answer is known are noted apart."""

    def __init__(self, known: frozenset[ast.AST]) -> None:
        self.found: dict[str, dict[Chain, None]] = {}
        self.told: set[tuple[str, Chain]] = set()
        self.loose: set[tuple[str, Chain]] = set()
        self.queried: set[str] = set()  # pandas looks "price > @limit" up where it is called
        self._known = known

    def visit_Attribute(self, node: ast.Attribute) -> None:
        path = path_of(node)
        if path is not None:
            self._note(node, *path)
        else:
            self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> None:
        for name in node.names:
            self.found.setdefault(name, {})[()] = None

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._note(node, node.id, ())

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute) and node.func.attr in {"query", "eval"}:
            for text in filter(None, map(text_of, node.args)):
                self.queried |= set(re.findall(r"@(\w+)", text))
        self.generic_visit(node)

    def _note(self, node: ast.AST, name: str, chain: Chain) -> None:
        self.found.setdefault(name, {})[chain] = None
        (self.told if node in self._known else self.loose).add((name, chain))


def _imports(tree: ast.Module, chains: Mapping[str, Iterable[Chain]]) -> Iterator[tuple[Import, tuple[Chain, ...]]]:
    for node in ast.walk(tree):
        for imported in imports_of(node) if isinstance(node, IMPORT) else ():
            used = tuple(chains.get(imported.bound, ()))
            yield imported, used or (((),) if imported.attribute else ())
