"""The cells of one column, made from its description with a seeded generator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_mlexp.blocks.schema import Column
from pytest_mlexp.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

_NULLABLE = re.compile(r"U?Int\d+|Float\d+|boolean")
_DATES = re.compile(r"(datetime|timedelta)64\[\w+.*\]")
_PARTS = {"str": "text", "bool": "truth", "int": "whole", "float": "number", "list": "sequence"}
_WORDS = np.array(["amber", "birch", "cedar", "delta", "ember", "flint", "grove", "heath", "islet", "jetty"])


def kind_of(column: Column) -> str:
    """Return ``number``, ``whole``, ``truth``, ``text``, ``date`` or ``sequence``.

    Raises:
        DataError: columns of this dtype cannot be made.
    """
    dtype = column.dtype
    if dtype in ("category", "str", "string", "object"):
        return "number" if dtype == "object" and column.low is not None else "text"
    if _DATES.fullmatch(dtype):
        return "date"
    if dtype == "boolean" or _NULLABLE.fullmatch(dtype):
        return "truth" if dtype == "boolean" else "number" if dtype.startswith("F") else "whole"
    parts = [_PARTS[part] for part in dtype.split("|") if part in _PARTS]
    if parts:
        return "number" if set(parts) == {"whole", "number"} else parts[0]
    try:
        code: str = np.dtype(dtype).kind
    except TypeError:
        code = ""
    found = {"f": "number", "i": "whole", "u": "whole", "b": "truth", "U": "text", "S": "text"}.get(code)
    if found is None:
        raise DataError(
            f"column {column.name!r} holds {dtype}, and data like that cannot be made: numbers, truth values, texts, "
            "categories, dates and lists can; drop the column from the schema, or give the data yourself"
        )
    return found


def cells(column: Column, rows: int, rng: np.random.Generator) -> npt.NDArray[Any]:
    """Return ``rows`` values within the column's range or categories, none of them missing."""
    kind = kind_of(column)
    if column.categories:
        return _typed(column, rng.integers(len(column.categories), size=rows))
    if kind == "number":
        return _numbers(column, rows, rng)
    if kind == "whole":
        low, high = whole_range(column)
        return rng.integers(low, high, size=rows, endpoint=True, dtype=np.uint64 if low >= 0 else np.int64)
    if kind == "truth":
        return rng.random(rows) < 0.5
    if kind == "date":
        return rng.integers(0, 10**9, size=rows).astype("timedelta64[s]") + (
            np.timedelta64(0, "s") if column.dtype.startswith("t") else np.datetime64("2000-01-01", "s")
        )
    found = np.empty(rows, dtype=object)
    found[:] = _sequences(rows, rng) if kind == "sequence" else _texts(rows, rng)
    return found


def interesting(column: Column) -> list[Any]:
    """Return the values of the column at which code tends to break: its ends, zero, and each category."""
    kind = kind_of(column)
    if column.categories:
        return list(_typed(column, np.arange(len(column.categories))))
    if kind == "whole":
        first, last = whole_range(column)
        return [value for value in (first, last, 0) if first <= value <= last]
    if kind == "number":
        low, high = number_range(column)
        return [value for value in (low, high, 0.0) if low <= value <= high]
    if kind == "text":
        return ["", " ", "Zoë", "a" * 40]
    return [False, True] if kind == "truth" else []


def number_range(column: Column) -> tuple[float, float]:
    """Return the smallest and largest value of a column of numbers; -1 and 1 where it had none."""
    if column.low is None or column.high is None:
        return -1.0, 1.0
    return float(column.low), float(column.high)


def whole_range(column: Column) -> tuple[int, int]:
    """Return the smallest and largest value of a column of whole numbers, within what its dtype holds."""
    name = column.dtype.lower() if _NULLABLE.fullmatch(column.dtype) else column.dtype
    limits = np.iinfo("int64" if name in _PARTS else name)
    low, high = number_range(column)
    return max(int(np.ceil(low)), int(limits.min)), min(int(np.floor(high)), int(limits.max))


def _numbers(column: Column, rows: int, rng: np.random.Generator) -> npt.NDArray[Any]:
    low, high = number_range(column)
    share = rng.random(rows)
    # Not low + share * (high - low): the difference may be beyond float64.
    numbers: npt.NDArray[Any] = np.clip(low * (1 - share) + high * share, low, high)
    return numbers


def _typed(column: Column, codes: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Categories are kept as text; truth values come back as such."""
    categories = column.categories or ()
    found = np.empty(len(categories), dtype=object)
    found[:] = [word == "True" for word in categories] if kind_of(column) == "truth" else list(categories)
    values: npt.NDArray[Any] = found[codes]
    return values


def _texts(rows: int, rng: np.random.Generator) -> list[str]:
    lengths = rng.integers(1, 9, size=rows)
    return [" ".join(_WORDS[rng.integers(len(_WORDS), size=length)]) for length in lengths]


def _sequences(rows: int, rng: np.random.Generator) -> list[list[int]]:
    lengths = rng.integers(1, 12, size=rows)
    return [rng.integers(0, 50, size=length).tolist() for length in lengths]
