"""Provenance: all that a result depends on, part by part, and the key that stands for it."""

from __future__ import annotations

import functools
import operator
import platform
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

from pytest_mlexp.blocks.declared import Declared
from pytest_mlexp.matrix import Trial
from pytest_mlexp.provenance.code.constants import PLAIN
from pytest_mlexp.provenance.code.locating import is_of_library
from pytest_mlexp.provenance.code.variables import options_in, variables_of
from pytest_mlexp.provenance.contained import classes_in, layout
from pytest_mlexp.provenance.digests import digest
from pytest_mlexp.provenance.files.states import State, state_of
from pytest_mlexp.provenance.fingerprint import ValueWalk, follow
from pytest_mlexp.provenance.libraries.packages import own_version, versions
from pytest_mlexp.provenance.libraries.precision import precision
from pytest_mlexp.provenance.session.editing import check_is_as_loaded
from pytest_mlexp.provenance.session.effects import SessionEffects
from pytest_mlexp.provenance.session.leaving import ENVIRONMENT, left_by

if TYPE_CHECKING:
    from pytest_mlexp.blocks.dataset import Dataset
    from pytest_mlexp.blocks.evaluator import EvaluatorBlock
    from pytest_mlexp.blocks.model import ModelVariant

LONGEST = 60


@dataclass(frozen=True, eq=False)
class BlockProvenance:
    """What a block depends on by itself: code, packages, parameters, what was declared.

    Attributes:
        parts: name -> digest or value; ``code module:definition``, ``package name``, ``variable name``,
            ``option name``, ``param name``, ``declared what``.
        lazy: files that only functions import, with their state when they were read: they are loaded later.
        code: what was followed -> digest of its code, whatever modules that stands in.
        sources: files of all modules that were followed.
        anywhere: whether it looks modules up by names that are not known.
        left: definitions that it may leave something in for later trials of the process; None where it cannot be told.
    """

    parts: Mapping[str, str]
    lazy: Mapping[Path, State | None] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    sources: frozenset[str] = frozenset()
    anywhere: bool = False
    left: frozenset[str] | None = None

    @cached_property
    def digest(self) -> str:
        """Stands for all parts; for code by what it is and not by where it stands."""
        is_followed = bool(self.code)
        others = [(name, part) for name, part in self.parts.items() if not (is_followed and name.startswith("code "))]
        return digest(repr((sorted(others), sorted(self.code.items()))))

    def __or__(self, other: BlockProvenance) -> BlockProvenance:
        """What depends on both."""
        return BlockProvenance(
            {**self.parts, **other.parts},
            {**self.lazy, **other.lazy},
            {**self.code, **other.code},
            self.sources | other.sources,
            self.anywhere or other.anywhere,
            None if self.left is None or other.left is None else self.left | other.left,
        )

    def may_find_what(self, other: BlockProvenance | None) -> bool:
        """Whether something that another block leaves behind is in the reach of this one."""
        return other is None or other is self or other.anywhere or self.may_find(other.left)

    def may_find(self, left: frozenset[str] | None) -> bool:
        """Whether something that is left in these definitions, or nobody knows where, is in the reach of this one."""
        if left is None or self.anywhere:
            return True
        reads = ENVIRONMENT in left and any(name.startswith("variable ") for name in self.parts)
        return reads or any(f"code {key}" in self.parts for key in left)

    def is_as_read(self) -> bool:
        """Whether no file that is loaded late was edited since it was read."""
        return all(state_of(path) == state for path, state in self.lazy.items())


@dataclass(frozen=True, eq=False)
class Provenance:
    """What one trial depends on: its model, and data, split, seed, device, precision and Python."""

    block: BlockProvenance
    own: Mapping[str, str]

    @property
    def parts(self) -> dict[str, str]:
        """All parts by name."""
        return {**self.block.parts, **self.own}

    @cached_property
    def key(self) -> str:
        """32 hexadecimal digits, equal where everything is."""
        return digest(f"{self.block.digest} {sorted(self.own.items())}")


class Provenances:
    """Looks at each block once a session, so that what changes during it does not matter.

    Args:
        effects: what the modules of the session do to each other; of those that are loaded at the first look, if not
            given.
        option: the value of one of pytest's options or ini settings.
    """

    def __init__(self, effects: SessionEffects | None = None, option: Callable[[str], object] = lambda _: None) -> None:
        self._effects = effects
        self._option = option
        self._as_loaded: set[str] = set()
        self._code: dict[tuple[int, int], tuple[object, object, BlockProvenance]] = {}
        self._models: dict[tuple[str, int], tuple[object, BlockProvenance]] = {}
        self._records: dict[int, list[BlockProvenance]] = {}
        self._data: dict[int, tuple[object, dict[str, str]]] = {}

    def trial(self, trial: Trial, dataset: Dataset) -> Provenance:
        """What a trial on a dataset depends on."""
        block = functools.reduce(operator.or_, self._of_records(dataset), self.model(trial.variant))
        own = {
            **_plain(trial.variant),
            "split": trial.split,
            "seed": str(trial.seed),
            "device": trial.device.partition(":")[0],
            **self._of_data(dataset),
        }
        return Provenance(block, own)

    def model(self, variant: ModelVariant) -> BlockProvenance:
        """What a variant depends on by itself; plain parameters are left out, so that variants share it."""
        key = (variant.name, id(variant.factory))
        if key not in self._models:
            self._models[key] = (variant, self._variant(variant))
        return self._models[key][1]

    def evaluator(self, block: EvaluatorBlock) -> BlockProvenance:
        """What an evaluator depends on."""
        return self._callable(block.function, block.depends_on, block.module)

    def _variant(self, variant: ModelVariant) -> BlockProvenance:
        code = self._callable(variant.factory, variant.depends_on, variant.module)
        plain = _plain(variant)
        found = [self._walked(part, v) for name, v in variant.params.items() if (part := f"param {name}") not in plain]
        return functools.reduce(operator.or_, found, code)

    def _callable(self, function: object, depends_on: Iterable[Declared], module: str) -> BlockProvenance:
        identity = (id(function), id(depends_on))
        if identity not in self._code:
            found = self._walked("declaration", function, module=module)
            for declared in depends_on:
                name = f"declared {declared.name}"
                found |= (
                    BlockProvenance({name: declared.content()}, left=frozenset())
                    if declared.path is not None
                    else self._walked(name, declared.value)
                )
            parts = dict(found.parts)
            optimised = f" -{'O' * sys.flags.optimize}" if sys.flags.optimize else ""
            parts["python"] = f"{platform.python_implementation()} {platform.python_version()}{optimised}"
            parts["package pytest-mlexp"] = own_version()
            packages = [name.removeprefix("package ") for name in parts if name.startswith("package ")]
            parts["precision"] = precision(packages)
            self._code[identity] = (function, depends_on, replace(found, parts=parts))
        return self._code[identity][2]

    def _walked(self, name: str, value: Any, *, module: str = "") -> BlockProvenance:
        """Follow a value, and what the module that declares it does when it is imported."""
        if self._effects is None:
            self._effects = SessionEffects.of_process()
        walk, text = follow(value, named=True, module=module, join=self._effects.join)
        eager = {source.name: source for source in walk.code.modules.read if source.name not in walk.code.lazy}
        check_is_as_loaded([eager[name] for name in eager if name not in self._as_loaded], self._effects)
        self._as_loaded |= set(eager)
        parts = {name: digest(text)}
        for key, own in walk.code.texts.items():
            parts[f"code {key}"] = digest(repr((own, walk.code.edges[key])))
        parts |= {f"package {package}": version for package, version in walk.code.packages.items()}
        texts = [*walk.code.texts.values(), *walk.typed_in, *map(repr, walk.strings)]
        read = variables_of(texts, renamed=walk.code.renamed_environment)
        parts |= {f"option {name}": digest(repr(self._option(name))) for name in options_in(texts)}
        parts |= {f"variable {name}": digest(state) for name, state in read.items()}  # it may hold a secret
        lazy = [source.path for source in walk.code.lazy.values() if source.path is not None]
        return BlockProvenance(
            parts,
            {path: state_of(path) for path in lazy},
            {name: walk.anonymous()},
            frozenset(str(source.path) for source in walk.code.modules.read if source.path is not None),
            walk.code.anywhere,
            left_by(walk.code) if _is_told_by_text(value, walk) else None,
        )

    def _of_records(self, dataset: Dataset) -> list[BlockProvenance]:
        """The code of the classes of the team that a dataset holds objects of."""
        if id(dataset) not in self._records:
            own = [cls for cls in classes_in(dataset.X, dataset.y) if not is_of_library(cls.__module__)]
            self._records[id(dataset)] = [self._walked(f"records {cls.__qualname__}", cls) for cls in own]
        return self._records[id(dataset)]

    def _of_data(self, dataset: Dataset) -> dict[str, str]:
        if id(dataset) not in self._data:
            found = {"data": dataset.digest}
            layouts = {name: how for name, values in (("X", dataset.X), ("y", dataset.y)) if (how := layout(values))}
            if layouts:
                found["layout"] = ", ".join(f"{name} {how}" for name, how in layouts.items())
            for column in (dataset.X, dataset.y):
                root = type(column).__module__.partition(".")[0]
                if root in {"pandas", "numpy", "scipy", "torch"}:
                    found[f"package {root}"] = versions(root)[root]
            self._data[id(dataset)] = (dataset, found)
        return self._data[id(dataset)][1]


def _plain(variant: ModelVariant) -> dict[str, str]:
    """The parameters that are told by how they print."""
    texts = {f"param {name}": repr(value) for name, value in variant.params.items() if type(value) in PLAIN}
    return {part: text for part, text in texts.items() if len(text) <= LONGEST}


def _is_told_by_text(value: object, walk: ValueWalk) -> bool:
    return isinstance(value, FunctionType) and not value.__closure__ and not walk.typed_in
