from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.blocks.schema import Column, Schema, schema_json, schema_of
from pytest_mlexp.blocks.schema_file import save_schema
from pytest_mlexp.errors import DataError
from pytest_mlexp.mocks import datasets

MAKERS = (
    datasets.binary,
    datasets.multiclass,
    datasets.imbalanced,
    datasets.regression,
    datasets.multi_output,
    datasets.frame,
    datasets.text,
    datasets.sequences,
)
each = pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)


def parts(dataset: Dataset) -> tuple[Any, Any]:
    (split,) = dataset.splits
    return dataset.train(split), dataset.test(split)


@each
@pytest.mark.parametrize("rows", [4, 33])
def test_rows_are_as_many_as_asked_and_the_seed_alone_decides(make: Callable[..., Dataset], rows: int) -> None:
    dataset = make(rows=rows, seed=1)
    assert len(dataset) == rows
    assert dataset.digest == make(rows=rows, seed=1).digest != make(rows=rows, seed=2).digest


@pytest.mark.parametrize("make", [datasets.binary, datasets.multiclass, datasets.imbalanced, datasets.text])
def test_every_class_is_in_the_training_part(make: Callable[..., Dataset]) -> None:
    train, test = parts(make(rows=40))
    assert set(test.y) <= set(train.y)


@pytest.mark.parametrize("make", [datasets.binary, datasets.multiclass, datasets.imbalanced])
def test_classes_can_be_learnt(make: Callable[..., Dataset]) -> None:
    train, test = parts(make())
    assert LogisticRegression().fit(train.X, train.y).score(test.X, test.y) > 0.8


@pytest.mark.parametrize("make", [datasets.regression, datasets.multi_output])
def test_numbers_can_be_learnt(make: Callable[..., Dataset]) -> None:
    train, test = parts(make())
    assert LinearRegression().fit(train.X, train.y).score(test.X, test.y) > 0.9


def test_the_rare_class_is_rare() -> None:
    assert 0 < np.mean(datasets.imbalanced(rows=400).y) < 0.08


def test_outputs_and_classes_are_as_many_as_asked() -> None:
    assert datasets.multi_output(outputs=3).y.shape == (200, 3)
    assert len(set(datasets.multiclass(classes=5).y)) == 5


def test_the_frame_has_categories_gaps_and_an_index_of_its_own() -> None:
    X = datasets.frame().X
    assert isinstance(X["plan"].dtype, pd.CategoricalDtype)
    assert X["plan"].isna().any()
    assert X["age"].isna().any()
    assert not X.index.equals(pd.RangeIndex(len(X)))


def test_sequences_differ_in_length_and_their_target_is_the_reversal() -> None:
    dataset = datasets.sequences()
    assert len({len(tokens) for tokens in dataset.X}) > 1
    assert dataset.y[0] == dataset.X[0][::-1]


@each
@pytest.mark.parametrize("rows", [5, 60])
def test_data_like_a_schema_has_that_schema(make: Callable[..., Dataset], rows: int) -> None:
    schema = make().schema
    made = datasets.like(schema, rows=rows).schema
    assert [column.name for column in made.columns] == [column.name for column in schema.columns]
    for ours, theirs in zip([*made.columns, *made.target], [*schema.columns, *schema.target], strict=True):
        assert (ours.name, ours.dtype) == (theirs.name, theirs.dtype)
        assert bool(ours.nulls) == bool(theirs.nulls) or rows == 5


def test_like_covers_every_class_of_the_training_part() -> None:
    train, _ = parts(datasets.like(datasets.multiclass(classes=4).schema, rows=12))
    assert len(set(train.y)) == 4


def test_like_takes_a_schema_its_json_or_its_file(tmp_path: Path) -> None:
    schema = datasets.frame().schema
    save_schema(tmp_path / "frame.json", schema)
    digests = {
        datasets.like(given, rows=9).digest
        for given in (schema, schema_json(schema), tmp_path / "frame.json", str(tmp_path / "frame.json"))
    }
    assert len(digests) == 1


def test_the_container_can_be_chosen() -> None:
    schema = datasets.binary().schema
    assert isinstance(datasets.like(schema).X, np.ndarray)
    made = datasets.like(schema, container="frame")
    assert list(made.X.columns) == ["x0", "x1", "x2", "x3"]


NUMERIC = ("float32", "uint8", "int64", "Int64", "UInt8", "Float32")


@pytest.mark.parametrize(
    ("dtype", "nulls"),
    [
        *((dtype, 0) for dtype in (*NUMERIC, "boolean", "bool", "string", "str", "object", "category")),
        *((dtype, 3) for dtype in ("float32", "Int64", "Float32", "boolean", "string", "str", "object", "category")),
    ],
)
def test_each_dtype_of_a_frame_comes_back(dtype: str, nulls: int) -> None:
    numeric = dtype in NUMERIC
    words = ("a", "b") if dtype == "category" else None
    column = Column("c", dtype, nulls, 0.0 if numeric else None, 7.0 if numeric else None, words)
    made = datasets.like(Schema(10, (column, Column("other", "int64", 0, 0.0, 1.0)), ()), rows=20).schema.columns[0]
    assert (made.dtype, bool(made.nulls)) == (dtype, bool(nulls))
    if numeric:
        assert made.low is not None
        assert made.high is not None
        assert 0 <= made.low <= made.high <= 7


@pytest.mark.parametrize("dtype", ["datetime64[ns]", "datetime64[us, UTC]", "timedelta64[ns]"])
@pytest.mark.parametrize("nulls", [0, 3])
def test_dates_come_back_with_unit_and_zone(dtype: str, nulls: int) -> None:
    X = datasets.like(Schema(10, (Column("when", dtype, nulls),), ()), rows=20).X
    assert str(X["when"].dtype) == dtype
    assert bool(X["when"].isna().any()) == bool(nulls)


def test_the_widest_ranges_are_kept() -> None:
    wide = np.array([[-1.7e308], [1.7e308]])
    whole = np.array([[-(2**63)], [2**63 - 1]])
    for X in (wide, whole):
        made = datasets.like(schema_of(X, None), rows=50).X
        assert made.dtype == X.dtype
        assert X.min() <= made.min() <= made.max() <= X.max()


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (Schema(4, (Column("z", "complex128", 0),), ()), "column 'z' holds complex128"),
        (Schema(4, (Column("record", "dict", 0),), ()), "column 'record' holds dict"),
        (Schema(4, (), ()), "no columns"),
        ("{}", "holds no schema"),
        ("nowhere.json", "no schema can be read from nowhere.json"),
    ],
)
def test_what_cannot_be_made_is_said(schema: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        datasets.like(schema)


def test_one_row_is_too_few() -> None:
    with pytest.raises(DataError, match="at least 2"):
        datasets.like(datasets.binary().schema, rows=1)
