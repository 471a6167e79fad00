from __future__ import annotations

import math

import numpy as np
import pytest

from pytest_mlexp.gates.power import Look, smallest_visible
from pytest_mlexp.gates.statistics import Difference, Side, compare, quantile

DETERMINISTIC = Difference(-0.01, 0.0001, 0.0, 0.0, (5, 1), 999.0, 0.2)


def test_a_single_look_is_the_formula_of_the_t_test() -> None:
    found = smallest_visible(DETERMINISTIC, [Look(1, 0.05)], examples=1000, bits=False)
    assert found == pytest.approx((quantile(0.95, 999) + 0.8416) * 0.01, rel=3e-3)


def test_a_margin_sets_the_least() -> None:
    found = smallest_visible(DETERMINISTIC, [Look(1, 0.05, margin=0.05)], examples=1000, bits=False)
    assert found == pytest.approx(0.05 + 0.8416 * 0.01, rel=3e-3)


def test_a_smaller_share_of_alpha_makes_less_visible() -> None:
    limits = [0.05, 0.05 / 20, 0.05 / 50]
    seen = [smallest_visible(DETERMINISTIC, [Look(1, p)], examples=1000, bits=False) for p in limits]
    assert seen == sorted(seen)
    assert seen[0] < seen[-1]


def test_too_few_flips_for_the_exact_test_are_not_called_visible() -> None:
    still = Difference(0.0, (0.5 / 100) ** 2, 0.0, 0.0, (5, 1), 99.0, 0.5)
    assert smallest_visible(still, [Look(1, 0.001)], examples=100, bits=True) >= 0.09


def test_nothing_is_visible_where_nothing_can_be_estimated() -> None:
    single = compare(Side(np.array([1.0])), Side(np.array([2.0])))
    assert math.isinf(smallest_visible(single, [Look(1, 0.05)], examples=0, bits=False))


def test_the_printed_drop_has_the_power_that_is_said(rng: np.random.Generator) -> None:
    """Gaussian runs on common rows: the whole procedure of three looks, in its own estimates."""
    looks = [Look(1, 0.10), Look(3, 0.05), Look(5, 0.005)]

    def drawn(runs: int, rows: np.ndarray[tuple[int], np.dtype[np.float64]], loss: float) -> Side:
        noise = rng.normal(0, 0.01, (runs, 1)) + rng.normal(0, 0.2, (runs, rows.size))
        return Side.of(rows + noise - loss)

    found = []
    for _ in range(400):
        rows, changed = rng.normal(0.8, 0.3, 300), rng.normal(0, 0.1, 300)
        baseline = drawn(5, rows, 0.0)
        quiet = compare(baseline, drawn(1, rows + changed, 0.0))
        loss = smallest_visible(quiet, looks, examples=300, bits=False)
        candidate = rng.normal(0, 0.01, (5, 1)) + rng.normal(0, 0.2, (5, 300)) + rows + changed - loss
        ps = [compare(baseline, Side.of(candidate[: look.runs])).p for look in looks]
        found.append(all(p < look.level for p, look in zip(ps, looks, strict=True)))
    assert 0.75 < np.mean(found) < 0.85


@pytest.mark.parametrize("gates", [1, 20])
def test_the_printed_drop_of_few_bits_has_the_power_that_is_said(rng: np.random.Generator, gates: int) -> None:
    """Fifty examples, each right in its own share of runs, some of which are lost."""
    looks = [Look(1, 0.10), Look(3, 0.05), Look(5, 0.05 / gates)]
    found = []
    for _ in range(400):
        ease = np.clip(rng.beta(3, 0.3, 50), 0, 1)
        baseline, candidate = rng.random((5, 50)) < ease, rng.random((5, 50)) < ease
        side = Side.of(baseline.astype(float))
        quiet = compare(side, Side.of(candidate[:1].astype(float)))
        drop = smallest_visible(quiet, looks, examples=50, bits=True)
        right = candidate.all(axis=0)
        lost = candidate & ~(right & (rng.random(50) < drop / right.mean()))
        ps = [compare(side, Side.of(lost[: look.runs].astype(float))).p for look in looks]
        found.append(all(p < look.level for p, look in zip(ps, looks, strict=True)))
    assert 0.75 < np.mean(found) < 0.89


def test_a_spread_that_few_runs_gave_makes_less_visible() -> None:
    """The same variance between runs is worth less when fewer runs gave it."""
    known, guessed = (Difference(0.0, 0.0, 1e-4, 0.0, (runs, 1), runs - 1.0, 0.5) for runs in (200, 5))
    seen = [smallest_visible(found, [Look(1, 0.05)], examples=0, bits=False) for found in (known, guessed)]
    assert seen[0] == pytest.approx((quantile(0.95, 199) + 0.8416) * 0.01 * math.sqrt(1 + 1 / 200), rel=0.02)
    assert seen[1] > 1.2 * seen[0]
