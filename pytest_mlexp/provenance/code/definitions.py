"""Definitions that code reaches, transitively: functions, classes, constants, and what modules do when imported.

Names are resolved by the text of the modules, not by what they hold at the moment, so that the result is the
same whether a module is loaded already or is imported by a function later. The one exception are plain
constants of loaded modules, which count by value: ``LIMIT = 2 * 5`` may be written as ``10``.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterable

from pytest_mlexp.provenance.code.constants import counts_by_value, is_plain, plain_text
from pytest_mlexp.provenance.code.importing import done_by
from pytest_mlexp.provenance.code.locating import FIRST_PARTY, Place, is_for_tests
from pytest_mlexp.provenance.code.lookups import looks_up
from pytest_mlexp.provenance.code.modules import Modules
from pytest_mlexp.provenance.code.sources import Source
from pytest_mlexp.provenance.code.syntax import Chain
from pytest_mlexp.provenance.code.usage import Usage, usage_of
from pytest_mlexp.provenance.code.variables import READS
from pytest_mlexp.provenance.digests import digest
from pytest_mlexp.provenance.libraries.packages import versions

TOP = "<module>"
DYNAMIC = ("globals", "eval", "exec")  # what they look up cannot be told: anything of the module
Step = tuple[str, Chain]  # attributes of a module


class CodeWalk:
    """One traversal of first-party code.

    Args:
        keeping: what of the texts counts that is left out otherwise, see ``reading``.
        idle: whether libraries count that are imported and not named again, thus for what their import does.

    Attributes:
        texts: ``module:definition`` -> its normalised text, in the order of the visit.
        edges: ``module:definition`` -> the definitions that its names stand for.
        given: those that live objects are made of, from which all others were reached.
        packages: distribution -> version, of the libraries that are used.
        lazy: files of modules that only functions import; they are loaded later than they are read here.
        anywhere: whether a module is looked up by a name that the text does not tell.
        renamed_environment: whether variables are read through another name than the usual ones.
    """

    def __init__(self, keeping: frozenset[str] = frozenset(), *, idle: bool = True) -> None:
        self.texts: dict[str, str] = {}
        self.edges: dict[str, list[tuple[str, str]]] = {}
        self.given: list[str] = []
        self.packages: dict[str, str] = {}
        self.lazy: dict[str, Source] = {}
        self.anywhere = False
        self.renamed_environment = False
        self.modules = Modules(keeping)
        self._idle = idle
        self._eager: set[str] = set()
        self._imported: set[str] = set()
        self._waiting: list[tuple[str, Usage, Source, set[str]]] = []

    def enter(self, module: str) -> Source | None:
        """The source of the module that a live object is from; it and what it imports are loaded."""
        source = self.modules.source(module)
        if source is not None:
            self._make_eager(source)
            self._import(module)
        return source

    def whole(self, module: str) -> list[str]:
        """Take in all that a module binds, where it is first-party."""
        source = self.modules.source(module)
        return [self._whole(source)] if source is not None else []

    def define(self, key: str, text: str, source: Source, *, without: Iterable[str] = ()) -> str:
        """Take in a definition and follow its names, except those that something else supplies."""
        if self._add(key, text):
            self._waiting.append((key, usage_of(text), source, set(without)))
            if len(self._waiting) == 1:  # else whoever follows the first one goes on with this: chains may be long
                self._follow_waiting()
        return key

    def _add(self, key: str, text: str = "") -> bool:
        """Note a definition; False where it was met before."""
        if key in self.texts:
            return False
        self.texts[key] = text
        self.edges[key] = []
        return True

    def _follow_waiting(self) -> None:
        try:
            for definition in self._waiting:  # which grows meanwhile
                self._follow(*definition)
        finally:
            self._waiting.clear()

    def _follow(self, key: str, usage: Usage, source: Source, without: set[str]) -> None:
        for name, chains in usage.names:
            if name in without or self.modules.is_experiment(source, name):
                continue
            for chain in chains:
                for target in source.imports.get(name, ()):
                    self._note_library(target.module, target.within(chain), (name, chain), usage)
                self._edge(key, name, self.resolve(source, name, chain))
        for imported, chains in usage.imports:
            module = source.absolute(imported.level, imported.module) or source.name
            self._import(module)
            for chain in chains:
                full = imported.within(chain)
                self._note_library(module, full, (imported.bound, chain), usage)
                self._edge(key, ".".join((module, *full)), self.reach(module, full))
        for package in usage.packages:
            for module in self.modules.inside(source.absolute(*package)):
                self._edge(key, module, self.reach(module, ()))
        self._follow_texts(key, usage.dotted)
        self.anywhere |= usage.anywhere

    def _follow_texts(self, key: str, dotted: Iterable[str]) -> None:
        """Take in definitions whose names are given as texts, which a library may look up: ``"team.nets.Net"``."""
        for text in dotted:
            module, _, name = text.rpartition(".")
            there = self.modules.source(module) if self.modules.is_first_party(module.partition(".")[0]) else None
            if there is not None and name in there.bindings:
                self._edge(key, text, self.reach(module, (name,)))

    def _note_library(self, module: str, chain: Chain, spelt: tuple[str, Chain], usage: Usage) -> None:
        """Note what a library is used for that may lead anywhere."""
        if spelt not in usage.told and looks_up(module, chain):
            self.anywhere = True
        if module.partition(".")[0] in {"os", "posixpath"} and READS & set(chain) and not READS & {spelt[0], *spelt[1]}:
            self.renamed_environment = True

    def _edge(self, key: str, name: str, target: str | None) -> None:
        if target is not None and (name, target) not in self.edges[key]:
            self.edges[key].append((name, target))

    def resolve(self, source: Source, name: str, chain: Chain, via: frozenset[Step] = frozenset()) -> str | None:
        """Take in what a name of a module stands for; the key of its definition where it is first-party.

        Args:
            source: the module.
            name: one of its names.
            chain: the attributes that are taken of it.
            via: the steps that led here through imports, which may lead in circles.
        """
        found: str | None = None
        if name in source.bindings:
            found = self._bound(source, name)
        for target in source.imports.get(name, ()):
            found = self.reach(target.module, target.within(chain), via) or found
        if found is not None or name in source.imports:
            return found
        for star in source.stars:
            there = self.modules.source(star)
            if there is None:
                self._library(star)
            elif self.modules.has(there, name):
                return self.resolve(there, name, chain, via)
            elif self.modules.is_inside(there, name):
                return self.reach(f"{star}.{name}", chain, via)
        if name in DYNAMIC:
            self.anywhere |= name == "exec"
            return self._whole(source)
        if hasattr(builtins, name) and name != "__doc__":
            return None
        return self._unknown(source, name)

    def _unknown(self, source: Source, name: str) -> str | None:
        """A name that no statement binds: put there from outside, or not there at all."""
        key = f"{source.name}:{name}"
        if name.startswith("__"):
            return self._constant(key, ast.get_docstring(source.tree)) if name == "__doc__" else None
        live = vars(sys.modules.get(source.name, builtins)).get(name)
        return self._constant(key, live if is_plain(live) else "put there from outside")

    def _bound(self, source: Source, name: str) -> str:
        key = f"{source.name}:{name}"
        if key in self.texts:
            return key
        is_loaded = source.name in self._eager and source.name in sys.modules
        live = vars(sys.modules[source.name]).get(name, ...) if is_loaded else ...
        if live is not ... and counts_by_value(source, name, live):
            return self._constant(key, live)
        texts = [self.modules.normalise(statement, source) for statement in source.bindings[name]]
        return self.define(key, "\n".join(texts), source)

    def _constant(self, key: str, value: object) -> str:
        self._add(key, f"value {plain_text(value)}")
        return key

    def reach(self, module: str, chain: Chain, via: frozenset[Step] = frozenset()) -> str | None:
        """Take in what attributes of a module stand for; without any the module is used as a whole.

        A step that leads back to itself is what ``from . import part`` binds: the submodule.
        """
        if (module, chain) in via:
            submodule = f"{module}.{chain[0]}"
            is_there = self.modules.place(submodule).kind in FIRST_PARTY
            return self.reach(submodule, chain[1:], via) if is_there else None
        place = self._import(module)
        source = self.modules.source(module)
        if source is None and place.kind != "folder":
            return self._foreign(module, place)
        if not chain or (source is not None and chain[0] == "__dict__"):
            return self._whole(source) if source is not None else self._inside(module)
        name, rest = chain[0], chain[1:]
        via |= {(module, chain)}
        if source is not None and self.modules.has(source, name):
            return self.resolve(source, name, rest, via)
        if source is None or self.modules.is_inside(source, name):
            return self.reach(f"{module}.{name}", rest, via)
        return self._whole(source) if "__getattr__" in source.bindings else self._unknown(source, name)

    def _foreign(self, module: str, place: Place) -> str | None:
        if place.kind == "library":
            self._library(module)
        elif place.kind == "native" and place.path is not None:
            return self._constant(f"{module}:{TOP}", digest(place.path.read_bytes()))
        elif place.kind == "missing":
            return self._constant(f"{module}:{TOP}", "not here")
        return None

    def _whole(self, source: Source) -> str:
        key = f"{source.name}:*"
        if self._add(key):
            for name in sorted({*source.bindings, *source.imports}):
                if not self.modules.is_experiment(source, name):
                    self._edge(key, name, self.resolve(source, name, ()))
            if source.is_package:
                self._edge(key, "", self._inside(source.name))
        return key

    def _inside(self, package: str) -> str:
        """All modules of a package that is used as an object, in which they are attributes once they are imported."""
        key = f"{package}.*"
        if self._add(key):
            for module in self.modules.inside(package):
                if module != package and not is_for_tests(module):
                    self._edge(key, module, self.reach(module, ()))
        return key

    def closure(self, keys: Iterable[str]) -> list[str]:
        """Definitions, and all that they reach."""
        found = dict.fromkeys(keys)
        waiting = list(found)
        while waiting:
            for _, target in self.edges[waiting.pop()]:
                if target not in found:
                    found[target] = None
                    waiting.append(target)
        return list(found)

    def _library(self, module: str) -> None:
        """Take in the distribution of a library's module."""
        root = module.partition(".")[0]
        if self.modules.place(root).kind == "library":
            self.packages |= versions(root)

    def _import(self, module: str) -> Place:
        """What an import of a module runs: it and its parents, with what they import."""
        for source in self.modules.leading_to(module):
            if source.name not in self._imported:
                self._imported.add(source.name)
                self._run(source)
        return self.modules.place(module)

    def _run(self, source: Source) -> None:
        """What a module imports and does when it is imported."""
        if source.name not in self._eager:
            self.lazy[source.name] = source
        for module in (*source.certain, *source.possible):
            self._import(module)
        for module in source.unused if self._idle else ():
            self._library(module)
        text = done_by(source, self.modules)
        if text:
            self.define(f"{source.name}:{TOP}", text, source)

    def _make_eager(self, source: Source) -> None:
        if source.name in self._eager:
            return
        self._eager.add(source.name)
        self.lazy.pop(source.name, None)
        for module in source.certain:
            for there in self.modules.leading_to(module):
                self._make_eager(there)
