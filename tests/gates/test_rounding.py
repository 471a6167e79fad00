"""What is only rounded is no loss, and a small loss is not only rounded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pytest_mlexp.gates.comparing import Terms, against
from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.lock import Accepted
from pytest_mlexp.gates.rules import Gate

Table = npt.NDArray[np.float64]


def table(values: Any) -> Contributions:
    rows = np.atleast_2d(np.asarray(values, dtype=float))
    return Contributions("examples", rows.mean(axis=1), tuple(range(len(rows))), rows)


def runs(*values: float) -> Contributions:
    return Contributions("runs", np.array(values), tuple(range(len(values))))


def accepted(found: Contributions) -> tuple[Accepted, Table | None]:
    side = found.side
    return Accepted(side.value, 0.0, tuple(side.runs.tolist()), found.kind, residual=side.residual), side.mean


def status(gate: Gate, before: Contributions, now: Contributions) -> str:
    return against(gate, "m", now, (*accepted(before), True), Terms()).status


@pytest.mark.parametrize("maximize", [True, False])
@pytest.mark.parametrize("gate", [Gate("m", max_drop=0), Gate("m", max_relative_drop=0.0)], ids=str)
def test_what_only_rounding_changed_is_no_regression_and_no_gain(gate: Gate, maximize: bool) -> None:
    kept, _ = accepted(runs(*[2 / 3] * 5))
    for stored in (0.666666667, 0.666666666):
        rounded = replace(kept, runs=(stored,) * 5, value=stored)
        verdict = against(gate, "m", runs(2 / 3), (rounded, None, maximize), Terms())
        assert verdict.status == "pass"
        assert verdict.comparison is not None
        assert verdict.comparison.suspicion >= 0.5  # nothing to train anew for


@pytest.mark.parametrize("maximize", [True, False])
def test_scores_that_differ_in_their_last_bits_are_no_regression(rng: np.random.Generator, maximize: bool) -> None:
    for number in range(40):
        scores = rng.exponential(0.3, (1, 50))
        kept, vector = accepted(table(scores.repeat(5, axis=0)))
        assert vector is not None
        known = replace(kept, runs=tuple(float(f"{run:.9g}") for run in kept.runs), residual=0.0)
        now = table(np.nextafter(scores, number % 2 * 9.0))
        stored = vector.astype(np.float32).astype(float)
        verdict = against(Gate("m", max_drop=0), "m", now, (known, stored, maximize), Terms())
        assert verdict.status == "pass"
        assert verdict.comparison is not None
        assert verdict.comparison.suspicion >= 0.5


@pytest.mark.parametrize("scale", [1.0, 1e-3, 1e-7])
def test_a_small_loss_at_no_margin_is_more_than_rounding(rng: np.random.Generator, scale: float) -> None:
    scores = rng.random(50) * scale
    gate = Gate("m", max_drop=0)
    assert status(gate, table(scores), table(scores - 1e-6 * scale)) == "regressed"
    assert status(gate, runs(*[scale] * 3), runs(scale * (1 - 1e-6))) == "regressed"
