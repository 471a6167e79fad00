from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlexp.errors import EvaluatorError, MlexpError
from pytest_mlexp.records import CellRecord, DatasetRecord, Evaluation, Summary, from_dict, to_dict


@given(st.lists(st.floats(), min_size=1, max_size=5))
def test_a_cell_record_survives_json_with_every_float(values: list[float]) -> None:
    summary = Summary("loss", tuple(values), values[0], 0.0, False)
    record = CellRecord("m-d-e-cpu", "exp", "m", DatasetRecord("d"), "e", "cpu", metrics={"loss": summary})
    text = json.dumps(to_dict(record), allow_nan=False)
    back = from_dict(json.loads(text), CellRecord).metrics["loss"].values
    assert all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(values, back, strict=True))


def test_joined_evaluations_keep_the_order_of_trials() -> None:
    parts = [
        Evaluation({"a": (0.5,)}, {"a": np.array([0.0, 1.0])}),
        Evaluation({"a": (1.0,)}, {"a": np.ones(2)}),
    ]
    joined = Evaluation.join(parts)
    assert joined["a"] == 0.75
    assert joined.scores["a"].tolist() == [0, 1, 1, 1]


def test_trials_with_other_metrics_do_not_join() -> None:
    with pytest.raises(EvaluatorError, match="recall"):
        Evaluation.join([Evaluation({"a": (1.0,)}), Evaluation({"a": (1.0,), "recall": (1.0,)})])


def test_a_text_is_no_metric() -> None:
    with pytest.raises(EvaluatorError, match="not a number"):
        Evaluation({"a": "high"})  # type: ignore[dict-item]


def test_an_unknown_metric_names_the_likely_one() -> None:
    with pytest.raises(KeyError, match="did you mean 'accuracy'"):
        Evaluation({"accuracy": (1.0,)})["acuracy"]


def test_reference_outside_an_experiment_says_so() -> None:
    with pytest.raises(MlexpError, match="running experiment"):
        Evaluation({"a": (1.0,)}).reference("majority")


def test_nothing_is_no_metric_either() -> None:
    with pytest.raises(EvaluatorError, match="not a number: None"):
        Evaluation({"a": None})  # type: ignore[dict-item]


@pytest.mark.parametrize(("what", "given"), [("metrics", 0.5), ("scores", np.ones(3)), ("tables", "confusion")])
def test_the_parts_of_an_evaluation_are_mappings(what: str, given: Any) -> None:
    parts: dict[str, Any] = {"metrics": {"a": 1.0}, what: given}
    with pytest.raises(EvaluatorError, match=f"{what} of an Evaluation is of type .*: give a mapping from name to"):
        Evaluation(**parts)


def test_a_table_is_a_frame() -> None:
    with pytest.raises(EvaluatorError, match="table 'confusion' is of type ndarray: give a pandas DataFrame"):
        Evaluation({"a": 1.0}, tables={"confusion": np.ones((2, 2))})  # type: ignore[dict-item]


def test_an_evaluation_is_asked_for_its_metrics_like_a_mapping() -> None:
    evaluation = Evaluation({"a": 1.0, "b": (1.0, 2.0)})
    assert "a" in evaluation
    assert "c" not in evaluation
    assert list(evaluation) == ["a", "b"]


def test_the_spread_is_the_sample_standard_deviation() -> None:
    assert Evaluation({"a": (1.0, 3.0)}).spread("a") == pytest.approx(2**0.5)
    assert Evaluation({"a": 1.0}).spread("a") == 0.0
