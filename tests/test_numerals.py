from __future__ import annotations

import math

import pytest

from pytest_mlexp.numerals import change, text


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        (0.9559, 0.935, "0.9559 -> 0.9350 (-0.0209)"),
        (0.95, 0.95, "0.9500 -> 0.9500 (+0.0000)"),
        (0.9559, 0.95588, "0.955900 -> 0.955880 (-0.000020)"),
        (0.9559e-4, 0.935e-4, "0.0000956 -> 0.0000935 (-0.0000021)"),
        (9.559e-11, 9.35e-11, "9.559e-11 -> 9.35e-11 (-2.09e-12)"),
        (51234.5678, 51235.0, "51234.5678 -> 51235.0000 (+0.4322)"),
        (2 / 3, 0.666666667, "0.6667 -> 0.6667 (+0.0000)"),
        (0.0, 0.0, "0.0000 -> 0.0000 (+0.0000)"),
    ],
)
def test_a_change_is_visible_at_every_scale(before: float, after: float, shown: str) -> None:
    assert change(before, after, after - before) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0.0213, "0.0213"), (0.005, "0.0050"), (0.00003, "0.000030"), (0.0, "0.0000"), (2e-12, "2e-12")],
)
def test_a_number_by_itself_keeps_two_digits(number: float, shown: str) -> None:
    assert text(number) == shown


def test_what_is_not_finite_is_none() -> None:
    assert text(math.inf) == text(math.nan) == "none"
