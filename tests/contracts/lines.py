"""Least squares with a fault on one path only: forms of targets, small units, objects as parameters; and twins."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone

from tests.contracts.centroids import Array


class Line(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: least squares on scaled columns, for one target or several."""

    least = 0.0

    def __init__(self, alpha: float = 0.1) -> None:
        self.alpha = alpha

    def fit(self, X: Any, y: Any) -> Self:
        values, targets = np.asarray(X, dtype=float), np.asarray(y, dtype=float)
        self.mean_, spread = values.mean(axis=0), values.std(axis=0)
        self.scale_ = np.where(spread > self.least, spread, 1.0)
        self.level_ = self._level(targets)
        scaled = (values - self.mean_) / self.scale_
        squares = scaled.T @ scaled + self.alpha * np.eye(values.shape[1])
        self.coef_ = np.linalg.solve(squares, scaled.T @ self._centred(targets))
        return self

    def _level(self, targets: Array) -> Any:
        return targets.mean(axis=0)

    def _centred(self, targets: Array) -> Array:
        return np.asarray(targets - self.level_)

    def predict(self, X: Any) -> Array:
        values = (np.asarray(X, dtype=float) - self.mean_) / self.scale_
        return np.asarray(values @ self.coef_ + self.level_)


class LosesAColumnOfTargets(Line):
    def _centred(self, targets: Array) -> Array:
        return super()._centred(targets) * (targets.ndim == 1)


class OneLevelForAll(Line):
    def _level(self, targets: Array) -> Any:
        return targets.mean()


class SmallIsConstant(Line):
    least = 1e-4


class Nearest(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: the target of the nearest row."""

    def fit(self, X: Any, y: Any) -> Self:
        self.X_, self.y_ = np.array(X, dtype=float), np.array(y)
        return self

    def _distances(self, row: Array) -> Array:
        return np.asarray(((self.X_ - row) ** 2).sum(axis=1))

    def predict(self, X: Any) -> Array:
        return np.array([self.y_[self._distances(row).argmin()] for row in np.asarray(X, dtype=float)])


class ExpandsDistances(Nearest):
    def _distances(self, row: Array) -> Array:
        return np.asarray((self.X_**2).sum(axis=1) - 2 * (self.X_ * row).sum(axis=1) + (row**2).sum())


class Wraps(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: fits a clone of its base."""

    def __init__(self, base: Any = None) -> None:
        self.base = base

    def _member(self) -> Any:
        return Line() if self.base is None else clone(self.base)

    def fit(self, X: Any, y: Any) -> Self:
        self.member_ = self._member().fit(X, y)
        return self

    def predict(self, X: Any) -> Array:
        return np.asarray(self.member_.predict(X))


class FitsItsBase(Wraps):
    def _member(self) -> Any:
        return self.base


class OwnBase(Wraps):
    """Sound: its default base is its own."""

    def __init__(self, base: Any = None) -> None:
        self.base = Line() if base is None else base


_BASE = Line()


class OneBaseForAll(Wraps):
    def __init__(self, base: Any = _BASE) -> None:
        self.base = base
