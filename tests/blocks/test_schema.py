from __future__ import annotations

import msgspec
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.datasets import load_iris

from pytest_mlexp.blocks.schema import Column, Schema, schema_json, schema_of


def test_a_mixed_frame_is_described_column_by_column() -> None:
    frame = pd.DataFrame(
        {
            "amount": [1.5, np.nan, 3.0],
            "plan": pd.Categorical(["a", None, "b"], categories=["b", "a", "c"]),
            "name": ["x", "y", None],
            "paid": [True, False, True],
            "count": pd.array([1, None, 5], dtype="Int64"),
            "since": pd.date_range("2024-01-01", periods=3),
        }
    )
    text = str(frame["name"].dtype)
    assert schema_of(frame, None) == Schema(
        3,
        (
            Column("amount", "float64", 1, 1.5, 3.0),
            Column("plan", "category", 1, categories=("b", "a", "c")),
            Column("name", text, 1, categories=("x", "y")),
            Column("paid", "bool", 0, categories=("False", "True")),
            Column("count", "Int64", 1, 1.0, 5.0),
            Column("since", str(frame["since"].dtype), 0),
        ),
        (),
    )


def test_iris_keeps_names_and_ranges() -> None:
    iris = load_iris(as_frame=True)
    schema = schema_of(iris.data, iris.target)
    assert schema.rows == 150
    assert schema.columns[0] == Column("sepal length (cm)", "float64", 0, 4.3, 7.9)
    assert schema.target == (Column("target", str(iris.target.dtype), 0, 0.0, 2.0),)


def test_array_columns_are_numbered() -> None:
    X = np.array([[1.0, np.inf, np.nan], [2.0, 5.0, np.nan]], dtype="f4")
    schema = schema_of(X, np.array(["no", "yes"]))
    assert schema.columns == (
        Column("x0", "float32", 0, 1.0, 2.0),
        Column("x1", "float32", 0, 5.0, 5.0),
        Column("x2", "float32", 2),
    )
    assert schema.target == (Column("y", "<U3", 0, categories=("no", "yes")),)


def test_only_the_first_thousand_columns_of_an_array_are_described() -> None:
    images = np.zeros((2, 3, 400), dtype="u1")
    assert [column.name for column in schema_of(images, images[:, 0, :2]).columns][-1] == "x999"
    assert [column.name for column in schema_of(images, images[:, 0, :2]).target] == ["y0", "y1"]


def test_a_sparse_matrix_is_described_like_its_dense_twin() -> None:
    dense = np.array([[0.0, -1.0, 3.0], [0.0, 0.0, 2.0]])
    assert schema_of(sparse.coo_array(dense), None) == schema_of(dense, None)


@pytest.mark.parametrize(
    ("records", "column"),
    [
        (["a", None, "b"], Column("record", "str", 1, categories=("a", "b"))),
        ([{"a": 1}, [2]], Column("record", "dict|list", 0)),
        ([1, 2.5, float("nan")], Column("record", "float|int", 1, 1.0, 2.5)),
        ([[1, 2], [3]], Column("record", "list", 0)),
    ],
)
def test_records_are_one_column(records: list[object], column: Column) -> None:
    assert schema_of(records, None).columns == (column,)


def test_categories_are_at_most_fifty_and_free_text_has_none() -> None:
    texts = [f"text {number:03}" for number in range(60)]
    declared = schema_of(pd.DataFrame({"c": pd.Categorical(texts)}), None).columns[0].categories
    assert declared is not None
    assert declared == tuple(texts[:50])
    assert schema_of(texts, None).columns[0].categories is None


def test_a_schema_comes_back_from_its_json() -> None:
    schema = schema_of(np.array([[1.0, np.inf], [np.nan, -np.inf]]), ["a", "b"])
    assert msgspec.json.decode(schema_json(schema), type=Schema) == schema
