"""Datasets as a team declares them: a name, and the function that loads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_mlexp.blocks.dataset import Dataset


@dataclass(frozen=True)
class DatasetBlock:
    """One declared dataset: its name, its version, and the function that loads it."""

    name: str
    load: Callable[[], Dataset] = field(repr=False)
    version: str | None = None
