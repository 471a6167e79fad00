"""Datasets as a team declares them: a name, and the function that loads it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.naming import check_name, own_name

if TYPE_CHECKING:
    from pytest_mlexp.blocks.dataset import Dataset


@dataclass(frozen=True)
class DatasetBlock:
    """One declared dataset: its name, its version, and the function that loads it."""

    name: str
    load: Callable[[], Dataset] = field(repr=False)
    version: str | None = None


def declare_dataset(load: Any, *, name: str | None, version: str | None) -> DatasetBlock:
    """Validate the declaration of a dataset.

    Raises:
        DeclarationError: no function, an illegal name, or a function that takes parameters.
    """
    if not callable(load):
        raise DeclarationError(f"a dataset is declared by the function that loads it, not {load!r:.60}")
    block = DatasetBlock(check_name(name or own_name(load, kind="dataset"), kind="dataset"), load, version)
    for parameter in inspect.signature(load).parameters.values():
        variadic = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        if parameter.default is parameter.empty and not variadic:
            raise DeclarationError(
                f"the function of dataset {block.name!r} takes {parameter.name!r}, which nothing gives: give it a "
                "default, or declare one function for each variant"
            )
    return block
