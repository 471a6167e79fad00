"""A column that gates cannot slice by is told as soon as the data are there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.errors import DataError
from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.flow import Flow
from pytest_mlexp.matrix import expand


def never() -> Any:
    pytest.fail("fitted")


def experiment() -> Experiment:
    """Two models and two evaluators; the second model runs on any device."""
    declared = Experiment("e")
    rows = pd.DataFrame({"x": np.arange(40.0), "region": ["north", "south"] * 20, "y": [0, 1] * 20})
    declared.dataset(lambda: Dataset.from_frame(rows, target="y", split=0.5), name="rows")
    declared.model(never, name="first")
    declared.model(lambda device: never(), name="second")
    declared.evaluator(lambda y_pred: 0.0, name="mean", maximize="mean")
    declared.evaluator(lambda y_pred: 0.0, name="most", maximize="most")
    return declared


def evaluate_first(declared: Experiment) -> None:
    Flow(OutcomeStore(), record=lambda *_: None).evaluate(expand(declared, ["cpu"])[0])


@pytest.mark.parametrize(
    ("column", "words"),
    [("reigon", "did you mean 'region'"), ("x", "slices dataset .* which has .* values in .* rows: less than two")],
)
def test_a_column_that_cannot_be_sliced_by_is_refused_before_anything_is_fitted(column: str, words: str) -> None:
    declared = experiment()
    declared.gate("mean", at_least=0.5, slices=column)
    with pytest.raises(DataError, match=words):
        evaluate_first(declared)


@pytest.mark.parametrize("on", [(), "second", ("second", "rows"), "second-rows-most-cuda:7"])
def test_it_stops_every_model_of_the_dataset_also_those_that_the_gate_is_not_on(on: Any) -> None:
    declared = experiment()
    declared.gate("most", at_least=0.5, slices="reigon", on=on)
    with pytest.raises(DataError, match="did you mean 'region'"):
        evaluate_first(declared)


def test_a_gate_on_another_dataset_asks_nothing_of_this_one() -> None:
    declared = experiment()
    declared.dataset(lambda: Dataset.from_arrays(np.zeros((4, 1)), np.zeros(4), split=0.5), name="other")
    declared.gate("mean", at_least=0.5, slices="reigon", on="other")
    with pytest.raises(pytest.fail.Exception, match="fitted"):
        evaluate_first(declared)


def test_the_record_tells_of_the_dataset_that_was_loaded() -> None:
    declared, records = experiment(), []
    declared.gate("mean", at_least=0.5, slices="reigon")
    with pytest.raises(DataError, match="did you mean 'region'"):
        Flow(OutcomeStore(), record=lambda cell, _: records.append(cell)).evaluate(expand(declared, ["cpu"])[0])
    assert records[0].dataset.digest is not None
