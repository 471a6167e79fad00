from __future__ import annotations

import pytest
from regression import HAS_TORCH, progression

from pytest_mlexp import Evaluation


@pytest.mark.mlexp(progression)
def test_progression_models_are_no_worse_than_the_mean(evaluation: Evaluation) -> None:
    mean = evaluation.reference("mean")
    if "r2" in evaluation.metrics:
        assert evaluation["r2"] >= mean["r2"]
    else:
        assert evaluation["absolute_error"] <= mean["absolute_error"]


@pytest.mark.skipif(not HAS_TORCH, reason="PyTorch is not installed: progression is run without its mlp")
def test_the_pytorch_model_is_declared() -> None:
    assert "mlp" in progression.models
