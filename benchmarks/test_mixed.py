from __future__ import annotations

import pytest
from mixed import cellar

from pytest_mlexp import Evaluation


@pytest.mark.mlexp(cellar)
def test_wine_models_do_well_on_every_fold(evaluation: Evaluation) -> None:
    for metric in evaluation.metrics:
        assert min(evaluation.values(metric)) > 0.85
