"""What the names that a piece of source may change stand for: definitions of the team, settings of libraries."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable

from pytest_mlexp.provenance.code.definitions import CodeWalk
from pytest_mlexp.provenance.code.modules import Modules
from pytest_mlexp.provenance.code.sources import Source
from pytest_mlexp.provenance.code.syntax import Chain, Dotted, path_of
from pytest_mlexp.provenance.code.usage import usage_of
from pytest_mlexp.provenance.libraries.packages import owners
from pytest_mlexp.provenance.session.changes import changes_of

_PROCESS = ("random", "locale", "decimal", "multiprocessing", "threading", "ctypes", "resource", "gc", "builtins")
_SEEDS = re.compile(r"seed|manual_seed(_all)?")
_OF_OS = ("environ", "putenv", "unsetenv", "chdir", "umask")
_HARMLESS_OF_SYS = ("path", "stdout", "stderr", "exit", "dont_write_bytecode", "modules")


def definitions_changed_by(text: str, source: Source, walk: CodeWalk) -> set[str]:
    """The keys of the definitions that a piece of a module may change."""
    own = changes_of(text)
    methods = {
        (name, chain[:-1] or chain) for name, chain in own.called if _is_method(name, chain, source, walk.modules)
    }
    found = _meant(own.changed | methods, text, source, walk)
    for dotted in own.strings:
        module, *attributes = dotted.split(".")
        if module.isidentifier() and walk.modules.is_first_party(module):
            found |= {key for key in [walk.reach(module, tuple(attributes))] if key is not None}
    makers = _meant(own.made, text, source, walk) | {key for key in found if _is_object(key, walk)}
    found |= {inner for key in makers for inner in objects_of(key, walk)}
    return found | {inner for key in found if key.endswith(":*") for _, inner in walk.edges[key]}


def objects_of(key: str, walk: CodeWalk) -> set[str]:
    """The objects that a name may stand for, or a function like ``get_config`` give: those that it names itself."""
    if walk.texts[key].startswith("class "):
        return set()
    return {inner for inner in walk.closure([key]) if _is_object(inner, walk)}


def settings_changed_by(text: str, source: Source, modules: Modules) -> tuple[set[str], bool]:
    """Distributions whose settings a piece of a module changes, and whether it changes something of the process."""
    own = changes_of(text)
    packages: set[str] = set()
    everywhere = own.environment
    inner = {imported.bound: imported.module for imported, _ in usage_of(text).imports}
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


def _is_method(name: str, chain: Chain, source: Source, modules: Modules) -> bool:
    """Whether what is called is an object or a method of one, and not a function of a module."""
    if not chain:
        return modules.is_object(source, name)
    for target in source.imports.get(name, ()):
        module = f"{target.module}.{target.attribute}" if target.attribute else target.module
        if modules.place(module).kind == "missing":
            return True
        while len(chain) > 1 and modules.is_first_party(f"{module}.{chain[0]}"):
            module, chain = f"{module}.{chain[0]}", chain[1:]
        there = modules.source(module)
        return len(chain) > 1 or (there is not None and modules.is_object(there, chain[0]))
    return True


def _meant(paths: Iterable[Dotted], text: str, source: Source, walk: CodeWalk) -> set[str]:
    """The definitions that names with their attributes stand for in a piece of a module."""
    usage = usage_of(text)
    found: set[str | None] = set()
    for name, chain in paths:
        local = [imported for imported, _ in usage.imports if imported.bound == name]
        for imported in local:
            found.add(walk.reach(source.absolute(imported.level, imported.module), imported.within(chain)))
        if not local and name in usage.outside and not walk.modules.is_experiment(source, name):
            found.add(walk.resolve(source, name, chain))
    return {key for key in found if key is not None}


def _is_object(key: str, walk: CodeWalk) -> bool:
    module, _, name = key.rpartition(":")
    source = walk.modules.source(module)
    return name == "*" or (source is not None and walk.modules.is_object(source, name))


def _also(name: str, source: Source) -> list[str]:
    """A name, and that which a module binds it to."""
    values = [path_of(s.value) for s in source.bindings.get(name, ()) if isinstance(s, ast.Assign)]
    return [name, *(path[0] for path in values if path is not None)]


def _is_of_the_process(module: str, first: Chain, *, stored: bool) -> bool:
    if module == "os":
        return bool(first) and first[0] in _OF_OS
    if module == "sys":
        return bool(first) and first[0] not in _HARMLESS_OF_SYS
    return stored or module in _PROCESS
