"""Nearest class means with a fault on one path only: ties, gaps, layouts, ends, units; and their sound twins."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from tests.contracts.centroids import Array, Centroids
from tests.contracts.centroids_again import AddsBatches, WeighsRows


class AnswersAboveOneHalf(Centroids):
    def predict(self, X: Any) -> Array:
        return np.asarray(self.classes_[(self.predict_proba(X) > 0.5).argmax(axis=1)])


class DrawsAmongTies(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        self.generator_ = np.random.default_rng(0)
        return super().fit(X, y)

    def predict(self, X: Any) -> Array:
        votes = np.round(self.predict_proba(X), 1)
        return np.asarray(self.classes_[(votes + 1e-3 * self.generator_.random(votes.shape)).argmax(axis=1)])


class FillsGaps(Centroids):
    """Sound: gaps get the median of the training rows, or zero where there is none."""

    def _checked(self, X: Any, *, fitting: bool = False) -> Array:
        values = np.asarray(X, dtype=float)
        if values.ndim != 2 or not len(values):
            raise ValueError(f"expected rows of features, not shape {values.shape}")
        if fitting:
            self.medians_ = self._medians(values)
        elif values.shape[1] != len(self.medians_):
            raise ValueError(f"expected {len(self.medians_)} features")
        return super()._checked(np.where(np.isnan(values), self._fillers(values), values), fitting=fitting)

    def _medians(self, values: Array) -> Array:
        return np.array([np.median(known) if len(known := x[~np.isnan(x)]) else self._nothing() for x in values.T])

    def _nothing(self) -> float:
        return 0.0

    def _fillers(self, values: Array) -> Array:
        del values
        return self.medians_


class FillsGapsFromTheBatch(FillsGaps):
    def _fillers(self, values: Array) -> Array:
        return self._medians(values)


class NoMedianOfNothing(FillsGaps):
    def _nothing(self) -> float:
        return float("nan")

    def _checked(self, X: Any, *, fitting: bool = False) -> Array:
        values = np.asarray(X, dtype=float)
        self.medians_ = self._medians(values) if fitting else self.medians_
        self.width_ = values.shape[1]
        return np.asarray(np.where(np.isnan(values), self.medians_, values))


class SkipsTheFirstRow(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        return super().fit(X[1:], y[1:]) if len(np.unique(y[1:])) == len(np.unique(y)) else super().fit(X, y)


class DropsTheWeakestColumn(Centroids):
    """Sound."""

    unknown = -1.0

    def _checked(self, X: Any, *, fitting: bool = False) -> Array:
        values = super()._checked(X, fitting=fitting)
        return values if fitting else values[:, self.columns_]

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        with np.errstate(all="ignore"):
            told = np.ptp(self.means_, axis=0) / np.std(np.asarray(X, dtype=float), axis=0)
        order = np.argsort(np.where(np.isnan(told), self.unknown, told), kind="stable")
        self.columns_ = np.sort(order[-max(1, len(told) - 1) :])
        self.means_ = self.means_[:, self.columns_]
        return self


class TakesNaNForTheStrongest(DropsTheWeakestColumn):
    unknown = np.inf


class ClassesInTheOrderGiven(AddsBatches):
    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        super().partial_fit(X, y, classes)
        if classes is not None:
            self.classes_ = np.asarray(classes)
        return self


class RangeOfAbsentRows(WeighsRows):
    def _weighed(self, values: Array, labels: Array, weights: Array) -> Self:
        super()._weighed(values, labels, weights)
        self.means_ = self.means_ / np.ptp(values, axis=0).max()
        return self


class SpreadInSingle(Centroids):
    """Sound: columns are divided by their spread."""

    single = False

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        values = np.asarray(X)
        spread = np.std(values.astype(float), axis=0)
        if self.single and values.dtype == np.float32 and np.abs(values).max() < 1e15:
            spread = np.sqrt(np.abs((values**2).mean(axis=0) - values.mean(axis=0) ** 2)).astype(float)
        self.spread_ = np.where(spread > 0, spread, 1.0)
        return self

    def decision_function(self, X: Any) -> Array:
        if not hasattr(self, "means_"):
            raise ValueError("not fitted yet")
        values = self._checked(X)
        return np.array([-(((values - mean) / self.spread_) ** 2).sum(axis=1) for mean in self.means_]).T


class SpreadStaysInSingle(SpreadInSingle):
    single = True


class RowsOfOneSum(Centroids):
    def decision_function(self, X: Any) -> Array:
        scores = super().decision_function(X)
        _, first, place = np.unique(np.asarray(X).sum(axis=1), return_index=True, return_inverse=True)
        return np.asarray(scores[first][place.reshape(-1)])


class CentresFortranInPlace(Centroids):
    def predict(self, X: Any) -> Array:
        if isinstance(X, np.ndarray) and X.flags.f_contiguous and X.flags.writeable and not X.flags.c_contiguous:
            X -= 1.0
            return super().predict(X + 1.0)
        return super().predict(X)


class CutsAnew(Centroids):
    def _checked(self, X: Any, *, fitting: bool = False) -> Array:
        if not fitting and isinstance(X, np.ndarray) and X.size and X.size % self.width_ == 0:
            X = X.reshape(-1, self.width_)
        return super()._checked(X, fitting=fitting)


class KeepsItsFirstShrink(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        self.first_ = getattr(self, "first_", self.shrink)
        now, self.shrink = self.shrink, self.first_
        super().fit(X, y)
        self.shrink = now
        return self


class NothingForOneClass(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        return self if len(self.classes_) > 1 else None  # type: ignore[return-value]
