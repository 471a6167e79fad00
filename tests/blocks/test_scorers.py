from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn import metrics
from sklearn.datasets import make_classification, make_regression
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import (
    accuracy_score,
    get_scorer,
    get_scorer_names,
    hinge_loss,
    log_loss,
    make_scorer,
    mean_squared_error,
    recall_score,
)

from pytest_mlexp.blocks.evaluator import EvaluatorBlock, directions
from pytest_mlexp.blocks.scorers import from_sklearn, is_sklearn, recorded_model
from pytest_mlexp.errors import DeclarationError

SUPERVISED = ["accuracy", "roc_auc", "neg_log_loss", "f1", "average_precision", "neg_brier_score", "matthews_corrcoef"]
REGRESSION = ["r2", "neg_mean_absolute_error", "neg_root_mean_squared_error", "explained_variance"]


def declare(function: Any, *, maximize: Any = (), minimize: Any = (), name: str | None = None) -> EvaluatorBlock:
    assert is_sklearn(function)
    return from_sklearn(function, name=name, metrics=directions(maximize, minimize))


def test_a_metric_function_serves_as_it_is() -> None:
    block = declare(accuracy_score)
    assert (block.name, block.metrics[0].maximize) == ("accuracy", True)
    evaluation = block({"y_true": np.array([0, 1]), "y_pred": np.array([0, 0]), "sample_weight": None})
    assert evaluation["accuracy"] == 0.5


def test_sample_weights_reach_a_metric_function_where_the_dataset_has_them() -> None:
    available = {"y_true": np.array([0, 1]), "y_pred": np.array([0, 0]), "sample_weight": np.array([3.0, 1.0])}
    assert declare(accuracy_score)(available)["accuracy"] == 0.75


def test_log_loss_asks_for_probabilities_and_is_minimized() -> None:
    block = declare(log_loss)
    assert block.requests == ("y_true", "y_proba")
    assert not block.metrics[0].maximize
    proba = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert block({"y_true": [0, 1], "y_proba": proba})["log_loss"] == log_loss([0, 1], proba)


def test_hinge_loss_asks_for_decisions_alone() -> None:
    assert declare(hinge_loss).methods() == [("decision_function",)]


@pytest.mark.parametrize(
    ("name", "maximize"),
    [("accuracy_score", True), ("mean_squared_error", False), ("zero_one_loss", False), ("mean_pinball_loss", False)],
)
def test_the_direction_of_a_metric_function_is_scikit_learns(name: str, maximize: bool) -> None:
    assert declare(getattr(metrics, name)).metrics[0].maximize is maximize


def test_a_direction_that_scikit_learn_does_not_say_must_be_declared() -> None:
    with pytest.raises(DeclarationError, match="does not say which way"):
        declare(metrics.matthews_corrcoef)
    assert declare(metrics.matthews_corrcoef, maximize="mcc").metrics[0].name == "mcc"


@pytest.mark.parametrize("scorer", [*SUPERVISED, *REGRESSION])
def test_a_scorer_gives_what_scikit_learn_gives_with_the_model_at_hand(scorer: str) -> None:
    make, model = (make_regression, Ridge()) if scorer in REGRESSION else (make_classification, LogisticRegression())
    X, y = make(n_samples=60, random_state=0)
    model.fit(X[:40], y[:40])
    block = declare(scorer)
    responses = {
        method: getattr(model, method)(X[40:])
        for method in ("predict", "predict_proba", "decision_function")
        if hasattr(model, method)
    }
    recorded = recorded_model(responses, getattr(model, "classes_", None))
    ours = block({"recorded": recorded, "X": X[40:], "y_true": y[40:], "sample_weight": None})
    assert ours[scorer] == get_scorer(scorer)(model, X[40:], y[40:])


def test_a_scorer_that_scikit_learn_negates_is_still_maximized() -> None:
    block = declare(make_scorer(mean_squared_error, greater_is_better=False), name="negated")
    assert block.metrics[0].maximize
    assert block.name == "negated"


def test_the_average_over_classes_is_known() -> None:
    assert declare(recall_score).average == "binary"
    assert declare(make_scorer(recall_score, average="macro")).average == "macro"
    assert declare("f1_weighted").average == "weighted"
    assert declare(accuracy_score).average is None


def test_every_scorer_name_of_scikit_learn_can_be_declared() -> None:
    for name in get_scorer_names():
        assert declare(name).metrics[0].name == name


def test_an_unknown_scorer_names_the_likely_one() -> None:
    with pytest.raises(DeclarationError, match="did you mean 'roc_auc'"):
        declare("roc_aux")


def test_a_scikit_learn_metric_gives_one_number() -> None:
    with pytest.raises(DeclarationError, match="gives one number; 2 metrics"):
        declare(accuracy_score, maximize=["a", "b"])


@pytest.mark.parametrize("name", ["adjusted_rand_score", "cohen_kappa_score", "mutual_info_score", "homogeneity_score"])
def test_metrics_with_other_words_for_truth_and_prediction_serve_too(name: str) -> None:
    function = getattr(metrics, name)
    block = declare(function)
    given = {"y_true": [0, 0, 1, 1], "y_pred": [0, 1, 1, 1], "sample_weight": None}
    assert block(given)[block.name] == function([0, 0, 1, 1], [0, 1, 1, 1])


def test_a_metric_that_compares_nothing_with_the_truth_is_explained() -> None:
    with pytest.raises(DeclarationError, match="does not compare predictions with the truth"):
        declare(metrics.silhouette_score)


def test_a_scorer_whose_metric_takes_no_weights_is_given_none() -> None:
    assert declare("max_error" if "max_error" in get_scorer_names() else "neg_max_error").optional == ()
    assert declare("accuracy").optional == ("sample_weight",)
