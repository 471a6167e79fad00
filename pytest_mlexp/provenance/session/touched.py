"""What a piece of source may change, as definitions of the team and settings of libraries and of the process."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from pytest_mlexp.provenance.code.definitions import CodeWalk
from pytest_mlexp.provenance.code.modules import Modules
from pytest_mlexp.provenance.code.sources import Source
from pytest_mlexp.provenance.code.syntax import Chain
from pytest_mlexp.provenance.code.usage import Usage, usage_of
from pytest_mlexp.provenance.libraries.packages import owners
from pytest_mlexp.provenance.session.touching import Dotted, Touches, path_of

_PROCESS = ("random", "locale", "decimal", "multiprocessing", "threading", "ctypes", "resource", "gc", "builtins")
_SEEDS = re.compile(r"seed|manual_seed(_all)?")
_OF_OS = ("environ", "putenv", "unsetenv", "chdir", "umask")
_HARMLESS_OF_SYS = ("path", "stdout", "stderr", "exit", "dont_write_bytecode", "modules")


def touched_by(own: Touches, usage: Usage, source: Source, walk: CodeWalk) -> set[str]:
    """The definitions behind what a piece of source may change."""
    methods = {
        (name, chain[:-1] or chain) for name, chain in own.called if _is_method(name, chain, source, walk.modules)
    }
    found = _meant(own.changed | methods, usage, source, walk)
    for dotted in own.strings:
        module, *rest = dotted.split(".")
        if module.isidentifier() and walk.modules.place(module).kind in {"source", "folder"}:
            found |= {key for key in [walk.reach(module, tuple(rest))] if key is not None}
    makers = _meant(own.made, usage, source, walk)
    found |= {inner for key in makers for inner in objects_of(key, walk)}
    found |= {inner for key in found if _is_object(key, walk) for inner in objects_of(key, walk)}
    return found | {inner for key in found if key.endswith(":*") for _, inner in walk.edges[key]}


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


def _meant(paths: Iterable[Dotted], usage: Usage, source: Source, walk: CodeWalk) -> set[str]:
    """The definitions that names with their attributes stand for in a piece of a module."""
    outside = {name for name, _ in usage.names}
    found: set[str | None] = set()
    for name, chain in paths:
        local = [inner for inner in usage.imports if inner.bound == name]
        for inner in local:
            first = (inner.attribute,) if inner.attribute else ()
            found.add(walk.reach(source.absolute(inner.level, inner.module), (*first, *chain)))
        if not local and name in outside and not walk.modules.is_experiment(source, name):
            found.add(walk.resolve(source, name, chain))
    return {key for key in found if key is not None}


def objects_of(key: str, walk: CodeWalk) -> set[str]:
    """The objects that a name may stand for, or a function like ``get_config`` give: those that it names itself."""
    if walk.texts[key].startswith("class "):
        return set()
    return {inner for inner in closure([key], walk) if _is_object(inner, walk)}


def _is_object(key: str, walk: CodeWalk) -> bool:
    module, _, name = key.rpartition(":")
    source = walk.modules.source(module)
    return name == "*" or (source is not None and walk.modules.is_object(source, name))


def settings_of(own: Touches, text: str, source: Source, modules: Modules) -> tuple[set[str], bool]:
    """Distributions whose settings are changed, and whether something of the process is."""
    packages: set[str] = set()
    everywhere = False
    inner = {imported.bound: imported.module for imported in usage_of(text).imports}
    for dotted in own.strings:
        root = dotted.partition(".")[0]
        if "." in dotted and root.isidentifier() and modules.place(root).kind == "library":
            packages |= set(owners(root))
    for name, chain in own.settings:
        if chain and _SEEDS.fullmatch(chain[-1]):
            continue  # each trial is seeded anew
        targets = [(t.module, t.within(chain)) for each in _also(name, source) for t in source.imports.get(each, ())]
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


def _also(name: str, source: Source) -> list[str]:
    """A name, and that which a module binds it to."""
    values = [path_of(s.value) for s in source.bindings.get(name, ()) if isinstance(s, ast.Assign)]
    return [name, *(path[0] for path in values if path is not None)]


def _is_of_the_process(module: str, first: tuple[str | None, ...], *, stored: bool) -> bool:
    if module == "os":
        return bool(first) and first[0] in _OF_OS
    if module == "sys":
        return bool(first) and first[0] not in _HARMLESS_OF_SYS
    return stored or module in _PROCESS


def closure(keys: Iterable[str], walk: CodeWalk) -> list[str]:
    """Definitions, and all that they reach."""
    found = dict.fromkeys(keys)
    waiting = list(found)
    while waiting:
        for _, target in walk.edges[waiting.pop()]:
            if target not in found:
                found[target] = None
                waiting.append(target)
    return list(found)
