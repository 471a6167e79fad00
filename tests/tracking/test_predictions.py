from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.tracking.predictions import TrialPredictions, predictions_table


def table(*trials: TrialPredictions, **scores: Any) -> pa.Table:
    return pq.read_table(io.BytesIO(predictions_table(trials, scores=scores)))


def column(values: Any) -> list[Any]:
    found: list[Any] = table(TrialPredictions(range(len(values)), 0, "s", values)).column("y_true").to_pylist()
    return found


def test_trials_are_joined_in_order_with_every_column() -> None:
    first = TrialPredictions(
        ["a", "b"], 1, "fold-0", np.array([0, 1]), np.array([0, 0]), [[0.75, 0.25], [0.5, 0.5]], [0.25, 0.5]
    )
    second = TrialPredictions(["c"], 2, "fold-1", np.array([1]), np.array([1]), [[0.0, 1.0]], [1.0])
    got = table(first, second, brier=np.array([0.1, 0.2, 0.3]))
    assert got.to_pydict() == {
        "example": ["a", "b", "c"],
        "seed": [1, 1, 2],
        "split": ["fold-0", "fold-0", "fold-1"],
        "y_true": [0, 1, 1],
        "y_pred": [0, 0, 1],
        "y_proba_0": [0.75, 0.5, 0.0],
        "y_proba_1": [0.25, 0.5, 1.0],
        "y_score": [0.25, 0.5, 1.0],
        "score_brier": [0.1, 0.2, 0.3],
    }


def test_probabilities_are_named_by_class_and_null_where_a_fold_lacked_it() -> None:
    first = TrialPredictions(["a"], 0, "fold-0", ["cat"], ["cat"], [[0.75, 0.25]], classes=np.array(["cat", "dog"]))
    second = TrialPredictions(["b"], 0, "fold-1", ["cow"], ["cow"], [[0.25, 0.75]], classes=["dog", "cow"])
    got = table(first, second).to_pydict()
    assert {name: values for name, values in got.items() if name.startswith("y_proba")} == {
        "y_proba_cat": [0.75, None],
        "y_proba_dog": [0.25, 0.25],
        "y_proba_cow": [None, 0.75],
    }


@pytest.mark.parametrize("classes", [None, ["cat"], ["cat", "cat"], [["cat"], ["dog"]]])
def test_classes_that_do_not_name_the_columns_leave_them_numbered(classes: Any) -> None:
    one = TrialPredictions(["a"], 0, "s", [0], [0], [[0.75, 0.25]], classes=classes)
    assert {"y_proba_0", "y_proba_1"} <= {*table(one).column_names}


def test_what_a_model_does_not_give_has_no_column() -> None:
    assert table(TrialPredictions([0], 0, "s", [1])).column_names == ["example", "seed", "split", "y_true"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5], [1.0, 2.5]),
        (["x", None], ["x", None]),
        ([[1, 2], [3]], [[1, 2], [3]]),
        ([{"label": "cat"}, {"label": "dog"}], [{"label": "cat"}, {"label": "dog"}]),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), [[1.0, 2.0], [3.0, 4.0]]),
        ([np.zeros((1, 2)), np.ones((2, 1))], [[[0.0, 0.0]], [[1.0], [1.0]]]),
        (np.array(["a", "b"]), ["a", "b"]),
        (np.array(["a", "b"], dtype=object), ["a", "b"]),
        ([True, False], [True, False]),
        ([b"raw", b""], [b"raw", b""]),
    ],
)
def test_any_structure_arrow_can_type_keeps_its_type(values: Any, expected: list[Any]) -> None:
    assert column(values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, "a"], [1, "a"]),
        ([{}, {}], [{}, {}]),
        ([2**70, 1], [2**70, 1]),
        ([{"box": [1, 2]}, "none"], [{"box": [1, 2]}, "none"]),
        ([1 + 2j, 0j], ["(1+2j)", "0j"]),
        (np.array([1 + 2j, 0j]), ["(1+2j)", "0j"]),
    ],
)
def test_what_arrow_cannot_type_becomes_json_text(values: Any, expected: list[Any]) -> None:
    assert [json.loads(text) for text in column(values)] == expected


def test_trials_of_different_types_share_one_column() -> None:
    trials = [TrialPredictions([0], 0, "s", np.array([1])), TrialPredictions([1], 1, "s", np.array([0.5]))]
    assert table(*trials).column("y_true").to_pylist() == [1.0, 0.5]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(values=st.lists(JSON, max_size=4))
def test_no_structure_is_refused_and_no_row_is_lost(values: list[Any]) -> None:
    assert len(column(values)) == len(values)


def test_a_frame_gives_its_values() -> None:
    pd = pytest.importorskip("pandas")
    assert column(pd.DataFrame({"a": [1, 2], "b": [3, 4]})) == [[1, 3], [2, 4]]
    assert column(pd.Series([0.5, 1.5], index=[7, 8])) == [0.5, 1.5]


def test_a_column_of_the_wrong_length_is_named() -> None:
    with pytest.raises(TrackingError, match=r"'score_auc' has 2 values for 1 examples"):
        table(TrialPredictions([0], 0, "s", [1]), auc=[0.1, 0.2])
