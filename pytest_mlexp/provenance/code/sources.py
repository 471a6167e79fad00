"""First-party modules as text: what each of their names is bound by, what they import, what they do when imported."""

from __future__ import annotations

import ast
import functools
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pytest_mlexp.provenance.code.locating import Place
from pytest_mlexp.provenance.code.normalising import Made
from pytest_mlexp.provenance.code.syntax import DEFINITION, IMPORT, Chain, names_in, texts_in


@dataclass(frozen=True)
class Target:
    """What an import binds a name to: a module, or an attribute of one."""

    module: str
    attribute: str | None = None

    def within(self, chain: Chain) -> Chain:
        """The attributes that are taken of the module, for those that are taken of the name."""
        return (self.attribute, *chain) if self.attribute else chain


@dataclass(eq=False)
class Source:
    """One parsed module.

    Attributes:
        bindings: name -> the module-level statements that bind it, other than plain imports.
        imports: name -> what module-level imports bind it to.
        stars: modules that all names are imported from, the last first.
        certain: modules that are imported whenever this one is; ``possible``: those under a condition.
        rebound: names that functions of the module bind with ``global``.
        unused: what is imported and never named again, thus for what its import does.
        made: what was made of its nodes so far.
    """

    name: str
    path: Path | None
    tree: ast.Module
    is_package: bool = False
    bindings: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, list[Target]] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    certain: list[str] = field(default_factory=list)
    possible: list[str] = field(default_factory=list)
    rebound: set[str] = field(default_factory=set)
    unused: list[str] = field(default_factory=list)
    made: Made = field(default_factory=Made)

    @functools.cached_property
    def asks_for_subclasses(self) -> bool:
        """Whether anything in it names ``__subclasses__``."""
        return "__subclasses__" in ast.unparse(self.tree)

    @functools.cached_property
    def body(self) -> list[ast.stmt]:
        """The statements that run, without those for type checkers and, in what is imported, for scripts alone."""
        return [statement for statement in self.tree.body if not _is_idle(statement, self.name)]

    def absolute(self, level: int, module: str) -> str:
        """The full name of a module that is imported from here."""
        if level == 0:
            return module
        parts = self.name.split(".")
        parts = parts[: len(parts) - level + (1 if self.is_package else 0)]
        return ".".join([*parts, *([module] if module else [])])


def read_source(name: str, place: Place) -> Source:
    """Parse a first-party module; one that cannot be parsed counts by its text as a single statement."""
    if place.path is None or place.kind != "source":
        return Source(name, place.path, ast.Module(body=[], type_ignores=[]), place.is_package)
    status = place.path.stat()
    return _read(name, place.path, place.is_package, (status.st_mtime_ns, status.st_size))


@functools.lru_cache(maxsize=4096)
def _read(name: str, path: Path, is_package: bool, _version: tuple[int, int]) -> Source:  # noqa: FBT001 - a cache key
    with tokenize.open(path) as file:
        text = file.read()
    try:
        tree = ast.parse(text)
    except SyntaxError:
        tree = ast.Module(body=[ast.Expr(ast.Call(ast.Constant(text), [], []))], type_ignores=[])
    source = Source(name, path, tree, is_package)
    for statement in source.body:
        for node in _at_module_level(statement):
            _take_in(node, statement, source)
    source.stars.reverse()
    named = _named(source)
    source.unused += [target.module for name in source.imports if name not in named for target in source.imports[name]]
    return source


def _named(source: Source) -> set[str]:
    """All names in a module, also as texts, as ``__all__`` has them; notes what functions bind with ``global``."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Global):
            source.rebound.update(node.names)
    return {name.id for name in names_in(source.tree)}.union(texts_in(source.tree))


def _at_module_level(node: ast.AST) -> Iterator[ast.AST]:
    """The node and what is in it, without what runs in a scope of its own."""
    yield node
    if not isinstance(node, DEFINITION | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _at_module_level(child)


def _take_in(node: ast.AST, statement: ast.stmt, source: Source) -> None:
    """Note what a part of a statement imports and binds."""
    is_certain = isinstance(statement, IMPORT)
    bound = list(_bound_by(node))
    for name, target, loaded in _imported(node, source) if isinstance(node, IMPORT) else ():
        (source.certain if is_certain else source.possible).extend(loaded)
        if name == "*":
            source.stars.append(target.module)
            continue
        source.imports.setdefault(name, []).append(target)
        if not is_certain:
            bound.append(name)
    for name in bound:
        statements = source.bindings.setdefault(name, [])
        if statement not in statements:
            statements.append(statement)


def _imported(node: IMPORT, source: Source) -> Iterator[tuple[str, Target, list[str]]]:
    """The names that an import binds, what to, and what it loads if that is a module."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            root = alias.name.partition(".")[0]
            yield alias.asname or root, Target(alias.name if alias.asname else root), [alias.name]
        else:
            module = source.absolute(node.level, node.module or "")
            inside = [] if alias.name == "*" else [f"{module}.{alias.name}"]
            yield alias.asname or alias.name, Target(module, alias.name), [module, *inside]


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, DEFINITION):
        yield node.name
    elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
        yield node.id
    elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name


def _is_idle(statement: ast.stmt, module: str) -> bool:
    """Whether it is for type checkers, or for the module as a script, which it does not run as."""
    if not isinstance(statement, ast.If) or statement.orelse:
        return False
    test = ast.unparse(statement.test)
    is_for_script = test == "__name__ == '__main__'" and module != "__main__"
    return is_for_script or test in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}
