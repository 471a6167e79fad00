"""First-party modules as text: what each of their names is bound by, and what they import."""

from __future__ import annotations

import ast
import functools
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from pytest_mlexp.provenance.code.locating import Place
from pytest_mlexp.provenance.code.normalising import Made
from pytest_mlexp.provenance.code.syntax import (
    DEFINITION,
    IMPORT,
    Import,
    imports_of,
    in_this_scope,
    names_in,
    texts_in,
)


@dataclass(eq=False)
class Source:
    """One parsed module.

    Attributes:
        bindings: name -> the module-level statements that bind it, other than plain imports.
        imports: name -> what module-level imports bind it to, by the full names of modules.
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
    imports: dict[str, list[Import]] = field(default_factory=dict)
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
        for node in in_this_scope(statement):
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


def _take_in(node: ast.AST, statement: ast.stmt, source: Source) -> None:
    """Note what a part of a statement imports and binds."""
    is_certain = isinstance(statement, IMPORT)
    loaded = source.certain if is_certain else source.possible
    bound = list(_bound_by(node))
    for imported in imports_of(node) if isinstance(node, IMPORT) else ():
        target = replace(imported, level=0, module=source.absolute(imported.level, imported.module))
        loaded.append(target.module)
        if target.attribute == "*":
            source.stars.append(target.module)
            continue
        if target.attribute:  # which may be a module
            loaded.append(f"{target.module}.{target.attribute}")
        if target.bound:
            source.imports.setdefault(target.bound, []).append(target)
            bound += [] if is_certain else [target.bound]
    for name in bound:
        statements = source.bindings.setdefault(name, [])
        if statement not in statements:
            statements.append(statement)


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
