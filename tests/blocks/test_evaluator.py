from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from pytest_mlexp.blocks.evaluator import declare_evaluator
from pytest_mlexp.errors import DeclarationError, EvaluatorError


def test_a_scikit_learn_metric_serves_as_it_is() -> None:
    block = declare_evaluator(accuracy_score, name=None, maximize=(), minimize=())
    assert (block.name, block.metrics[0].maximize) == ("accuracy", True)
    evaluation = block({"y_true": np.array([0, 1]), "y_pred": np.array([0, 0]), "sample_weight": None})
    assert evaluation["accuracy"] == 0.5


def test_log_loss_asks_for_probabilities_and_is_minimized() -> None:
    block = declare_evaluator(log_loss, name=None, maximize=(), minimize=())
    assert block.requests == ("y_true", "y_proba")
    assert not block.metrics[0].maximize
    proba = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert block({"y_true": [0, 1], "y_proba": proba})["log_loss"] == log_loss([0, 1], proba)


def test_an_unknown_scorer_names_the_likely_one() -> None:
    with pytest.raises(DeclarationError, match="did you mean 'roc_auc'"):
        declare_evaluator("roc_aux", name=None, maximize=(), minimize=())


def test_an_evaluator_that_asks_for_an_unknown_name_is_refused() -> None:
    with pytest.raises(DeclarationError, match="did you mean 'y_pred'"):
        declare_evaluator(lambda y_prd: 0, name="f", maximize="f", minimize=())


def test_a_direction_is_required() -> None:
    with pytest.raises(DeclarationError, match="declares no metric"):
        declare_evaluator(lambda y_pred: 0, name="f", maximize=(), minimize=())


@pytest.mark.parametrize("result", ["high", None, {"g": 1.0}, {}, [1.0]])
def test_a_result_that_is_not_the_promised_metrics_is_refused(result: Any) -> None:
    block = declare_evaluator(lambda y_pred: result, name="f", maximize="f", minimize=())
    with pytest.raises(EvaluatorError, match=r"'f'|not a number"):
        block({"y_pred": []})
