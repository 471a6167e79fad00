"""What a dataset holds beside numbers and texts: the classes of its examples, and how they lie in memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np

from pytest_mlexp.blocks.splitting import is_a
from pytest_mlexp.provenance.code.constants import PLAIN
from pytest_mlexp.provenance.digests import digest


def classes_in(*columns: object) -> list[type]:
    """The classes of all values, at any depth, that are no plain ones, by name; their methods may be asked."""
    found = {type(value) for level in _levels(*columns) for value in level}
    return sorted(found, key=lambda cls: f"{cls.__module__}.{cls.__qualname__}")


def _levels(*columns: object) -> Iterator[list[Any]]:
    """What columns hold that is not plain, and what that holds, and so on."""
    level: list[Any] = list(columns)
    while level:
        inner = list(chain.from_iterable(map(_held, level)))
        kinds = set(map(type, inner)).difference(PLAIN)
        level = [value for value in inner if type(value) in kinds]
        yield level


def _held(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, list | tuple | set | frozenset):
        return value
    if is_a(value, "pandas", "DataFrame"):
        return [column for _, column in value.items() if column.dtype == "object"]
    if is_a(value, "pandas", "Series", "Index") or isinstance(value, np.ndarray):
        return value.tolist() if value.dtype == "object" else ()
    return vars(value).values() if dataclasses.is_dataclass(value) and hasattr(value, "__dict__") else ()


def layout(values: object) -> str:
    """How values lie in memory, where that is not as usual: a sum may be rounded otherwise by it."""
    root = type(values).__module__.partition(".")[0]
    if root == "scipy":
        return str(getattr(values, "format", ""))
    own = memory_order(values) if root == "numpy" else ""
    if own or not (isinstance(values, list | tuple) or getattr(values, "dtype", "object") == "object"):
        return own
    orders = [order for level in _levels(values) for value in level if (order := _order(value))]
    distinct = list(dict.fromkeys(orders))
    return f"orders {digest(repr(orders if len(distinct) > 1 else distinct))}" if orders else ""


def _order(value: Any) -> str | tuple[Any, ...]:
    return tuple(value) if type(value) is dict else memory_order(value) if isinstance(value, np.ndarray) else ""


def memory_order(array: Any) -> str:
    """The order of a numpy array in memory; empty where it is row by row, or has no order."""
    flags = getattr(array, "flags", None)
    if flags is None or flags.c_contiguous:
        return ""
    return "Fortran order" if flags.f_contiguous else f"strides {getattr(array, 'strides', '')}"
