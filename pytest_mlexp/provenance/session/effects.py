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
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType

from pytest_mlexp.provenance.code.definitions import CodeWalk
from pytest_mlexp.provenance.code.importing import effect_of, enters
from pytest_mlexp.provenance.code.locating import Place, locate
from pytest_mlexp.provenance.code.modules import Modules
from pytest_mlexp.provenance.code.sources import Source, read_source
from pytest_mlexp.provenance.code.syntax import ASSIGNMENT, DEFINITION, calls_in, decorators_of, path_of, targets_of
from pytest_mlexp.provenance.session.changes import changes_of, fills_itself
from pytest_mlexp.provenance.session.fixtures import is_rewritten, run_by_pytest, with_methods
from pytest_mlexp.provenance.session.targets import definitions_changed_by, objects_of, settings_changed_by

_PATCHES = "<patches>"


@dataclass(frozen=True, eq=False)
class Effect:
    """One thing that a module does beside binding names.

    Attributes:
        changed: keys of the definitions that it may change; for a subclass, those of its bases.
        packages: distributions whose settings it may change; ``everywhere``: whether it changes the process.
        is_subclass: whether it only matters where subclasses are asked for.
        function: its name, where it is one; ``key``: of its definition.
    """

    source: Source
    text: str
    changed: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    everywhere: bool = False
    is_subclass: bool = False
    function: str = ""
    key: str = ""

    def counts(self, walk: CodeWalk, asked: AbstractSet[str]) -> bool:
        """Whether it may change something that was reached; a subclass, whether those of a base are ``asked`` for."""
        if self.is_subclass:
            return not self.changed.isdisjoint(asked)
        return self.everywhere or not (self.changed.isdisjoint(walk.texts) and self.packages.isdisjoint(walk.packages))


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
                if not is_rewritten(name):
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
    def changed(self) -> frozenset[str]:
        """Keys of all definitions that some effect may change."""
        return frozenset[str]().union(*(effect.changed for effect in self.effects))

    @cached_property
    def effects(self) -> tuple[Effect, ...]:
        """All of them, in the order of modules and lines."""
        walk = CodeWalk()
        sources = [source for name in self.loaded if (source := walk.modules.source(name)) is not None]
        sources += [read_source(_named(path), Place("source", path)) for path in self._files]
        by_pytest = run_by_pytest([source.tree for source in sources])
        found = [effect for source in sources for effect in _effects(source, walk, by_pytest)]
        return tuple(_with_given(effect, found, walk) for effect in found)


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


def _effects(source: Source, walk: CodeWalk, by_pytest: frozenset[ast.stmt]) -> Iterator[Effect]:
    modules = walk.modules
    for number, statement in enumerate(with_methods(source.body)):
        key = f"{source.name}:<{number}>"
        done = effect_of(statement, source, modules)
        if isinstance(statement, ast.AugAssign) or (isinstance(statement, ASSIGNMENT) and any(calls_in(statement))):
            done = statement
        if done is not None or statement in by_pytest or _loads_a_dataset(statement, source, modules):
            text = modules.normalise(done or statement, source)
            if text and not _declares_an_experiment(statement, source, modules):
                walk.define(key, text, source)
                effect = _of_statement(key, text, source, walk)
                name = "" if done is not None else getattr(statement, "name", "")
                yield replace(effect, key=key, function=name) if name else effect
        elif isinstance(statement, DEFINITION):
            yield from _of_definition(key, statement, source, walk)


def _with_given(effect: Effect, effects: Iterable[Effect], walk: CodeWalk) -> Effect:
    """With what a fixture changes of the objects that other ones give it: ``def fast(config): config.level = 2``."""
    if not effect.function:
        return effect
    own = changes_of(effect.text)
    names = {name for name, _ in own.changed | own.called | own.settings}
    given = [other.key for other in effects if other.function in names]
    return replace(effect, changed=effect.changed.union(*(objects_of(key, walk) for key in given)))


def _loads_a_dataset(statement: ast.stmt, source: Source, modules: Modules) -> bool:
    """Whether a function is a dataset of an experiment: it runs before all trials."""
    paths = [path for decorator in decorators_of(statement) if (path := path_of(decorator)) is not None]
    return any(chain == ("dataset",) and modules.is_experiment(source, name) for name, chain in paths)


def _declares_an_experiment(statement: ast.stmt, source: Source, modules: Modules) -> bool:
    names = [target.id for target in targets_of(statement) if isinstance(target, ast.Name)]
    return any(modules.is_experiment(source, name) for name in names)


def _of_statement(key: str, text: str, source: Source, walk: CodeWalk) -> Effect:
    changed: set[str] = set()
    packages: set[str] = set()
    everywhere = False
    for inner in walk.closure([key]):
        module, own = inner.rpartition(":")[0], walk.texts[inner]
        where = source if module == source.name else walk.modules.source(module)
        if where is None or own.startswith("value "):
            continue
        changed |= definitions_changed_by(own, where, walk) | ({inner} if fills_itself(own) else set())
        settings, is_of_process = settings_changed_by(own, where, walk.modules)
        packages |= settings
        everywhere |= is_of_process
    return Effect(source, text, frozenset(changed), frozenset(packages), everywhere)


def _of_definition(key: str, definition: DEFINITION, source: Source, walk: CodeWalk) -> Iterator[Effect]:
    """A definition that is entered somewhere by being there, and a class that may be asked for as a subclass."""
    asked = list(definition.decorator_list)
    telling = "\n".join(ast.unparse(decorator) for decorator in asked if _may_register(decorator))
    told, _ = settings_changed_by(telling, source, walk.modules)
    if told:  # pandas.api.extensions.register_dataframe_accessor
        yield Effect(source, walk.modules.normalise(definition, source), packages=frozenset(told))
    is_entered = enters(definition, source, walk.modules)
    if isinstance(definition, ast.ClassDef):
        asked += [*definition.bases, *(keyword.value for keyword in definition.keywords)]
    if not asked or not (is_entered or isinstance(definition, ast.ClassDef)):
        return
    walk.define(key, "\n".join(ast.unparse(expression) for expression in asked), source)
    text = walk.modules.normalise(definition, source)
    changed = frozenset(walk.closure([key])) - {key}
    yield Effect(source, text, changed, is_subclass=not is_entered)


def _may_register(decorator: ast.expr) -> bool:
    """Whether a decorator is told a name for what it decorates, or says that it registers it."""
    by_name = isinstance(decorator, ast.Call) and any(isinstance(a, ast.Constant) for a in decorator.args)
    return "register" in ast.unparse(decorator) or (by_name and "pytest" not in ast.unparse(decorator))


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
