from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from pytest_mlexp.blocks.schema import Column, Schema, schema_of
from pytest_mlexp.errors import DataError
from pytest_mlexp.mocks import datasets
from pytest_mlexp.strategies import (
    arrays_like,
    datasets_like,
    frames_like,
    load_schema,
    records_like,
    save_schema,
)

WIDE = Schema(
    100,
    tuple(
        Column(f"{kind}{number}", dtype, nulls, low, high, words)
        for number in range(4)
        for kind, dtype, nulls, low, high, words in (
            ("price", "float64", 7, -2.5, 1e6, None),
            ("count", "int64", 0, 0.0, 12.0, None),
            ("plan", "category", 5, None, None, ("basic", "free", "gold")),
            ("city", "str", 0, None, None, ("Paris", "Tokyo")),
            ("since", "datetime64[ns]", 2, None, None, None),
        )
    ),
    (Column("left", "bool", 0, categories=("False", "True")),),
)


NARROW = Schema(
    100,
    (Column("a", "float64", 7, -2.5, 1e6), Column("b", "int64", 0, 0.0, 12.0), Column("c", "str", 0)),
    (),
)
SHRINK = settings(max_examples=500, database=None, derandomize=True)
SEARCH = settings(SHRINK, phases=[Phase.generate])


def fits(made: Column, schema: Column) -> bool:
    """Whether a drawn column is of the name, dtype, range, gaps and categories of a schema's."""
    ends = (schema.low, made.low, made.high, schema.high)
    numbers = [end for end in ends if end is not None]
    within = made.low is None or (len(numbers) == 4 and numbers == sorted(numbers))
    known = schema.categories is None or set(made.categories or ()) <= set(schema.categories)
    dtype = set(made.dtype.split("|")) <= {*schema.dtype.split("|"), ""}
    return made.name == schema.name and dtype and within and known and bool(made.nulls) <= bool(schema.nulls)


def check(X: Any, y: Any, schema: Schema) -> None:
    made = schema_of(X, y)
    pairs = zip([*made.columns, *made.target], [*schema.columns, *schema.target], strict=True)
    assert [(ours, theirs) for ours, theirs in pairs if not fits(ours, theirs)] == []


@given(frames_like(WIDE))
def test_frames_fit_their_schema(frame: pd.DataFrame) -> None:
    check(frame, None, Schema(WIDE.rows, WIDE.columns, ()))


@given(arrays_like(datasets.regression().schema, max_rows=20))
def test_arrays_fit_their_schema(array: Any) -> None:
    assert array.ndim == 2
    schema = datasets.regression().schema
    check(array, None, Schema(schema.rows, schema.columns, ()))


@given(records_like(datasets.text().schema))
def test_texts_fit_their_schema(records: list[Any]) -> None:
    assert {type(record) for record in records} == {str}


@given(records_like(datasets.sequences().schema))
def test_sequences_fit_their_schema(records: list[Any]) -> None:
    assert {type(token) for record in records for token in record} <= {int}


SCHEMAS = (WIDE, datasets.frame().schema, datasets.multiclass().schema, datasets.text().schema)


@given(st.sampled_from(SCHEMAS), st.data())
def test_datasets_fit_their_schema_and_train_on_every_class(schema: Schema, data: st.DataObject) -> None:
    dataset = data.draw(datasets_like(schema, min_rows=8))
    check(dataset.X, dataset.y, schema)
    (split,) = dataset.splits
    assert set(dataset.test(split).y) <= set(dataset.train(split).y)


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(NUMBERS, NUMBERS, st.sampled_from(["float64", "Float64"]), st.integers(0, 3), st.data())
def test_any_range_is_kept(one: float, other: float, dtype: str, nulls: int, data: st.DataObject) -> None:
    schema = Schema(10, (Column("a", dtype, nulls, min(one, other), max(one, other)),), ())
    check(data.draw(frames_like(schema)), None, schema)


WHOLE = st.integers(-(2**53), 2**53)


@given(WHOLE, WHOLE, st.data())
def test_any_whole_range_is_kept(one: int, other: int, data: st.DataObject) -> None:
    X = np.array([[one], [other]])
    check(data.draw(arrays_like(schema_of(X, None))), None, schema_of(X, None))


@settings(max_examples=100, suppress_health_check=[])
@given(frames_like(WIDE, min_rows=200, max_rows=200))
def test_drawing_200_rows_of_20_columns_passes_the_health_checks(frame: pd.DataFrame) -> None:
    assert frame.shape == (200, 20)


@pytest.mark.parametrize(("column", "value"), [("a", 1e6), ("a", -2.5), ("a", 0.0), ("b", 12), ("c", "")])
def test_interesting_cells_are_drawn(column: str, value: Any) -> None:
    found = find(frames_like(NARROW), lambda frame: bool((frame[column] == value).any()), settings=SEARCH)
    assert value in found[column].tolist()


def test_gaps_are_drawn_in_few_rows_too() -> None:
    full = find(frames_like(NARROW, max_rows=2), lambda frame: bool(frame["a"].notna().all()), settings=SEARCH)
    gaps = find(frames_like(NARROW, max_rows=2), lambda frame: bool(frame["a"].isna().any()), settings=SEARCH)
    assert full["a"].notna().all()
    assert gaps["a"].isna().any()


def test_examples_shrink_to_few_rows() -> None:
    found = find(frames_like(NARROW), lambda frame: bool((frame["b"] > 3).any()), settings=SHRINK)
    assert len(found) <= 3


def test_a_schema_is_saved_as_text_and_read_back(tmp_path: Path) -> None:
    save_schema(tmp_path / "wide.json", WIDE)
    assert load_schema(tmp_path / "wide.json") == WIDE
    assert len((tmp_path / "wide.json").read_text(encoding="utf-8").splitlines()) > 20


def test_a_file_without_schema_is_said(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"rows": "many"}', encoding="utf-8")
    with pytest.raises(DataError, match=r"other\.json holds no schema"):
        load_schema(tmp_path / "other.json")
    with pytest.raises(DataError, match="write one with save_schema"):
        load_schema(tmp_path / "none.json")


@pytest.mark.parametrize(("least", "most"), [(0, 5), (6, 5)])
def test_row_numbers_must_be_a_range(least: int, most: int) -> None:
    with pytest.raises(DataError, match="no range of row numbers"):
        frames_like(WIDE, min_rows=least, max_rows=most)


def test_hypothesis_is_imported_when_a_strategy_is_made_and_not_before() -> None:
    code = (
        "import sys; from pytest_mlexp import mocks, strategies\n"
        "assert not {'hypothesis', 'pandas', 'sklearn'} & set(sys.modules), sorted(sys.modules)\n"
        "strategies.frames_like(mocks.datasets.binary().schema); assert 'hypothesis' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
