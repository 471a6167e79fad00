"""How far a metric that was had again agrees with the logged one."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlexp.reproduction.agreement import agree, repeatability
from tests.reproduction.project import a_cell

NUMBERS = st.lists(st.floats(), min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("logged", "again", "limit", "expected"),
    [
        ((0.5,), (0.5,), 0.0, "identical"),
        ((math.nan,), (math.nan,), 0.0, "identical"),
        ((0.5,), (0.5 + 1e-9,), 0.0, "rounding"),
        ((0.5,), (0.5 + 1e-6,), 0.0, "different"),
        ((0.0,), (-0.0,), 0.0, "rounding"),
        ((0.5, 0.7), (0.7, 0.5), 0.0, "different"),
        ((0.5, 0.7), (0.7, 0.5), 0.01, "within noise"),
        ((0.5, 0.7), (0.5, 0.9), 0.11, "within noise"),
        ((0.5, 0.7), (0.5, 0.9), 0.09, "different"),
        ((0.5, 0.5), (0.5,), 0.0, "different"),
        ((0.5,), (math.nan,), 9.0, "different"),
        ((math.inf,), (-math.inf,), 9.0, "different"),
    ],
)
def test_agreement(logged: Sequence[float], again: Sequence[float], limit: float, expected: str) -> None:
    assert agree(logged, again, limit=limit) == expected


@given(NUMBERS, NUMBERS, st.floats(0, 10))
def test_agreement_knows_no_order(one: list[float], other: list[float], limit: float) -> None:
    assert agree(one, other, limit=limit) == agree(other, one, limit=limit)
    assert agree(one, one, limit=limit) == "identical"


def test_the_limit_is_that_of_iso_5725() -> None:
    cell = a_cell(0.50, 0.52, 0.54, 0.52)
    spread = math.sqrt((0.02**2 + 0.02**2) / 3)
    assert repeatability(cell, cell, "error") == pytest.approx(1.96 * math.sqrt(2) * spread / math.sqrt(4))


def test_only_the_spread_between_seeds_is_noise() -> None:
    folds = a_cell(0.1, 0.9, seeds=(0, 0), splits=("a", "b"))
    assert repeatability(folds, folds, "error") == 0
    both = a_cell(0.1, 0.9, 0.1, 0.9, seeds=(0, 0, 1, 1), splits=("a", "b", "a", "b"))
    assert repeatability(both, both, "error") == 0


def test_a_run_that_went_astray_does_not_excuse_itself() -> None:
    calm, wild = a_cell(0.90, 0.91, 0.90), a_cell(0.90, 0.91, 0.1)
    assert repeatability(calm, wild, "error") == repeatability(wild, calm, "error") < 0.02
