from __future__ import annotations

import numpy as np
import pytest

from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.flips import count_flips, flips_table


@pytest.mark.parametrize("maximize", [True, False])
def test_a_row_for_each_flip_with_the_share_of_runs_that_were_right(maximize: bool) -> None:
    before = np.array([1.0, 0.8, 0.2, 1.0])
    now = np.array([[1.0, 0.0, 1.0, 1.0], [1.0, 0.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0]])
    if not maximize:
        before, now = 1 - before, 1 - now
    found = Contributions("examples", now.mean(axis=1), (0, 1, 2), now, np.arange(4) + 10)
    text = flips_table({"m": found}, {"m": before}, {"m": maximize}).decode()
    assert text.split() == ["metric,example,right_before,right_now", "m,11,0.8,0.333", "m,12,0.2,1"]
    assert count_flips(before, now, maximize=maximize) == (1, 1)


def test_what_is_no_bit_has_no_flips() -> None:
    halves = np.full((1, 3), 0.5)
    assert count_flips(np.ones(3), halves, maximize=True) is None
    found = Contributions("examples", halves.mean(axis=1), (0,), halves, np.arange(3))
    assert flips_table({"m": found}, {"m": np.ones(3)}, {"m": True}) == b""
