"""The first-party modules of one traversal, each found and read once, and what can be said of their names."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator

from pytest_mlexp.experiment import Experiment
from pytest_mlexp.provenance.code.locating import Place, folders_of, locate
from pytest_mlexp.provenance.code.normalising import normalised
from pytest_mlexp.provenance.code.sources import Source, read_source
from pytest_mlexp.provenance.code.syntax import DEFINITION, Chain, last_name


class Modules:
    """Finds modules by name and answers what a name in one of them is."""

    def __init__(self, keeping: frozenset[str] = frozenset()) -> None:
        self._keeping = keeping
        self._normalised: dict[ast.AST, str] = {}
        self._objects: dict[tuple[Source, str], bool] = {}
        self._sources: dict[str, Source | None] = {}
        self._places: dict[str, Place] = {}

    def place(self, module: str) -> Place:
        """Where a module comes from."""
        if module not in self._places:
            self._places[module] = locate(module)
        return self._places[module]

    def is_first_party(self, module: str) -> bool:
        """Whether a module is first-party Python, or a folder of such."""
        return self.place(module).kind in {"source", "folder"}

    def source(self, module: str) -> Source | None:
        """The text of a first-party module; None for any other."""
        if module not in self._sources:
            place = self.place(module)
            self._sources[module] = read_source(module, place) if place.kind == "source" else None
        return self._sources[module]

    def leading_to(self, module: str) -> Iterator[Source]:
        """What an import of a module runs, as far as it is first-party: its parents, and itself."""
        parts = module.split(".")
        if self.is_first_party(parts[0]):
            names = [".".join(parts[:size]) for size in range(1, len(parts) + 1)]
            yield from (source for name in names if (source := self.source(name)) is not None)

    @property
    def read(self) -> tuple[Source, ...]:
        """The first-party modules that were read so far."""
        return tuple(source for source in self._sources.values() if source is not None)

    def inside(self, package: str) -> list[str]:
        """The first-party modules of a package, at any depth, and itself."""
        if not self.is_first_party(package):
            return []
        found = [package]
        for folder in folders_of(package) if self.place(package).is_package else ():
            for file in sorted(folder.rglob("*.py")):
                parts = file.relative_to(folder).with_suffix("").parts
                found.append(".".join((package, *(parts[:-1] if parts[-1] == "__init__" else parts))))
        return list(dict.fromkeys(found))

    def is_inside(self, package: Source, name: str) -> bool:
        """Whether a name is that of a module in a package."""
        return package.is_package and self.place(f"{package.name}.{name}").kind not in {"missing", "standard"}

    def normalise(self, node: ast.AST, source: Source) -> str:
        """The text of a node of a module."""
        if node not in self._normalised:
            self._normalised[node] = source.made.get(
                (node, self._keeping),
                lambda name: self.is_experiment(source, name),
                lambda is_experiment: normalised(node, is_experiment, keeping=self._keeping),
            )
        return self._normalised[node]

    def has(self, source: Source, name: str) -> bool:
        """Whether a module binds a name, also by importing all names of another one."""
        waiting, seen = [source], set[Source]()
        while waiting:
            here = waiting.pop()
            if name in here.bindings or name in here.imports:
                return True
            seen.add(here)
            waiting += [there for star in here.stars if (there := self.source(star)) is not None and there not in seen]
        return False

    def is_experiment(self, source: Source, name: str) -> bool:
        """Whether a name of a module stands for an Experiment."""
        for there, bound, _ in self._origins(source, name, ()):
            live = getattr(sys.modules.get(there.name), bound, None)
            if live is not None:
                return isinstance(live, Experiment)
            values = [getattr(statement, "value", None) for statement in there.bindings.get(bound, ())]
            if any(isinstance(value, ast.Call) and last_name(value.func) == "Experiment" for value in values):
                return True
        return False

    def is_object(self, source: Source, name: str) -> bool:
        """Whether a name stands for something that is neither a function, a class nor a module."""
        if (source, name) not in self._objects:
            bound = [statement for _, statement, _ in self.bound(source, name, ())]
            self._objects[source, name] = not all(isinstance(statement, DEFINITION) for statement in bound)
        return self._objects[source, name]

    def bound(self, source: Source, name: str, chain: Chain) -> Iterator[tuple[Source, ast.stmt, Chain]]:
        """The statements that bind what a name with attributes stands for, and the attributes that are taken of it."""
        for there, bound, rest in self._origins(source, name, chain):
            yield from ((there, statement, rest) for statement in there.bindings.get(bound, ()))

    def _origins(self, source: Source, name: str, chain: Chain) -> Iterator[tuple[Source, str, Chain]]:
        """A name of a module, and the names of other ones that it is imported from, with the attributes of each."""
        waiting, seen = [(source, name, chain)], set[tuple[Source, str, Chain]]()
        while waiting:
            origin = here, name, chain = waiting.pop(0)
            if origin in seen:
                continue
            seen.add(origin)
            yield origin
            for target in here.imports.get(name, ()):
                waiting += self._inside(target.module, target.within(chain))

    def _inside(self, module: str, chain: Chain) -> Iterator[tuple[Source, str, Chain]]:
        """What attributes of a module stand for, in it or in a module inside of it."""
        while chain and self.is_first_party(module):
            there = self.source(module)
            if there is not None:
                yield there, chain[0], chain[1:]
            module, chain = f"{module}.{chain[0]}", chain[1:]
