from __future__ import annotations

import pytest
from text import headlines

from pytest_mlexp import Evaluation


@pytest.mark.mlexp(headlines)
def test_rewriting_is_no_worse_than_leaving_a_headline_unchanged(evaluation: Evaluation) -> None:
    unchanged = evaluation.reference("unchanged")
    if "exact" in evaluation.metrics:
        assert evaluation["exact"] >= unchanged["exact"]
    else:
        assert evaluation["character_error"] <= unchanged["character_error"]
