"""The first-party modules of one traversal, each found and read once, and what can be said of their names."""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar, cast

from pytest_mlexp.experiment import Experiment
from pytest_mlexp.provenance.code.locating import Place, folders_of, locate
from pytest_mlexp.provenance.code.normalising import effect_of, normalised
from pytest_mlexp.provenance.code.sources import Source, read_source
from pytest_mlexp.provenance.code.usage import Chain, usage_of

_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
F = TypeVar("F", bound=Callable[..., bool])


def _in_circles(question: F) -> F:
    """Let a question about a name be answered no where it leads back to itself: modules may import from each other."""

    @functools.wraps(question)
    def asked(modules: Modules, source: Source, *rest: Any) -> bool:
        step = (question.__name__, source.name, rest)
        if step in modules.asking:
            return False
        modules.asking.add(step)
        try:
            return question(modules, source, *rest)
        finally:
            modules.asking.discard(step)

    return cast("F", asked)


class Modules:
    """Finds modules by name and answers what a name in one of them is."""

    def __init__(self, keeping: frozenset[str] = frozenset()) -> None:
        self._keeping = keeping
        self._normalised: dict[ast.AST, str] = {}
        self._enters: dict[ast.AST, bool] = {}
        self.asking: set[tuple[object, ...]] = set()
        self._sources: dict[str, Source | None] = {}
        self._places: dict[str, Place] = {}

    def place(self, module: str) -> Place:
        """Where a module comes from."""
        if module not in self._places:
            self._places[module] = locate(module)
        return self._places[module]

    def source(self, module: str) -> Source | None:
        """The text of a first-party module; None for any other."""
        if module not in self._sources:
            place = self.place(module)
            self._sources[module] = read_source(module, place) if place.kind == "source" else None
        return self._sources[module]

    def leading_to(self, module: str) -> Iterator[Source]:
        """What an import of a module runs, as far as it is first-party: its parents, and itself."""
        parts = module.split(".")
        if self.place(parts[0]).kind in {"source", "folder"}:
            names = [".".join(parts[:size]) for size in range(1, len(parts) + 1)]
            yield from (source for name in names if (source := self.source(name)) is not None)

    @property
    def read(self) -> tuple[Source, ...]:
        """The first-party modules that were read so far."""
        return tuple(source for source in self._sources.values() if source is not None)

    @_in_circles
    def has(self, source: Source, name: str) -> bool:
        """Whether a module binds a name, also by importing all names of another one."""
        stars = (there for star in source.stars if (there := self.source(star)) is not None)
        return name in source.bindings or name in source.imports or any(self.has(there, name) for there in stars)

    def is_inside(self, package: Source, name: str) -> bool:
        """Whether a name is that of a module in a package."""
        return package.is_package and self.place(f"{package.name}.{name}").kind not in {"missing", "standard"}

    @_in_circles
    def is_experiment(self, source: Source, name: str) -> bool:
        """Whether a name of a module stands for an Experiment."""
        live = getattr(sys.modules.get(source.name), name, None)
        if live is not None:
            return isinstance(live, Experiment)
        for statement in source.bindings.get(name, ()):
            value = getattr(statement, "value", None)
            if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "Experiment":
                return True
        for target in source.imports.get(name, ()):
            there = self.source(target.module) if target.attribute else None
            if there is not None and there is not source and self.is_experiment(there, target.attribute or ""):
                return True
        return False

    def inside(self, package: str) -> list[str]:
        """The first-party modules of a package, at any depth, and itself."""
        place = self.place(package)
        if place.kind not in {"source", "folder"}:
            return []
        if not place.is_package:
            return [package]
        found = [package]
        for folder in folders_of(package):
            for file in sorted(folder.rglob("*.py")):
                parts = file.relative_to(folder).with_suffix("").parts
                found.append(".".join((package, *(parts[:-1] if parts[-1] == "__init__" else parts))))
        return list(dict.fromkeys(found))

    def normalise(self, node: ast.AST, source: Source) -> str:
        """The text of a node of a module."""
        if node not in self._normalised:
            self._normalised[node] = source.made.get(
                (node, self._keeping),
                lambda name: self.is_experiment(source, name),
                lambda is_experiment: normalised(node, is_experiment, keeping=self._keeping),
            )
        return self._normalised[node]

    def effect_of(self, statement: ast.stmt, source: Source) -> ast.stmt | None:
        """What a statement of a module does beside binding names and declaring; the same node each time."""
        return source.made.get(
            (statement, "effect"),
            lambda name: self.is_experiment(source, name),
            lambda is_experiment: effect_of(statement, is_experiment),
        )

    def effects(self, source: Source) -> str:
        """What a module does when it is imported, beside binding names and declaring experiments."""
        done = [self.effect_of(statement, source) for statement in source.body]
        done += [s for s in source.body if isinstance(s, _DEFINITIONS) and self.enters(s, source)]
        return "\n".join(self.normalise(effect, source) for effect in done if effect is not None)

    def enters(self, definition: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, source: Source) -> bool:
        """Whether a definition, by being there, changes what others look things up in."""
        if definition not in self._enters:
            told = isinstance(definition, ast.ClassDef) and self._is_told_to_a_base(definition, source, frozenset())
            self._enters[definition] = told or self._registers(definition.decorator_list, source)
        return self._enters[definition]

    def _is_told_to_a_base(self, cls: ast.ClassDef, source: Source, seen: frozenset[str]) -> bool:
        """Whether a first-party base or metaclass is told of the class, or may ask for its subclasses."""
        for expression in (*cls.bases, *(keyword.value for keyword in cls.keywords if keyword.arg == "metaclass")):
            for name, chains in usage_of(ast.unparse(expression)).names:
                for there, base in self._classes(source, name, chains[0] if chains else ()):
                    key = f"{there.name}:{base.name}"
                    is_meta = expression not in cls.bases
                    asks = any(getattr(s, "name", "") == "__init_subclass__" for s in base.body)
                    if is_meta or asks or there.asks_for_subclasses:
                        return True
                    if key not in seen and self._is_told_to_a_base(base, there, seen | {key}):
                        return True
        return False

    def _classes(self, source: Source, name: str, chain: Chain) -> Iterator[tuple[Source, ast.ClassDef]]:
        """The first-party classes that a name of a module stands for."""
        waiting, seen = [(source, name, chain)], set[tuple[str, str, Chain]]()
        while waiting:
            here, name, chain = waiting.pop()
            yield from ((here, s) for s in here.bindings.get(name, ()) if isinstance(s, ast.ClassDef))
            for target in here.imports.get(name, ()):
                full = target.within(chain)
                deeper = self.source(f"{target.module}.{full[0]}") if full[1:] else None
                for there, rest in ((self.source(target.module), full), (deeper, full[1:])):
                    if there is not None and rest and (step := (there.name, rest[0], rest[1:])) not in seen:
                        seen.add(step)
                        waiting.append((there, rest[0], rest[1:]))

    def _registers(self, decorators: Iterable[ast.expr], source: Source) -> bool:
        """Whether a decorator may enter what it decorates into an object that others look things up in."""
        for decorator in decorators:
            if self._is_of_pytest(decorator, source):
                continue
            for name, chains in usage_of(ast.unparse(decorator)).names:
                if not self.is_experiment(source, name) and any(self._stores(source, name, c) for c in chains):
                    return True
        return False

    def _is_of_pytest(self, decorator: ast.expr, source: Source) -> bool:
        """Whether a decorator is a mark of tests, which looks at what it is given and enters nothing."""
        name = next((node.id for node in ast.walk(decorator) if isinstance(node, ast.Name)), "")
        inner = decorator.func if isinstance(decorator, ast.Call) else decorator
        is_named = ast.unparse(inner).partition(".")[0] == name
        return is_named and any(target.module.partition(".")[0] == "pytest" for target in source.imports.get(name, ()))

    @_in_circles
    def _stores(self, source: Source, name: str, chain: Chain) -> bool:
        """Whether a name stands for an object of the team, a class used by attribute, or a function that names one."""
        for statement in source.bindings.get(name, ()):
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                if chain:  # a method of what a decorator made of it: functools.singledispatch's register
                    return True
                used = usage_of(self.normalise(statement, source)).names
                if any(self.is_object(source, inner) for inner, _ in used):
                    return True
            elif not isinstance(statement, ast.ClassDef) or chain:
                return True
        for target in source.imports.get(name, ()):
            there, rest = self.source(target.module), target.within(chain)
            if there is not None and rest and self._stores(there, str(rest[0]), tuple(map(str, rest[1:]))):
                return True
            deeper = self.source(f"{target.module}.{rest[0]}") if rest else None
            if deeper is not None and len(rest) > 1 and self._stores(deeper, str(rest[1]), ()):
                return True
        return False

    @_in_circles
    def is_object(self, source: Source, name: str) -> bool:
        """Whether a name stands for something that is neither a function, a class nor a module."""
        bound = any(not isinstance(s, _DEFINITIONS) for s in source.bindings.get(name, ()))
        there = [(self.source(t.module), t.attribute) for t in source.imports.get(name, ()) if t.attribute]
        return bound or any(s is not None and s is not source and self.is_object(s, str(a)) for s, a in there)
