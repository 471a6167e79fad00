"""What the modules of a session do to each other: patches, registrations, and what pytest itself runs.

A model need not import the module that patches what it uses; it is enough that the session did. Every effect of
every first-party module that is loaded is looked at, and counts for what it may change: for a model that reaches a
definition that the effect stores to, hands over or registers with, for all users of a library whose settings it
changes, and for everybody where it changes the process. All others may be edited freely.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType

from pytest_mlexp.provenance.code.definitions import CodeWalk
from pytest_mlexp.provenance.code.locating import Place, locate
from pytest_mlexp.provenance.code.modules import Modules
from pytest_mlexp.provenance.code.sources import Source, read_source
from pytest_mlexp.provenance.code.usage import Chain, Usage, usage_of
from pytest_mlexp.provenance.libraries.packages import owners
from pytest_mlexp.provenance.session.steps import of_pytest, requested_fixtures
from pytest_mlexp.provenance.session.touching import Touches, path_of, touches_of

_PROCESS = ("random", "locale", "decimal", "multiprocessing", "threading", "ctypes", "resource", "gc", "builtins")
_OF_OS = ("environ", "putenv", "unsetenv", "chdir", "umask")
_HARMLESS_OF_SYS = ("path", "stdout", "stderr", "exit", "dont_write_bytecode", "modules")
_PATCHES = "<patches>"


@dataclass(frozen=True, eq=False)
class Effect:
    """One thing that a module does beside binding names.

    Attributes:
        touched: keys of the definitions that it may change; for a subclass, those of its bases.
        packages: distributions whose settings it may change; ``everywhere``: whether it changes the process.
        is_subclass: whether it only matters where subclasses are asked for.
    """

    source: Source
    text: str
    touched: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    everywhere: bool = False
    is_subclass: bool = False

    def counts(self, walk: CodeWalk, asked: AbstractSet[str]) -> bool:
        """Whether it may change something that was reached; a subclass, whether those of a base are ``asked`` for."""
        if self.is_subclass:
            return not self.touched.isdisjoint(asked)
        return self.everywhere or not (self.touched.isdisjoint(walk.texts) and self.packages.isdisjoint(walk.packages))


class SessionEffects:
    """The effects of the first-party modules of a session.

    Args:
        loaded: their names.
        files: further modules, without a name that they could be imported by.
    """

    def __init__(self, loaded: Iterable[str], files: Iterable[Path] = ()) -> None:
        self.loaded = tuple(loaded)
        self._files = tuple(files)

    @classmethod
    def of_process(cls, modules: Iterable[ModuleType] = ()) -> SessionEffects:
        """Of all that is loaded now, and of what pytest loaded and forgot, such as one of several ``conftest``."""
        further = [m for m in modules if sys.modules.get(m.__name__) is not m and m.__file__ is not None]
        return cls(_first_party(), [Path(str(module.__file__)) for module in further])

    def join(self, walk: CodeWalk) -> None:
        """Take in what counts for a walk; what that reaches may make further effects count."""
        joined: set[Effect] = set()
        while True:
            for name in self.loaded if walk.anywhere else ():
                if "Rewrit" not in type(getattr(sys.modules.get(name), "__loader__", None)).__name__:  # no test file
                    walk.whole(name)
            asked = _asked_for_subclasses(walk)
            more = [effect for effect in self.effects if effect not in joined and effect.counts(walk, asked)]
            if not more:
                return
            joined.update(more)
            for source in {id(effect.source): effect.source for effect in more}.values():
                own = [effect.text for effect in self.effects if effect.source is source and effect in joined]
                key = f"{source.name}:{_PATCHES}"
                walk.texts.pop(key, None)
                walk.define(key, "\n".join(own), source)

    @cached_property
    def touched(self) -> frozenset[str]:
        """Keys of all definitions that some effect may change."""
        return frozenset[str]().union(*(effect.touched for effect in self.effects))

    @cached_property
    def effects(self) -> tuple[Effect, ...]:
        """All of them, in the order of modules and lines."""
        walk = CodeWalk()
        sources = [source for name in self.loaded if (source := walk.modules.source(name)) is not None]
        sources += [read_source(_named(path), Place("source", path)) for path in self._files]
        fixtures = requested_fixtures(source.tree for source in sources)
        return tuple(effect for source in sources for effect in _effects(source, walk, fixtures))


def _first_party() -> Iterator[str]:
    """Names of the modules of the team that are loaded, told by their top-level package."""
    roots: dict[str, bool] = {}
    for name, module in sorted(sys.modules.items()):
        root = name.partition(".")[0]
        if root not in roots:
            roots[root] = root not in sys.stdlib_module_names and locate(root).kind in {"source", "folder"}
        if roots[root] and getattr(module, "__file__", None):
            yield name


def _named(path: Path) -> str:
    """A name for a module that has none of its own: where its file lies."""
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else path.name


def _effects(source: Source, walk: CodeWalk, fixtures: frozenset[str]) -> Iterator[Effect]:
    modules = walk.modules
    for number, statement in enumerate(source.body):
        key = f"{source.name}:<{number}>"
        done = modules.effect_of(statement, source)
        if done is None and isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
            done = statement if any(isinstance(node, ast.Call) for node in ast.walk(statement)) else None
        if done is not None or of_pytest(statement, fixtures):
            text = modules.normalise(done or statement, source)
            if text and not _declares_an_experiment(statement, source, modules):
                walk.define(key, text, source)
                yield _of_statement(key, text, source, walk)
        elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _of_definition(key, statement, source, walk)


def _declares_an_experiment(statement: ast.stmt, source: Source, modules: Modules) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    return any(isinstance(target, ast.Name) and modules.is_experiment(source, target.id) for target in targets)


def _of_statement(key: str, text: str, source: Source, walk: CodeWalk) -> Effect:
    touched: set[str] = set()
    packages: set[str] = set()
    everywhere = False
    for inner in _closure([key], walk):
        module = inner.rpartition(":")[0]
        where = source if module == source.name else walk.modules.source(module)
        if where is None or walk.texts[inner].startswith("value "):
            continue
        own = touches_of(walk.texts[inner])
        touched |= touched_by(own, usage_of(walk.texts[inner]), where, walk)
        more, all_of_it = _settings(own, walk.texts[inner], where, walk.modules)
        packages |= more
        everywhere |= all_of_it or own.environment
    return Effect(source, text, frozenset(touched), frozenset(packages), everywhere)


def _is_method(name: str, chain: Chain, source: Source, modules: Modules) -> bool:
    """Whether what is called is an object or a method of one, and not a function of a module."""
    if not chain:
        return modules.is_object(source, name)
    for target in source.imports.get(name, ()):
        module = f"{target.module}.{target.attribute}" if target.attribute else target.module
        if modules.place(module).kind == "missing":
            return True
        while len(chain) > 1 and modules.place(f"{module}.{chain[0]}").kind in {"source", "folder"}:
            module, chain = f"{module}.{chain[0]}", chain[1:]
        there = modules.source(module)
        return len(chain) > 1 or (there is not None and modules.is_object(there, chain[0]))
    return True


def touched_by(own: Touches, usage: Usage, source: Source, walk: CodeWalk) -> set[str]:
    """The definitions behind what a piece of source may change."""
    methods = {
        (name, chain[:-1] or chain) for name, chain in own.called if _is_method(name, chain, source, walk.modules)
    }
    outside = {name for name, _ in usage.names}
    found: set[str | None] = set()
    for name, chain in own.changed | methods:
        local = [inner for inner in usage.imports if inner.bound == name]
        for inner in local:
            first = (inner.attribute,) if inner.attribute else ()
            found.add(walk.reach(source.absolute(inner.level, inner.module), *first, *chain))
        if not local and name in outside and not walk.modules.is_experiment(source, name):
            found.add(walk.resolve(source, name, chain))
    for dotted in own.strings:
        module, _, _ = dotted.partition(".")
        if module.isidentifier() and walk.modules.place(module).kind in {"source", "folder"}:
            found.add(walk.reach(*dotted.split(".")))
    keys = {key for key in found if key is not None}
    return keys | {inner for key in keys if key.endswith(":*") for _, inner in walk.edges[key]}


def _settings(own: Touches, text: str, source: Source, modules: Modules) -> tuple[set[str], bool]:
    """Distributions whose settings are changed, and whether something of the process is."""
    packages: set[str] = set()
    everywhere = False
    inner = {imported.bound: imported.module for imported in usage_of(text).imports}
    for name, chain in own.settings:
        targets = [(t.module, (t.attribute, *chain) if t.attribute else chain) for t in source.imports.get(name, ())]
        if name in inner:
            targets.append((inner[name], chain))
        for module, full in targets:
            root = module.partition(".")[0]
            kind = modules.place(root).kind
            if kind == "library":
                packages |= set(owners(root))
            elif kind == "standard":
                everywhere |= _is_of_the_process(root, full[:1], stored=(name, chain) in own.stored)
    return packages, everywhere


def _is_of_the_process(module: str, first: tuple[str | None, ...], *, stored: bool) -> bool:
    if module == "os":
        return bool(first) and first[0] in _OF_OS
    if module == "sys":
        return bool(first) and first[0] not in _HARMLESS_OF_SYS
    return stored or module in _PROCESS


def _of_definition(
    key: str, definition: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, source: Source, walk: CodeWalk
) -> Iterator[Effect]:
    """A definition that is entered somewhere by being there, and a class that may be asked for as a subclass."""
    asked = list(definition.decorator_list)
    enters = walk.modules.enters(definition, source)
    if isinstance(definition, ast.ClassDef):
        asked += [*definition.bases, *(keyword.value for keyword in definition.keywords)]
    if not asked or not (enters or isinstance(definition, ast.ClassDef)):
        return
    walk.define(key, "\n".join(ast.unparse(expression) for expression in asked), source)
    text = walk.modules.normalise(definition, source)
    touched = frozenset(_closure([key], walk)) - {key}
    yield Effect(source, text, touched, is_subclass=not enters)


def _asked_for_subclasses(walk: CodeWalk) -> set[str]:
    """The definitions whose subclasses some code that was reached asks for; all where it cannot be told."""
    asked: set[str] = set()
    for key, text in walk.texts.items():
        if "__subclasses__" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and node.attr == "__subclasses__":
                path = path_of(node)
                name = path[0] if path is not None else ""
                targets = {target for used, target in walk.edges[key] if used == name}
                is_own = name == "cls" or ast.unparse(node.value) in {"type(self)", "self.__class__"}
                if not targets and not is_own:
                    return set(walk.texts)
                asked |= targets | {key}
    return asked


def _closure(keys: Iterable[str], walk: CodeWalk) -> list[str]:
    found = dict.fromkeys(keys)
    waiting = list(found)
    while waiting:
        for _, target in walk.edges[waiting.pop()]:
            if target not in found:
                found[target] = None
                waiting.append(target)
    return list(found)
