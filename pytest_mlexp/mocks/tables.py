"""Examples and targets from a schema: frames, arrays and records, with gaps where the schema has them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pytest_mlexp.blocks.schema import Column, Schema
from pytest_mlexp.errors import DataError
from pytest_mlexp.mocks.cells import cells, interesting, kind_of, whole_range

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

Container = Literal["frame", "array", "records"]
MOST_COVERED = 50


@dataclass(frozen=True)
class Edit:
    """Put the ``choice``-th interesting value of a column into a row; all three count around."""

    column: int
    row: int
    choice: int


@dataclass(frozen=True)
class Recipe:
    """What data to make: how many rows, from which seed, with which cells put in by hand."""

    rows: int
    seed: int = 0
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True)
class Filled:
    """A column with its values, and which of them are missing."""

    column: Column
    found: npt.NDArray[Any]
    gaps: npt.NDArray[np.bool_]


def container_of(schema: Schema) -> Container:
    """Return what a schema was most likely made from, by the names of its columns."""
    names = [column.name for column in schema.columns]
    if names == ["record"]:
        return "records"
    numbered = names == [f"x{number}" for number in range(len(names))]
    return "array" if numbered and len({column.dtype for column in schema.columns}) == 1 else "frame"


def examples(schema: Schema, recipe: Recipe, *, container: Container | None = None) -> Any:
    """Return the examples ``X`` that a recipe makes of a schema.

    Raises:
        DataError: the schema has no columns, or ones that cannot be made or do not fit the container.
    """
    if not schema.columns:
        raise DataError("the schema has no columns, so there is nothing to make: take it from dataset.schema")
    rng = np.random.default_rng(recipe.seed)
    filled = [_filled(column, recipe, rng, of=schema.rows) for column in schema.columns]
    for edit in recipe.edits:
        _edit(filled[edit.column % len(filled)], edit, of=schema.rows)
    return _contained(filled, container or container_of(schema), alone=False)


def targets(schema: Schema, recipe: Recipe, *, container: Container | None = None) -> Any:
    """Return the targets ``y`` of a recipe; every class stands among the first rows. None without a target."""
    if not schema.target:
        return None
    rng = np.random.default_rng([recipe.seed, 1])
    filled = [_filled(column, recipe, rng, of=schema.rows) for column in schema.target]
    for one in filled:
        _cover(one)
    return _contained(filled, container or container_of(schema), alone=len(filled) == 1)


def _filled(column: Column, recipe: Recipe, rng: np.random.Generator, *, of: int) -> Filled:
    values = cells(column, recipe.rows, rng)
    gaps = np.zeros(recipe.rows, dtype=bool)
    # Rounded up or down by chance, so that few rows have a gap in few of the draws.
    missing = min(recipe.rows, int(recipe.rows * column.nulls / max(of, 1) + rng.random()))
    gaps[rng.permutation(recipe.rows)[:missing]] = True
    return Filled(column, values, gaps)


def _edit(filled: Filled, edit: Edit, *, of: int) -> None:
    row = edit.row % len(filled.found)
    choices = interesting(filled.column)
    optional = 0 < filled.column.nulls < of
    choice = edit.choice % (len(choices) + optional) if choices or optional else None
    if choice is None or filled.column.nulls >= of > 0:
        return
    filled.gaps[row] = choice == len(choices)
    if choice < len(choices):
        filled.found[row] = choices[choice]


def _cover(filled: Filled) -> None:
    column, values = filled.column, filled.found
    choices: Sequence[Any] = interesting(column) if column.categories else ()
    if kind_of(column) == "whole" and not choices:
        low, high = whole_range(column)
        choices = range(low, high + 1) if high - low < MOST_COVERED else ()
    for row, value in zip(range(len(values)), choices, strict=False):
        values[row] = value


def _contained(filled: list[Filled], container: Container, *, alone: bool) -> Any:
    if container == "frame":
        frame = _frame(filled)
        return frame.iloc[:, 0] if alone else frame
    if container == "array":
        arrays = [_array(one) for one in filled]
        return arrays[0] if alone else np.column_stack(arrays).astype(arrays[0].dtype)
    rows = [_plain(one) for one in filled]
    if len(rows) > 1:
        raise DataError(f"a schema of {len(rows)} columns does not fit records of one value: use container='frame'")
    return rows[0]


def _frame(filled: Iterable[Filled]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({one.column.name: _series(one) for one in filled})


def _series(filled: Filled) -> pd.Series[Any]:
    import pandas as pd

    dtype, kind = filled.column.dtype, kind_of(filled.column)
    if dtype == "category":
        known = list(filled.column.categories or ())
        return pd.Series(pd.Categorical(_with_none(filled), categories=known))
    if kind == "number" and dtype.startswith("float"):
        return pd.Series(_array(filled))
    made: Any = pd.Series(filled.found)
    if kind == "date" and "," in dtype:
        made = made.dt.tz_localize(dtype.partition(", ")[2].rstrip("]"))
    made = made.astype(dtype)
    gapped: pd.Series[Any] = made.mask(filled.gaps) if filled.gaps.any() else made
    return gapped


def _array(filled: Filled) -> npt.NDArray[Any]:
    dtype = filled.column.dtype
    if kind_of(filled.column) == "number" and dtype != "object":
        return np.where(filled.gaps, np.nan, filled.found.astype(np.float64)).astype(dtype)
    return _with_none(filled).astype(dtype if not filled.gaps.any() else object)


def _with_none(filled: Filled) -> npt.NDArray[Any]:
    values = filled.found.astype(object)
    values[filled.gaps] = None
    return values


def _plain(filled: Filled) -> list[Any]:
    whole = kind_of(filled.column) == "number" and "float" not in filled.column.dtype
    values = [int(value) if whole else value for value in filled.found.tolist()]
    return [None if gap else value for value, gap in zip(values, filled.gaps, strict=True)]
