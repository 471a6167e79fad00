"""Degenerate data that ends in nonsense or in a foreign error."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from tests.zoo.classifying import Bayes, Centroid, Margin
from tests.zoo.data import Array, blobs, differs, fails, line
from tests.zoo.regressing import Linear, Nearest
from tests.zoo.specimen import Specimen

DEGENERATE = "degenerate data (one row, one column, constant columns, one class ...) works or is refused clearly"


class ConstantColumnIsNan(Linear):
    """Divides by a deviation of zero."""

    def _standard(self, X: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            Z: Array = (X - self.mean_) / np.where(self.flat_, 0.0, self.scale_)
        return Z

    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        self.flat_ = np.zeros(X.shape[1], dtype=bool)
        super()._learn(X, y, weights)
        self.flat_ = (X[0] == X).all(axis=0) & (len(X) > 1)
        return self


class SecondColumnOfProbabilities(Centroid):
    """Two classes are compared with 0.5 in the column that one class does not have."""

    def predict(self, X: Any) -> Array:
        proba = self.predict_proba(X)
        if proba.shape[1] > 2:
            return super().predict(X)
        labels: Array = self.classes_[(proba[:, 1] > 0.5).astype(int)]
        return labels


class OneRowHasNoDeviation(Nearest):
    """Sample deviations of one row are 0 / 0."""

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        if len(self.rows_) == 1:
            self.targets_ = self.targets_ * np.nan
        return self


class OneColumnSqueezed(Linear):
    def _values(self, X: Array) -> Array:
        Z = self._standard(X).squeeze() if len(X) > 1 else self._standard(X)
        values: Array = self.offset_ + Z[:, :] @ self.coef_
        return values


class OneTrainingRowIndexed(Bayes):
    """Looks at a second row to learn how columns vary."""

    def _add(self, X: Array, y: Array) -> Self:
        self.step_ = X[1] - X[0]
        return super()._add(X, y)


class FewerRowsThanNeighbours(Nearest):
    def _value(self, row: Array) -> float:
        distances = ((self.rows_ - row) ** 2).sum(axis=1)
        nearest = np.argsort(distances, kind="stable")
        return float(np.mean([self.targets_[nearest[place]] for place in range(self.k)]))


class TinyScalesAreZero(Centroid):
    """Columns that vary by less than 1e-3 are thought to be constant."""

    def _learn(self, X: Array, codes: Array, weights: Array) -> Self:
        return super()._learn(np.where(np.ptp(X, axis=0) < 1e-3, 0.0, X), codes, weights)


class HugeScalesClipped(Linear):
    """Every input beyond a million is a million."""

    def _inputs(self, X: Any) -> Array:
        return np.clip(super()._inputs(X), -1e6, 1e6)


class MajorityUnderImbalance(Margin):
    """Fewer than one row in ten are noise, it says, and adds a margin that nothing passes."""

    def _learn(self, X: Array, codes: Array, weights: Array) -> Self:
        super()._learn(X, codes, weights)
        share = np.bincount(codes) / len(codes)
        self.bar_ = 1e9 if share.min() < 0.1 and len(share) == 2 else 0.0
        self.rare_ = int(share.argmin())
        return self

    def decision_function(self, X: Any) -> Array:
        return super().decision_function(X) - (self.bar_ if self.rare_ == 1 else -self.bar_)


def constant_column_is_nan(model: Any) -> bool:
    X, y = line()
    X[:, 1] = 3.0
    return bool(np.isnan(model.fit(X, y).predict(X)).any())


def one_class_fails(model: Any) -> bool:
    X, _ = blobs()
    return fails(model.fit(X, np.zeros(len(X), dtype=int)).predict, X)


def one_row_is_nan(model: Any) -> bool:
    X, y = line()
    return bool(np.isnan(model.fit(X[:1], y[:1]).predict(X)).any())


def one_row_fails(model: Any) -> bool:
    X, y = blobs()
    return fails(model.fit, X[:1], y[:1])


def one_column_fails(model: Any) -> bool:
    X, y = line()
    return fails(model.fit(X[:, :1], y).predict, X[:, :1])


def few_rows_fail(model: Any) -> bool:
    X, y = line()
    return fails(model.fit(X[:2], y[:2]).predict, X)


def scale_matters(scale: float) -> Any:
    """Return a demonstration: the same data at another scale is not learnt."""

    def demonstrate(model: Any) -> bool:
        X, y = blobs() if hasattr(model, "predict_proba") else line()
        return differs(model.fit(scale * X, y).predict(scale * X), model.fit(X, y).predict(X), tolerance=1e-3)

    return demonstrate


def never_finds_the_rare(model: Any) -> bool:
    X, y = blobs(400, labels=(0, 1))
    kept = np.flatnonzero((y == 0) | (np.arange(len(y)) < 20))
    return bool((model.fit(X[kept], y[kept]).predict(X[y == 1]) == 0).all())


def _regressor(name: str, broken: Any, healthy: Any, shows: Any) -> Specimen:
    return Specimen(name, DEGENERATE, "regressor", broken, healthy, demonstrate=shows)


def _classifier(name: str, broken: Any, healthy: Any, shows: Any) -> Specimen:
    return Specimen(name, DEGENERATE, "classifier", broken, healthy, demonstrate=shows)


SPECIMENS = (
    _regressor("constant_column_is_nan", ConstantColumnIsNan, Linear, constant_column_is_nan),
    _classifier("one_class_fails", SecondColumnOfProbabilities, Centroid, one_class_fails),
    _regressor("one_row_is_nan", OneRowHasNoDeviation, Nearest, one_row_is_nan),
    _classifier("one_row_fails", OneTrainingRowIndexed, Bayes, one_row_fails),
    _regressor("one_column_squeezed", OneColumnSqueezed, Linear, one_column_fails),
    _regressor("few_rows_fail", FewerRowsThanNeighbours, Nearest, few_rows_fail),
    _classifier("tiny_scales_are_zero", TinyScalesAreZero, Centroid, scale_matters(1e-6)),
    _regressor("huge_scales_clipped", HugeScalesClipped, Linear, scale_matters(1e12)),
    Specimen(
        "majority_under_imbalance",
        DEGENERATE,
        "classifier",
        MajorityUnderImbalance,
        Margin,
        {"binary_only": True},
        demonstrate=never_finds_the_rare,
    ),
)
