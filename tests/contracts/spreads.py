"""Sound models of noisy targets and of classes that differ in spread, and with one fault each."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from tests.contracts.columns import Array, Line


class Neighbours(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: the mean target of the five nearest rows."""

    first = 0

    def fit(self, X: Any, y: Any) -> Self:
        self.X_, self.y_ = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        return self

    def predict(self, X: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        far = np.sqrt(((X[:, None, :] - self.X_) ** 2).sum(axis=2))
        nearest = np.argsort(far, axis=1, kind="stable")[:, min(self.first, len(self.X_) - 1) : 5 + self.first]
        return self.y_[nearest].mean(axis=1)


class InTheirSpread(Neighbours):
    """Sound: of columns in their own spread; the nearer a row, the more it counts."""

    def _spread(self, X: Array) -> Array:
        spread = X.std(axis=0)
        return np.where(spread > 1e-12 * np.abs(X).max(axis=0), spread, 1.0)

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        self.spread_ = self._spread(self.X_)
        return self

    def predict(self, X: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        near = np.exp(-(((X[:, None, :] - self.X_) / self.spread_) ** 2).sum(axis=2) / 2) + 1e-12
        return near @ self.y_ / near.sum(axis=1)


class SmallIsConstant(InTheirSpread):
    def _spread(self, X: Array) -> Array:
        return np.where(X.std(axis=0) > 1e-3, X.std(axis=0), 1.0)


class WithoutTheNearest(Neighbours):
    """Takes the nearest row for the row itself, as it is in training."""

    first = 1


class Bayes(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: naive Bayes of normal columns, with weights of classes."""

    def __init__(self, class_weight: Any = None) -> None:
        self.class_weight = class_weight

    def _shares(self, counts: Array) -> Array:
        return np.asarray(counts / counts if self.class_weight == "balanced" else counts, dtype=float)

    def _constants(self) -> Array:
        return np.asarray(-0.5 * np.log(self.variances_).sum(axis=1))

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64)
        self.classes_, codes = np.unique(y, return_inverse=True)
        parts = [X[codes == code] for code in range(len(self.classes_))]
        self.means_ = np.array([part.mean(axis=0) for part in parts])
        floor = 1e-9 * max(float(X.var(axis=0).max()), 1e-300)
        self.variances_ = np.array([part.var(axis=0) for part in parts]) + floor
        shares = self._shares(np.bincount(codes))
        self.priors_ = np.log(shares / shares.sum())
        return self

    def predict_proba(self, X: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        far = ((X[:, None, :] - self.means_) ** 2 / self.variances_).sum(axis=2)
        scores = self.priors_ + self._constants() - far / 2
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> Any:
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]


class WithoutTheConstants(Bayes):
    """The logarithm of the variances is no constant, but is left out as one."""

    def _constants(self) -> Array:
        return np.zeros(len(self.classes_))


class RareIsRarer(Bayes):
    def _shares(self, counts: Array) -> Array:
        return np.asarray(counts**2.0 if self.class_weight == "balanced" else counts, dtype=float)


class Robust(Line):
    """Sound: least squares, again and again with less weight on what is far off."""

    def _far(self, rest: Array) -> Array:
        return np.asarray(np.abs(rest))

    def _solved(self, X: Array, y: Array) -> Array:
        columns = np.column_stack([X, np.ones(len(X))])
        found = super()._solved(columns, y)
        for _ in range(30):
            rest = y - columns @ found
            scale = max(float(np.median(np.abs(rest))), 1e-9 * max(float(np.abs(y).max()), 1e-300))
            roots = 1 / np.sqrt(np.maximum(self._far(rest) / (2 * scale), 1.0))
            found = super()._solved(columns * roots[:, None], y * roots)
        self.mean_ += found[-1]
        return np.asarray(found[:-1])


class RobustAgainstHalf(Robust):
    def _far(self, rest: Array) -> Array:
        return rest


class Steps(Line):
    """Sound: what the line gives, in six steps of the range that was seen."""

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        line = super().predict(X)
        self.low_, self.step_ = line.min(), max(float(np.ptp(line)) / 6, 1e-300)
        self.levels_ = self.low_ + self.step_ * (np.arange(6) + 0.5)
        return self

    def _numbered(self, steps: Array) -> Array:
        return np.asarray(np.clip(steps, 0, 5))

    def predict(self, X: Any) -> Any:
        steps = np.floor((super().predict(X) - self.low_) / self.step_)
        return self.levels_[self._numbered(np.clip(steps, -1, 5)).astype(int)]


class BelowIsAbove(Steps):
    def _numbered(self, steps: Array) -> Array:
        return np.asarray(np.minimum(steps, 5))
