"""When two sets of answers are the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from pytest_mlexp.contracts.compare import differs, gap, same, tied
from pytest_mlexp.contracts.law import Broken

NUMBERS = npst.arrays(np.float64, st.integers(1, 8), elements=st.floats(-1e6, 1e6))


@given(NUMBERS)
def test_numbers_are_the_same_as_themselves_and_not_as_others(values: np.ndarray) -> None:
    assert not differs(values, values.copy(), tolerance=1e-9).any()
    size = 1.0 + float(np.abs(values).max())
    assert differs(values + size, values, tolerance=1e-6).all()


@given(NUMBERS)
def test_rounding_is_within_the_tolerance(values: np.ndarray) -> None:
    assert not differs(values * (1 + 1e-12), values, tolerance=1e-9).any()


def test_nan_is_the_same_as_nan_only() -> None:
    gaps = np.array([np.nan, 1.0, np.inf])
    assert not differs(gaps, gaps.copy(), tolerance=1e-9).any()
    assert differs(np.array([1.0, np.nan, -np.inf]), gaps, tolerance=1e-9).all()


def test_single_precision_gets_a_single_precision_tolerance() -> None:
    values = np.array([1.0, 2.0], dtype=np.float32)
    assert not differs(values * np.float32(1.00001), values, tolerance=1e-9).any()
    assert differs(values * np.float32(1.01), values, tolerance=1e-9).all()


def test_labels_are_compared_away_from_ties_only() -> None:
    proba = np.array([[0.5, 0.5], [0.1, 0.9]])
    want = {"predict": np.array(["a", "b"]), "predict_proba": proba}
    assert tied(want, 2, tolerance=1e-6).tolist() == [True, False]
    same({"predict": np.array(["b", "b"]), "predict_proba": proba}, want, "equal", tolerance=1e-6)
    with pytest.raises(Broken, match="predict of rows \\[1\\]"):
        same({"predict": np.array(["a", "a"]), "predict_proba": proba}, want, "equal", tolerance=1e-6)
    assert tied({"decision_function": np.array([0.0, 3.0])}, 2, tolerance=1e-6).tolist() == [True, False]


def test_shapes_and_missing_methods_are_told() -> None:
    want = {"predict": np.zeros(3)}
    with pytest.raises(Broken, match="shape \\(3, 1\\) instead of \\(3,\\)"):
        same({"predict": np.zeros((3, 1))}, want, "equal", tolerance=1e-6)
    with pytest.raises(Broken, match="no predict any more"):
        same({}, want, "equal", tolerance=1e-6)


def test_gaps_are_shares_of_labels_and_means_of_numbers() -> None:
    assert gap(np.array(["a", "b"]), np.array(["a", "c"])) == 0.5
    assert gap(np.array([1.0, 2.0]), np.array([1.0, 4.0])) == 1.0
