"""What the healthy models share: careful checks of inputs, weights and labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.zoo.data import Array

LARGEST = 1e100
FURTHEST = 1e6


def refuse_extremes(X: Array, *, name: str) -> Array:
    if X.size and np.abs(X).max() > LARGEST:
        raise ValueError(f"{name} holds values beyond {LARGEST}: rescale them")
    return X


def check_weights(sample_weight: Any, rows: int) -> Array:
    """Return one weight a row, a copy."""
    if sample_weight is None:
        return np.ones(rows)
    weights = np.array(sample_weight, dtype=np.float64)
    if weights.shape != (rows,):
        raise ValueError(f"sample_weight has shape {weights.shape}, expected ({rows},)")
    if not np.isfinite(weights).all() or (weights < 0).any() or not weights.any():
        raise ValueError("sample_weight must be finite, not negative, and not all zero")
    return weights


def distinct(y: Array) -> tuple[Array, Array]:
    """Return the sorted labels and the position of each row's one."""
    try:
        classes, codes = np.unique(y, return_inverse=True)
    except TypeError as error:
        raise ValueError(f"the labels cannot be sorted: {error}") from error
    return classes, codes


def moments(X: Array, weights: Array) -> tuple[Array, Array]:
    """Return mean and mean absolute deviation of each column; 1 where the column is constant."""
    mean = np.average(X, axis=0, weights=weights)
    scale = np.average(np.abs(X - mean), axis=0, weights=weights)
    noise = 1e-14 * np.abs(X).max(axis=0)
    return mean, np.where(scale > np.maximum(noise, 1e-100), scale, 1.0)


def softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    proba: Array = powers / powers.sum(axis=1, keepdims=True)
    return proba
