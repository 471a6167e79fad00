"""Sample weights that do not mean what they say."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from tests.zoo.classifying import Centroid
from tests.zoo.data import Array, blobs, differs, line
from tests.zoo.regressing import Linear
from tests.zoo.specimen import Specimen

WEIGHTS = "sample weights mean what they say where supported"


class WeightsIgnored(Linear):
    def _training(self, X: Any, y: Any, sample_weight: Any) -> tuple[Array, Array, Array]:
        X, y, weights = super()._training(X, y, sample_weight)
        return X, y, np.ones_like(weights)


class WeightsCutToIntegers(Linear):
    """Repeats rows as often as the weight says, in whole numbers."""

    def _training(self, X: Any, y: Any, sample_weight: Any) -> tuple[Array, Array, Array]:
        X, y, weights = super()._training(X, y, sample_weight)
        return X, y, np.maximum(np.floor(weights), 1)


class ZeroWeightCounts(Centroid):
    """Zero is taken for "not given"."""

    def _training(self, X: Any, y: Any, sample_weight: Any) -> tuple[Array, Array, Array]:
        weights = None if sample_weight is None else np.array(sample_weight, dtype=np.float64)
        if weights is not None and weights.any() and weights.ndim == 1:
            weights[weights == 0] = 1.0
        return super()._training(X, y, weights)


class WeightsForTheScaleOnly(Centroid):
    """Mean and scale of the columns are weighted, the centroids are not."""

    def _learn(self, X: Array, codes: Array, weights: Array) -> Self:
        super()._learn(X, codes, weights)
        Z = self._standard(X)
        self.centroids_ = np.stack([Z[codes == code].mean(axis=0) for code in range(len(self.classes_))])
        return self


class WeightsSquared(Linear):
    """Weighted once in the inputs and once more in the product."""

    def _solve(self, Z: Array, y: Array, weights: Array) -> Array:
        return super()._solve(Z, y, weights**2)


def weight_one_to_three(rows: int) -> Array:
    return 1.0 + np.arange(rows) % 3


def differs_from_repeated(model: Any) -> bool:
    X, y = line()
    y = y + np.random.default_rng(0).normal(scale=3, size=len(y))
    weights = weight_one_to_three(len(y))
    places = np.repeat(np.arange(len(y)), weights.astype(int))
    repeated = type(model)().fit(X[places], y[places]).predict(X)
    return differs(model.fit(X, y, sample_weight=weights).predict(X), repeated)


def depends_on_the_unit(model: Any) -> bool:
    X, y = line()
    y = y + np.random.default_rng(0).normal(scale=3, size=len(y))
    weights = weight_one_to_three(len(y)) / 2
    before = model.fit(X, y, sample_weight=weights).predict(X)
    return differs(model.fit(X, y, sample_weight=2 * weights).predict(X), before)


def counts_zero(model: Any) -> bool:
    X, y = blobs()
    weights = np.where(np.arange(len(y)) < 45, 1.0, 0.0)
    alone = type(model)().fit(X[:45], y[:45]).predict_proba(X)
    return differs(model.fit(X, y, sample_weight=weights).predict_proba(X), alone)


def centroids_differ_from_repeated(model: Any) -> bool:
    X, y = blobs()
    weights = weight_one_to_three(len(y))[::-1] * (1 + np.arange(len(y)) // 30)
    places = np.repeat(np.arange(len(y)), weights.astype(int))
    repeated = type(model)().fit(X[places], y[places]).predict_proba(X)
    return differs(model.fit(X, y, sample_weight=weights).predict_proba(X), repeated)


SPECIMENS = (
    Specimen("weights_ignored", WEIGHTS, "regressor", WeightsIgnored, Linear, demonstrate=differs_from_repeated),
    Specimen(
        "weights_cut_to_integers", WEIGHTS, "regressor", WeightsCutToIntegers, Linear, demonstrate=depends_on_the_unit
    ),
    Specimen("zero_weight_counts", WEIGHTS, "classifier", ZeroWeightCounts, Centroid, demonstrate=counts_zero),
    Specimen(
        "weights_for_the_scale_only",
        WEIGHTS,
        "classifier",
        WeightsForTheScaleOnly,
        Centroid,
        demonstrate=centroids_differ_from_repeated,
    ),
    Specimen("weights_squared", WEIGHTS, "regressor", WeightsSquared, Linear, demonstrate=differs_from_repeated),
)
