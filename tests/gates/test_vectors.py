from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pytest_mlexp.errors import GateError
from pytest_mlexp.gates.vectors import digest_of_bytes, pack, unpack


@settings(deadline=None)
@given(arrays(float, st.integers(0, 40), elements=st.floats(-1e6, 1e6, width=32)), st.integers(1, 7))
def test_vectors_come_back_as_float32(vector: np.ndarray[tuple[int], np.dtype[np.float64]], runs: int) -> None:
    data = pack({"m": (vector, runs)})
    back = unpack(data, digest=digest_of_bytes(data), where="x")["m"]
    np.testing.assert_allclose(back, vector, rtol=1e-7, atol=1e-7)


@settings(deadline=None)
@given(arrays(np.int64, st.integers(1, 40), elements=st.integers(0, 5)))
def test_shares_of_right_runs_come_back_exactly(counts: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
    data = pack({"m": (counts / 5, 5)})
    assert (unpack(data, digest=digest_of_bytes(data), where="x")["m"] == counts / 5).all()


def test_an_accuracy_baseline_of_10_000_rows_takes_two_kibibytes_at_most(rng: np.random.Generator) -> None:
    chance = np.clip(rng.beta(3, 0.2, 10_000), 0, 1)  # 94 % right, most rows always right
    runs = (rng.random((5, 10_000)) < chance).astype(float)
    assert 0.90 < runs.mean() < 0.97
    assert len(pack({"accuracy": (runs.mean(axis=0), 5)})) <= 2048
    assert len(pack({"accuracy": (runs[0], 1)})) <= 1300


def test_noisy_runs_take_little_more_than_their_entropy(rng: np.random.Generator) -> None:
    runs = rng.random((5, 10_000)) < np.clip(rng.beta(1.2, 0.3, 10_000), 0, 1)
    shares = np.bincount(runs.sum(axis=0)) / 10_000
    entropy = -(shares * np.log2(shares)).sum() * 10_000 / 8
    assert 2000 < entropy < 3000
    assert len(pack({"accuracy": (runs.mean(axis=0), 5)})) <= 1.1 * entropy


def test_runs_that_are_all_alike_are_bits(rng: np.random.Generator) -> None:
    right = (rng.random(10_000) < 0.9).astype(float)
    assert len(pack({"accuracy": (right, 5)})) == len(pack({"accuracy": (right, 1)})) <= 700


def test_other_bytes_than_the_lock_says_are_refused() -> None:
    data = pack({"m": (np.ones(3), 1)})
    with pytest.raises(GateError, match="restore both from git"):
        unpack(data + b"x", digest=digest_of_bytes(data), where="file")


@pytest.mark.parametrize("scale", [1e-200, 1e-40, 1e-12, 1.0, 1e39, 1e200])
def test_huge_and_tiny_vectors_come_back(scale: float, rng: np.random.Generator) -> None:
    vector = rng.random(50) * scale
    data = pack({"m": (vector, 5)})
    back = unpack(data, digest=digest_of_bytes(data), where="x")["m"]
    np.testing.assert_allclose(back, vector, rtol=1e-5)
    assert len(pack({"m": (rng.random(1000), 5)})) <= 4100


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_vectors_that_are_not_finite_are_refused(bad: float) -> None:
    with np.errstate(invalid="ignore"):
        data = pack({"m": (np.array([1.0, bad]), 1)})
    with pytest.raises(GateError, match="numbers of m that are not finite: accept anew"):
        unpack(data, digest=digest_of_bytes(data), where="file")
