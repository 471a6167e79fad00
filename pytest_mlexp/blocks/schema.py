"""What the columns of a dataset look like, and the checks that they fit together."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from pytest_mlexp.blocks.splitting import is_a, row_count
from pytest_mlexp.errors import DataError
from pytest_mlexp.naming import nearest

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

MOST_CATEGORIES = 50
MOST_ARRAY_COLUMNS = 1000


@dataclass(frozen=True)
class Column:
    """One column of a dataset.

    Attributes:
        name: the column's label; ``x0``, ``x1`` ... in an array, ``record`` for a plain sequence.
        dtype: the dtype, or for a plain sequence the types of its items joined by ``|``.
        nulls: how many values are missing.
        low: the smallest finite number, None where there is none.
        high: the largest finite number, None where there is none.
        categories: the declared categories (the first 50), or the distinct strings where these are at most 50.
    """

    name: str
    dtype: str
    nulls: int
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Schema:
    """The columns of a dataset's examples and of its targets (none where it has no target)."""

    rows: int
    columns: tuple[Column, ...]
    target: tuple[Column, ...]


def schema_of(X: Any, y: Any) -> Schema:
    """Return the schema of examples ``X`` and targets ``y`` (or None)."""
    target = () if y is None else tuple(_columns(y, prefix="y", alone="y"))
    alone = "record" if isinstance(X, list | tuple | range) else "x0"
    return Schema(row_count(X, what="X"), tuple(_columns(X, prefix="x", alone=alone)), target)


def schema_json(schema: Schema) -> str:
    """Return ``schema`` as JSON; ``msgspec.json.decode(text, type=Schema)`` gives it back."""
    return msgspec.json.encode(schema).decode()


def is_pandas(*values: Any) -> bool:
    """Whether all of these are frames or series."""
    return all(is_a(value, "pandas", "DataFrame", "Series") for value in values)


def check_rows(*, X: Any, **others: Any) -> int:
    """Return the number of rows of ``X``, after checking that the others have as many and the same index.

    Raises:
        DataError: it is not so.
    """
    rows = row_count(X, what="X")
    if not rows:
        raise DataError("X has no rows: a dataset needs at least two, one to train on and one to test on")
    for what, values in others.items():
        if values is None:
            continue
        count = row_count(values, what=what)
        if count != rows:
            raise DataError(
                f"X has {rows} rows, {what} has {count}: a dataset needs one of each per example, look where rows "
                "were dropped or added"
            )
        if what != "examples" and is_pandas(X, values) and not X.index.equals(values.index):
            raise DataError(
                f"X and {what} have different indexes, so their rows may not belong together: align them with "
                f"reindex, or give {what} as an array if the order is right"
            )
    return rows


def identities(examples: Any) -> npt.NDArray[Any]:
    """Return unique identities as an array of shape ``(rows,)``.

    Raises:
        DataError: it is not so.
    """
    if isinstance(examples, list | tuple | range):
        kinds = set(map(type, examples))
        found = np.empty(len(examples), dtype=object)
        found[:] = examples
        found = np.asarray(examples) if kinds in ({int}, {str}) else found
    else:
        found = examples if isinstance(examples, np.ndarray) else examples.to_numpy()
    if found.ndim != 1:
        raise DataError(f"examples has shape {found.shape}: give one identity per row")
    places: dict[Any, int] = {}
    try:
        twice = next(((i, v) for i, v in enumerate(found.tolist()) if places.setdefault(v, i) != i), None)
    except TypeError as error:
        raise DataError(f"examples hold something that is no identity ({error}): use numbers or strings") from error
    if twice is not None:
        raise DataError(
            f"identity {twice[1]!r} stands at rows {places[twice[1]]} and {twice[0]}: identities must be unique; give "
            "others with examples=, or for a frame use reset_index(drop=True)"
        )
    return found


def check_groups(groups: Any) -> None:
    """Check that every row has a group label.

    Raises:
        DataError: it is not so.
    """
    if groups is None:
        return
    if getattr(groups, "ndim", 1) != 1:
        raise DataError(f"groups has shape {groups.shape}: give one label per row")
    missing = groups.isna().to_numpy() if is_pandas(groups) else np.array([_is_null(label) for label in groups])
    if missing.any():
        raise DataError(
            f"groups has no label at row {int(missing.argmax())} and {int(missing.sum()) - 1} more: give every row "
            "one, a label such as 'unknown' will do"
        )


def check_weights(weights: Any) -> None:
    """Check that every row has a finite number.

    Raises:
        DataError: it is not so.
    """
    if weights is None:
        return
    found = np.asarray(weights)
    if found.ndim != 1 or found.dtype.kind not in "iuf" or not np.isfinite(found).all():
        raise DataError(
            f"sample_weight ({found.dtype}, shape {found.shape}) must be one finite number per row: fill the gaps, "
            "or convert it with astype(float)"
        )


def frame_without(frame: Any, special: list[Any], *, where: str) -> pd.DataFrame:
    """Return ``frame`` without the ``special`` columns, after checking that these are there; ``where`` names it.

    Raises:
        DataError: it is not so.
    """
    if not is_a(frame, "pandas", "DataFrame"):
        raise DataError(f"{where} is of type {type(frame).__qualname__}, not a pandas DataFrame: use from_arrays")
    if not frame.columns.is_unique:
        raise DataError(f"{where} has columns of the same name: {list(frame.columns[frame.columns.duplicated()])}")
    for column in special:
        if not isinstance(column, Hashable) or column not in frame.columns:
            raise DataError(f"{where} has no column {column!r}; {nearest(str(column), map(str, frame.columns))}")
    if len(set(special)) < len(special):
        raise DataError(f"columns {special} of {where}: each can be only one of target, groups and sample_weight")
    X: pd.DataFrame = frame.drop(columns=special)
    if not X.shape[1]:
        raise DataError(f"{where} has no column left for X besides {special}")
    return X


def check_records(items: list[Any], target: Hashable) -> None:
    """Check that every record is a dict with the target's key.

    Raises:
        DataError: it is not so.
    """
    for number, item in enumerate(items):
        if not isinstance(item, Mapping):
            raise DataError(f"record {number} is a {type(item).__qualname__}, no dict: give targets= as a sequence")
        if target not in item:
            raise DataError(f"record {number} has no key {target!r}; {nearest(str(target), map(str, item))}")


def kind_of(values: Any) -> tuple[object, ...]:
    """What two parts must have in common to be joined without changing either."""
    if is_a(values, "pandas", "DataFrame"):
        return ("DataFrame", list(values.columns), list(values.dtypes))
    if is_a(values, "pandas", "Series"):
        return ("Series", values.name, values.dtype)
    if isinstance(values, np.ndarray) or is_a(values, "scipy.sparse", "spmatrix", "sparray"):
        return ("array" if isinstance(values, np.ndarray) else "sparse matrix", values.shape[1:], values.dtype.kind)
    return ("list",)


def _columns(values: Any, *, prefix: str, alone: str) -> Iterator[Column]:
    if is_a(values, "pandas", "DataFrame"):
        for label, series in values.items():
            yield _of_series(str(label), series)
    elif is_a(values, "pandas", "Series"):
        yield _of_series(alone if values.name is None else str(values.name), values)
    elif is_a(values, "scipy.sparse", "spmatrix", "sparray"):
        yield from _of_sparse(values, prefix=prefix)
    elif isinstance(values, np.ndarray):
        yield from _of_array(values, prefix=prefix, alone=alone)
    else:
        yield _of_items(alone, values)


def _of_series(name: str, series: Any) -> Column:
    from pandas import CategoricalDtype
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    dtype, nulls = str(series.dtype), int(series.isna().sum())
    if isinstance(series.dtype, CategoricalDtype):
        kept = tuple(str(category) for category in series.cat.categories[:MOST_CATEGORIES])
        return Column(name, dtype, nulls, categories=kept)
    known = series.dropna()
    if is_numeric_dtype(series.dtype) and not is_bool_dtype(series.dtype):
        array = known.to_numpy()
        if array.dtype.kind in "iuf" or not array.size:
            low, high = _range(array.reshape(-1, 1))[0]
            return Column(name, dtype, nulls, low, high)
    return Column(name, dtype, nulls, categories=_distinct(known.tolist()))


def _of_array(values: npt.NDArray[Any], *, prefix: str, alone: str) -> Iterator[Column]:
    width = values.size // max(len(values), 1)
    # Only the columns that are described are looked at: images have more than any schema should.
    table = values.reshape(len(values), width)[:, :MOST_ARRAY_COLUMNS]
    names = [alone] if values.ndim == 1 else [f"{prefix}{number}" for number in range(table.shape[1])]
    dtype = str(values.dtype)
    if values.dtype.kind in "iuf":
        for name, missing, (low, high) in zip(names, np.isnan(table).sum(axis=0), _range(table), strict=True):
            yield Column(name, dtype, int(missing), low, high)
    else:
        for number, name in enumerate(names):
            yield _of_items(name, table[:, number].tolist(), dtype=dtype)


def _of_sparse(values: Any, *, prefix: str) -> Iterator[Column]:
    block = values.tocsc()[:, :MOST_ARRAY_COLUMNS]
    block.sum_duplicates()
    for number in range(block.shape[1]):
        stored = block.data[block.indptr[number] : block.indptr[number + 1]]
        zeros = np.zeros(1 if stored.size < block.shape[0] else 0, dtype=stored.dtype)
        ((low, high),) = _range(np.concatenate([stored, zeros]).reshape(-1, 1))
        yield Column(f"{prefix}{number}", str(values.dtype), int(np.isnan(stored).sum()), low, high)


def _of_items(name: str, values: Iterable[Any], *, dtype: str | None = None) -> Column:
    items = list(values)
    known = [item for item in items if not _is_null(item)]
    kinds = "|".join(sorted({type(item).__name__ for item in known}))
    low = high = None
    if known and all(isinstance(item, int | float | np.number) and not isinstance(item, bool) for item in known):
        low, high = _range(np.array([float(item) for item in known]).reshape(-1, 1))[0]
    return Column(name, dtype or kinds, len(items) - len(known), low, high, _distinct(known))


def _is_null(item: Any) -> bool:
    if item is None or is_a(item, "pandas.api.typing", "NAType", "NaTType"):
        return True
    scalar = isinstance(item, float | np.floating | np.datetime64 | np.timedelta64)
    return scalar and bool(np.isnan(item) if isinstance(item, float | np.floating) else np.isnat(item))


def _distinct(values: list[Any]) -> tuple[str, ...] | None:
    """The distinct strings or truth values of a column; None for other types and for free text."""
    if not values or not all(isinstance(value, str | bool | np.bool_) for value in values):
        return None
    found = sorted({str(value) for value in values})
    return tuple(found) if len(found) <= MOST_CATEGORIES else None


def _range(table: npt.NDArray[Any]) -> list[tuple[float | None, float | None]]:
    """The smallest and largest finite number of each column, shape ``(rows, columns)``."""
    numbers = table.astype(np.float64, copy=False)
    finite = np.isfinite(numbers)
    lows = np.min(numbers, axis=0, initial=np.inf, where=finite)
    highs = np.max(numbers, axis=0, initial=-np.inf, where=finite)
    return [
        (low, high) if low <= high else (None, None) for low, high in zip(lows.tolist(), highs.tolist(), strict=True)
    ]
