"""Hypothesis strategies for data like a given dataset's, from its schema and without its rows.

Hypothesis draws how many rows there are, a seed, and a few interesting cells (ends of ranges, zeros, each category,
gaps, empty texts); a seeded generator fills the rest, because drawing every cell is slow. Data is built to the
schema, nothing is drawn and thrown away. Save the schema once, commit the file, and test without the data::

    save_schema("tests/telco.json", dataset.schema)

    @given(frames_like(load_schema("tests/telco.json")))
    def test_features_keep_rows(frame):
        assert len(features(frame)) == len(frame)
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.blocks.schema import Schema
from pytest_mlexp.blocks.schema_file import load_schema, save_schema
from pytest_mlexp.errors import DataError
from pytest_mlexp.mocks.tables import Container, Edit, Recipe, examples, targets

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd
    from hypothesis.strategies import SearchStrategy

__all__ = ["arrays_like", "datasets_like", "frames_like", "load_schema", "records_like", "save_schema"]

MOST_EDITS = 8
LARGEST_SEED = 2**32 - 1


def frames_like(schema: Schema, *, min_rows: int = 1, max_rows: int = 50) -> SearchStrategy[pd.DataFrame]:
    """Return pandas frames with the columns of ``schema``.

    Raises:
        DataError: the row numbers are no range; while drawing, when a column cannot be made.
    """
    return _recipes(min_rows, max_rows).map(partial(examples, schema, container="frame"))


def arrays_like(schema: Schema, *, min_rows: int = 1, max_rows: int = 50) -> SearchStrategy[npt.NDArray[Any]]:
    """Return numpy arrays of shape ``(rows, columns)`` in the dtype of the schema's first column.

    Raises:
        DataError: as :func:`frames_like`.
    """
    return _recipes(min_rows, max_rows).map(partial(examples, schema, container="array"))


def records_like(schema: Schema, *, min_rows: int = 1, max_rows: int = 50) -> SearchStrategy[list[Any]]:
    """Return lists of texts, numbers or token lists, from a schema of one column.

    Raises:
        DataError: as :func:`frames_like`, or the schema has more columns.
    """
    return _recipes(min_rows, max_rows).map(partial(examples, schema, container="records"))


def datasets_like(
    schema: Schema, *, min_rows: int = 4, max_rows: int = 50, container: Container | None = None
) -> SearchStrategy[Dataset]:
    """Return datasets with the examples and targets of ``schema``, the last quarter of the rows for the test.

    Every class of the target stands in the training part where it has rows enough. The container is
    found as by :func:`pytest_mlexp.mocks.datasets.like`.

    Raises:
        DataError: as :func:`frames_like`.
    """
    return _recipes(max(min_rows, 2), max_rows).map(partial(_dataset, schema, container))


def _dataset(schema: Schema, container: Container | None, recipe: Recipe) -> Dataset:
    X, y = examples(schema, recipe, container=container), targets(schema, recipe, container=container)
    first = recipe.rows - max(recipe.rows // 4, 1)
    return Dataset.from_arrays(X, y, split=(range(first), range(first, recipe.rows)))


def _recipes(min_rows: int, max_rows: int) -> SearchStrategy[Recipe]:
    from hypothesis import strategies as st

    if not 1 <= min_rows <= max_rows:
        raise DataError(f"min_rows={min_rows} and max_rows={max_rows} are no range of row numbers: 1 <= min <= max")
    # Places count around, so that no draw depends on another: that keeps drawing fast and shrinking simple.
    place = st.integers(0, 999)
    edits = st.lists(st.builds(Edit, column=place, row=place, choice=place), max_size=MOST_EDITS)
    seeds = st.integers(0, LARGEST_SEED)
    return st.builds(Recipe, rows=st.integers(min_rows, max_rows), seed=seeds, edits=edits.map(tuple))
