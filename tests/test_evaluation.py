from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from pytest_mlexp.errors import EvaluatorError, RequestError
from pytest_mlexp.records import Evaluation

if TYPE_CHECKING:
    from pytest_mlexp.blocks.dataset import Dataset
    from tests.conftest import Toy


def test_an_evaluator_sees_the_test_part_of_each_split(toy: Toy) -> None:
    seen: list[Any] = []

    @toy.experiment.evaluator(maximize="n")
    def look(y_true: Any, y_pred: Any, X: Any, dataset: Dataset, device: str, timings: Any, model: Any) -> float:
        seen.append((X[:, 0].tolist(), y_true.tolist(), y_pred.tolist()))
        assert (dataset.name, dataset.version, device) == ("numbers_from_zero", "1", "cpu")
        assert set(timings) == {"fit_seconds", "predict_seconds"}
        assert type(model).__name__ == "half"
        return 0.0

    toy.flow().evaluate(toy.cell("half-numbers_from_zero-look"))
    labels = [0, 0, 0, 1, 1, 1]
    assert seen == [
        ([1.0, 3.0, 5.0, 7.0, 9.0, 11.0], labels, labels),
        ([0.0, 2.0, 4.0, 6.0, 8.0, 10.0], labels, labels),
    ]


def test_scores_of_a_binary_classifier_are_those_of_the_second_class(toy: Toy) -> None:
    toy.add(
        "sure",
        lambda X, y: None,
        lambda X: X[:, 0] > 5,
        predict_proba=lambda X: np.column_stack([1 - X[:, 0] / 11, X[:, 0] / 11]),
    )

    @toy.experiment.evaluator(maximize="mean")
    def scores(y_score: Any) -> float:
        return float(y_score.mean())

    evaluation = toy.flow().evaluate(toy.cell("sure-numbers_from_zero-scores"))
    assert evaluation.values("mean") == pytest.approx((6 / 11, 5 / 11))


def test_decisions_serve_as_scores_where_there_are_no_probabilities(toy: Toy) -> None:
    toy.add("linear", lambda X, y: None, lambda X: X[:, 0] > 5, decision_function=lambda X: X[:, 0] - 5.5)

    @toy.experiment.evaluator(maximize="mean")
    def scores(y_score: Any) -> float:
        return float(y_score.mean())

    assert toy.flow().evaluate(toy.cell("linear-numbers_from_zero-scores"))["mean"] == 0.0


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ("y_proba", "asks for y_proba, which needs predict_proba, but model 'half' offers predict"),
        ("y_score", "asks for y_score, which needs predict_proba or decision_function"),
        ("groups", "asks for groups, but dataset 'numbers_from_zero' has no groups"),
        ("sample_weight", "has no sample weights"),
    ],
)
def test_a_request_that_cannot_be_met_names_both_sides_before_any_fit(toy: Toy, request_: str, words: str) -> None:
    function = {
        "y_proba": lambda y_proba: 0.0,
        "y_score": lambda y_score: 0.0,
        "groups": lambda groups: 0.0,
        "sample_weight": lambda sample_weight: 0.0,
    }[request_]
    toy.experiment.evaluator(function, name="picky", maximize="m")
    with pytest.raises(RequestError, match=words):
        toy.flow().evaluate(toy.cell("half-numbers_from_zero-picky"))
    assert toy.fits == []


def test_a_scikit_learn_scorer_that_cannot_be_met_is_refused_too(toy: Toy) -> None:
    toy.experiment.evaluator("neg_log_loss")
    with pytest.raises(RequestError, match="'neg_log_loss' asks for its predictions, which needs predict_proba"):
        toy.flow().evaluate(toy.cell("half-numbers_from_zero-neg_log_loss"))
    assert toy.fits == []


def test_an_optional_request_that_cannot_be_met_is_left_out(toy: Toy) -> None:
    @toy.experiment.evaluator(maximize="m")
    def modest(y_proba: Any = None, groups: Any = None) -> float:
        return float(y_proba is None and groups is None)

    assert toy.flow().evaluate(toy.cell("half-numbers_from_zero-modest"))["m"] == 1.0


def test_scores_must_be_one_an_example(toy: Toy) -> None:
    @toy.experiment.evaluator(maximize="m")
    def short(y_pred: Any) -> Evaluation:
        return Evaluation({"m": 1.0}, scores={"m": np.ones(len(y_pred) - 1)})

    with pytest.raises(EvaluatorError, match=r"scores 'm' of shape \(5,\) for 6 test examples"):
        toy.flow().evaluate(toy.cell("half-numbers_from_zero-short"))


def test_an_evaluator_gives_one_value_a_trial(toy: Toy) -> None:
    @toy.experiment.evaluator(maximize="m")
    def many(y_pred: Any) -> Evaluation:
        return Evaluation({"m": (1.0, 2.0)})

    with pytest.raises(EvaluatorError, match="2 values of 'm' for one trial"):
        toy.flow().evaluate(toy.cell("half-numbers_from_zero-many"))


def test_an_evaluator_that_draws_is_seeded(toy: Toy) -> None:
    @toy.experiment.evaluator(maximize="m")
    def lottery(y_pred: Any) -> float:
        return float(np.random.random())  # noqa: NPY002

    cell = toy.cell("half-numbers_from_zero-lottery")
    assert toy.flow().evaluate(cell).metrics == toy.flow().evaluate(cell).metrics


def test_an_evaluator_that_changes_what_it_is_given_changes_it_for_nobody_else(toy: Toy) -> None:
    @toy.experiment.evaluator(maximize="spoilt")
    def spoil(y_true: Any, y_pred: Any, X: Any) -> float:
        for given in (y_true, y_pred, X):
            given[:] = 0
        return 0.0

    @toy.experiment.evaluator(maximize="accuracy_after")
    def after(y_true: Any, y_pred: Any) -> float:
        return float(np.mean(y_true == y_pred) * y_true.max())

    flow = toy.flow()
    flow.evaluate(toy.cell("half-numbers_from_zero-spoil"))
    assert flow.evaluate(toy.cell("half-numbers_from_zero-after"))["accuracy_after"] == 1.0
    predictions = pd.read_parquet(io.BytesIO(toy.files[0]["predictions.parquet"]))
    assert predictions["y_pred"].sum() == 6


def test_an_optional_request_is_met_where_it_can_be(toy: Toy) -> None:
    toy.add("sure", lambda X, y: None, lambda X: X[:, 0] > 5, predict_proba=lambda X: np.ones((len(X), 2)) / 2)

    @toy.experiment.evaluator(maximize="m")
    def modest(y_proba: Any = None) -> float:
        return 0.0 if y_proba is None else float(y_proba.mean())

    flow = toy.flow()
    assert flow.evaluate(toy.cell("sure-numbers_from_zero-modest"))["m"] == 0.5
    assert flow.evaluate(toy.cell("half-numbers_from_zero-modest"))["m"] == 0.0


def test_a_method_that_raises_concerns_only_those_who_ask_for_it(toy: Toy) -> None:
    def no(_: Any) -> Any:
        raise RuntimeError("not calibrated")

    toy.add("shy", lambda X, y: None, lambda X: (X[:, 0] > 5).astype(int), predict_proba=no)
    toy.experiment.evaluator(lambda y_proba: 0.0, name="calibration", maximize="c")
    flow = toy.flow()
    with pytest.raises(RuntimeError, match="not calibrated"):
        flow.evaluate(toy.cell("shy-numbers_from_zero-calibration"))
    assert flow.evaluate(toy.cell("shy-numbers_from_zero-hits"))["accuracy"] == 1.0


def test_probabilities_in_a_frame_serve_as_scores(toy: Toy) -> None:
    def proba(X: Any) -> pd.DataFrame:
        return pd.DataFrame({"small": 0.25, "large": 0.75}, index=range(len(X)))

    toy.add("framed", lambda X, y: None, lambda X: X[:, 0] > 5, predict_proba=proba)
    toy.experiment.evaluator(lambda y_score: float(y_score.mean()), name="scores", maximize="mean")
    assert toy.flow().evaluate(toy.cell("framed-numbers_from_zero-scores"))["mean"] == 0.75
