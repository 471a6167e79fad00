from __future__ import annotations

import pytest
from classification import HAS_TORCH, digits, tumours

from pytest_mlexp import Evaluation


@pytest.mark.mlexp(tumours)
def test_tumour_models_are_no_worse_than_the_majority(evaluation: Evaluation) -> None:
    majority = evaluation.reference("majority")
    if "accuracy" in evaluation.metrics:
        assert evaluation["accuracy"] >= majority["accuracy"]
    else:
        assert evaluation["log_loss"] <= majority["log_loss"]


@pytest.mark.mlexp(digits)
def test_digit_models_are_no_worse_than_the_majority(evaluation: Evaluation) -> None:
    majority = evaluation.reference("majority")
    assert all(evaluation[metric] >= majority[metric] for metric in evaluation.metrics)


@pytest.mark.skipif(not HAS_TORCH, reason="PyTorch is not installed: digits is run without its mlp")
def test_the_pytorch_model_is_declared() -> None:
    assert "mlp" in digits.models
