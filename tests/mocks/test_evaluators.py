from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error

from pytest_mlexp.mocks import evaluators

RNG = np.random.default_rng(0)
TRUTH = RNG.integers(0, 2, size=51)
PREDICTED = np.where(RNG.random(51) < 0.3, 1 - TRUTH, TRUTH)
WEIGHTS = RNG.random(51)


@pytest.mark.parametrize("weights", [None, WEIGHTS])
def test_the_good_ones_agree_with_scikit_learn(weights: Any) -> None:
    proba = np.column_stack([1 - WEIGHTS, WEIGHTS])
    assert evaluators.accuracy(TRUTH, PREDICTED, weights) == pytest.approx(
        accuracy_score(TRUTH, PREDICTED, sample_weight=weights)
    )
    assert evaluators.log_loss(TRUTH, proba, weights) == pytest.approx(log_loss(TRUTH, proba, sample_weight=weights))
    evaluation = evaluators.absolute_error(TRUTH, WEIGHTS, weights)
    expected = mean_absolute_error(TRUTH, WEIGHTS, sample_weight=weights)
    assert evaluation["absolute_error"] == pytest.approx(expected)
    assert np.average(evaluation.scores["absolute_error"], weights=weights) == pytest.approx(expected)


def test_wrong_direction_falls_when_predictions_get_better() -> None:
    assert evaluators.wrong_direction(TRUTH, TRUTH) < evaluators.wrong_direction(TRUTH, PREDICTED)


def test_order_dependent_changes_with_the_order() -> None:
    order = np.argsort(TRUTH == PREDICTED)
    in_order = evaluators.order_dependent(TRUTH, PREDICTED)
    assert evaluators.order_dependent(TRUTH[order], PREDICTED[order]) != in_order


def test_nan_on_one_class_is_a_number_on_two() -> None:
    assert math.isnan(evaluators.nan_on_one_class(np.ones(5), np.ones(5)))
    assert evaluators.nan_on_one_class(TRUTH, TRUTH) == 1


def test_mutating_sorts_what_it_was_given() -> None:
    given = PREDICTED.copy()
    evaluators.mutating(TRUTH, given)
    assert given.tolist() == sorted(PREDICTED)


def test_unbounded_grows_with_the_rows() -> None:
    assert evaluators.unbounded(TRUTH, TRUTH) == 51


def test_changing_changes() -> None:
    assert len({evaluators.changing(TRUTH, PREDICTED) for _ in range(30)}) > 1


def test_weights_ignored_gives_the_same_for_all_weights() -> None:
    assert evaluators.weights_ignored(TRUTH, PREDICTED, WEIGHTS) == evaluators.weights_ignored(TRUTH, PREDICTED)
    assert evaluators.accuracy(TRUTH, PREDICTED, WEIGHTS) != evaluators.accuracy(TRUTH, PREDICTED)


def test_scores_of_another_do_not_average_to_the_metric() -> None:
    evaluation = evaluators.scores_of_another(TRUTH, WEIGHTS)
    assert evaluation.scores["absolute_error"].mean() != pytest.approx(evaluation["absolute_error"])


def test_no_number_is_text_and_failing_fails() -> None:
    assert evaluators.no_number(TRUTH, TRUTH) == "100%"
    with pytest.raises(RuntimeError, match="fails on 51 rows and 51 predictions"):
        evaluators.failing(TRUTH, PREDICTED)
