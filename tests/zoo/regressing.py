"""Healthy regressors: of scikit-learn style, and one that owes nothing to scikit-learn."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from tests.zoo.data import Array
from tests.zoo.numbers import FURTHEST, check_weights, moments, refuse_extremes


class Linear(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Ridge regression in standardised columns; ``alpha`` is relative to the sum of weights."""

    def __init__(self, *, alpha: float = 1e-6) -> None:
        self.alpha = alpha

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        X, y, weights = self._training(X, y, sample_weight)
        return self._learn(X, y, weights)

    def predict(self, X: Any) -> Array:
        return self._values(self._inputs(X))

    def _training(self, X: Any, y: Any, sample_weight: Any) -> tuple[Array, Array, Array]:
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        y = np.array(y, dtype=np.float64)
        weights = check_weights(sample_weight, len(X))
        kept = weights > 0
        return refuse_extremes(X, name="X")[kept], refuse_extremes(y, name="y")[kept], weights[kept]

    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        self.mean_, self.scale_ = moments(X, weights)
        self.offset_ = np.average(y, weights=weights)
        self.coef_ = self._solve(self._standard(X), y - self.offset_, weights)
        return self

    def _solve(self, Z: Array, y: Array, weights: Array) -> Array:
        weighted = Z * weights[:, None]
        gram = weighted.T @ Z + self.alpha * weights.sum() * np.eye(Z.shape[1])
        return np.linalg.solve(gram, weighted.T @ y)

    def _inputs(self, X: Any) -> Array:
        check_is_fitted(self)
        return refuse_extremes(validate_data(self, X, dtype=np.float64, reset=False), name="X")

    def _standard(self, X: Array) -> Array:
        Z: Array = (X - self.mean_) / self.scale_
        return Z

    def _values(self, X: Array) -> Array:
        values: Array = self.offset_ + self._standard(X) @ self.coef_
        return values


class RandomFeatures(Linear):
    """A linear fit on columns and on random, saturating combinations of them."""

    def __init__(self, *, alpha: float = 1e-3, size: int = 20, random_state: Any = 0) -> None:
        super().__init__(alpha=alpha)
        self.size = size
        self.random_state = random_state

    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        self.mixing_ = self._draw(X.shape[1])
        return super()._learn(X, y, weights)

    def _draw(self, width: int) -> Array:
        mixing: Array = check_random_state(self.random_state).normal(size=(width, self.size))
        return mixing

    def _standard(self, X: Array) -> Array:
        Z = np.clip(super()._standard(X), -FURTHEST, FURTHEST)
        return np.hstack([Z, np.tanh(Z @ self.mixing_)])


class Nearest(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """The mean target of the ``k`` nearest training rows, or of all where there are fewer."""

    def __init__(self, *, k: int = 3) -> None:
        self.k = k

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        refuse_extremes(X, name="X")
        self.mean_, self.scale_ = moments(X, np.ones(len(X)))
        self.rows_, self.targets_ = self._standard(X), refuse_extremes(np.array(y, dtype=np.float64), name="y")
        return self

    def predict(self, X: Any) -> Array:
        return self._values(self._inputs(X))

    def _inputs(self, X: Any) -> Array:
        check_is_fitted(self)
        return refuse_extremes(validate_data(self, X, dtype=np.float64, reset=False), name="X")

    def _standard(self, X: Array) -> Array:
        return np.clip((X - self.mean_) / self.scale_, -FURTHEST, FURTHEST)

    def _values(self, X: Array) -> Array:
        return np.array([self._value(row) for row in self._standard(X)])

    def _value(self, row: Array) -> float:
        distances = ((self.rows_ - row) ** 2).sum(axis=1)
        return float(self.targets_[np.argsort(distances, kind="stable")[: self.k]].mean())


class Running(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Ridge regression that accumulates sums of products batch by batch, around the first row it saw."""

    def __init__(self, *, alpha: float = 1e-6) -> None:
        self.alpha = alpha

    def fit(self, X: Any, y: Any) -> Self:
        X, y = self._training(X, y, reset=True)
        self._start(X, y)
        return self._add(X, y)

    def partial_fit(self, X: Any, y: Any) -> Self:
        first = not hasattr(self, "sums_")
        X, y = self._training(X, y, reset=first)
        if first:
            self._start(X, y)
        return self._add(X, y)

    def predict(self, X: Any) -> Array:
        check_is_fitted(self)
        X = refuse_extremes(validate_data(self, X, dtype=np.float64, reset=False), name="X")
        averages = self.sums_ / self.sums_[-1, -1]
        mean = averages[-1, :-1]
        spread = averages[:-1, :-1] - np.outer(mean, mean)
        # Columns are brought to one scale, so that tiny and huge ones are solved as well as others.
        size = np.sqrt(np.where(np.diag(spread) > 1e-200, np.diag(spread), 1.0))[:-1]
        gram = spread[:-1, :-1] / size[:, None] / size + self.alpha * np.eye(len(size))
        coef = np.linalg.solve(gram, spread[:-1, -1] / size) / size
        values: Array = self.origin_[-1] + mean[-1] + (X - self.origin_[:-1] - mean[:-1]) @ coef
        return values

    def _training(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, reset=reset)
        return refuse_extremes(X, name="X"), refuse_extremes(np.array(y, dtype=np.float64), name="y")

    def _start(self, X: Array, y: Array) -> None:
        self.origin_ = np.append(X[0], y[0])
        self.sums_ = np.zeros((X.shape[1] + 2, X.shape[1] + 2))

    def _add(self, X: Array, y: Array) -> Self:
        rows = np.column_stack([np.column_stack([X, y]) - self.origin_, np.ones(len(X))])
        self.sums_ = self.sums_ + self._sums(rows)
        return self

    def _sums(self, rows: Array) -> Array:
        sums: Array = rows.T @ rows
        return sums


class Plain:
    """The nearest training row's target, without a line of scikit-learn."""

    def fit(self, X: Any, y: Any) -> Self:
        self.columns = list(X.columns) if hasattr(X, "columns") else None
        rows, targets = self._matrix(X).copy(), np.array(y, dtype=np.float64)
        if targets.shape != (len(rows),) or not len(rows) or not np.isfinite(targets).all():
            raise ValueError(f"y must hold one finite number for each of {len(rows)} rows, at least one")
        self.rows, self.targets = rows, targets
        return self

    def predict(self, X: Any) -> Array:
        if not hasattr(self, "rows"):
            raise ValueError("this model is not fitted yet: call fit first")
        X = self._matrix(X)
        if X.shape[1] != self.rows.shape[1]:
            raise ValueError(f"X has {X.shape[1]} columns, the training rows had {self.rows.shape[1]}")
        nearest = [int(np.abs(self.rows - row).max(axis=1).argmin()) for row in X]
        return self.targets[nearest]

    def _matrix(self, X: Any) -> Array:
        if hasattr(X, "columns") and self.columns is not None:
            absent = [name for name in self.columns if name not in X.columns]
            if absent or len(X.columns) != len(self.columns):
                raise ValueError(f"the columns must be {self.columns}, not {list(X.columns)}")
            X = X[self.columns]
        try:
            matrix = np.asarray(X, dtype=np.float64)
        except TypeError as error:
            raise ValueError(f"X must be a table of numbers: {error}") from error
        if matrix.ndim != 2 or not matrix.size or not np.isfinite(matrix).all():
            raise ValueError(f"X must be a table of finite numbers, not of shape {matrix.shape}")
        return refuse_extremes(matrix, name="X")
