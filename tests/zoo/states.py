"""Predictions that depend on earlier calls."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import validate_data

from tests.zoo.classifying import Centroid
from tests.zoo.data import Array, blobs, differs, line
from tests.zoo.numbers import softmax
from tests.zoo.regressing import Linear, Nearest, RandomFeatures
from tests.zoo.specimen import Specimen

AGAIN = "predicting twice, in any order, between other calls, changes nothing"
EARLIER = "earlier outputs stay as they were"


class CacheByIdentity(Linear):
    """Knows an array by its address, although what it holds may have changed."""

    def predict(self, X: Any) -> Array:
        cache = self.__dict__.setdefault("_cache", {})
        if cache.get("key") != id(X):
            cache.update(key=id(X), values=super().predict(X))
        values: Array = cache["values"]
        return values.copy()

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        self.__dict__.pop("_cache", None)
        return super().fit(X, y, sample_weight)


class CacheByShape(Linear):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        self._cache: dict[tuple[int, ...], Array] = {}
        return super().fit(X, y, sample_weight)

    def _values(self, X: Array) -> Array:
        if X.shape not in self._cache:
            self._cache = {X.shape: super()._values(X)}
        return self._cache[X.shape].copy()


class CacheBySum(Nearest):
    """Takes the sum of all cells for a checksum; it is the same for the rows in another order."""

    def _values(self, X: Array) -> Array:
        key = (X.shape, float(X.sum().round(6)), id(self.rows_))
        if getattr(self, "_key", None) != key:
            self._key, self._kept = key, super()._values(X)
        return self._kept.copy()


class SharedBuffer(Linear):
    def _values(self, X: Array) -> Array:
        values = super()._values(X)
        if getattr(self, "_out", np.empty(0)).shape != values.shape:
            self._out = np.empty_like(values)
        self._out[:] = values
        return self._out


class DriftsWithPredictions(Linear):
    """Follows the mean of what it is asked."""

    def _values(self, X: Array) -> Array:
        values = super()._values(X)
        self.mean_ = 0.99 * self.mean_ + 0.01 * X.mean(axis=0)
        return values


class ScaleOfTheFirstBatch(Centroid):
    """The scale is worked out when it is first needed: in the first prediction."""

    def _learn(self, X: Array, codes: Array, weights: Array) -> Self:
        self._late: Array | None = None
        return super()._learn(X, codes, weights)

    def _inputs(self, X: Any) -> Array:
        X = super()._inputs(X)
        if self._late is None:
            spread = np.abs(X - self.mean_).mean(axis=0)
            self._late = np.where(spread > 0, spread, self.scale_)
        made: Array = self.mean_ + (X - self.mean_) / self._late * self.scale_
        return made


class DropoutInPredictions(RandomFeatures):
    """Goes on drawing from the generator of the training."""

    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        self._rng = np.random.default_rng(0)
        return super()._learn(X, y, weights)

    def _values(self, X: Array) -> Array:
        kept = self._rng.random(self.coef_.shape) < 0.9
        values: Array = self.offset_ + self._standard(X) @ (self.coef_ * kept)
        return values


class LastProbabilitiesReused(Centroid):
    """predict takes what predict_proba worked out last, if it has as many rows."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        self._last: Array | None = None
        return super().fit(X, y, sample_weight)

    def predict_proba(self, X: Any) -> Array:
        self._last = super().predict_proba(X)
        return self._last.copy()

    def predict(self, X: Any) -> Array:
        rows = self._inputs(X)
        last = self._last if self._last is not None and len(self._last) == len(rows) else softmax(self._scores(rows))
        best = last.argmax(axis=1)
        labels: Array = self.classes_[best]
        return labels


class ScalesAnew(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Fits once more in transform, as a copy from a notebook does."""

    def fit(self, X: Any, y: Any = None) -> Self:
        validate_data(self, X, dtype=np.float64)
        self.scaler_ = StandardScaler().fit(X)
        return self

    def transform(self, X: Any) -> Array:
        X = validate_data(self, X, dtype=np.float64, reset=False)
        if len(X) > 1:
            self.scaler_.fit(X)
        scaled: Array = self.scaler_.transform(X)
        return scaled


def is_stale_in_place(model: Any) -> bool:
    X = line()[0]
    model.fit(*line())
    first = model.predict(X)
    X[:] = X[::-1].copy()
    return differs(model.predict(X), first[::-1])


def is_stale_for_other_rows(model: Any) -> bool:
    X = line(seed=1)[0]
    model.fit(*line())
    return differs(model.predict(X), model.predict(X[::-1])[::-1])


def overwrites(model: Any) -> bool:
    X = line(seed=1)[0]
    model.fit(*line())
    first = model.predict(X)
    kept = first.copy()
    model.predict(X[::-1])
    return differs(first, kept)


def changes_when_repeated(model: Any) -> bool:
    X = line(seed=1)[0]
    model.fit(*line())
    return differs(model.predict(X), model.predict(X))


def depends_on_first_call(model: Any) -> bool:
    X, y = blobs()
    model.fit(X, y).predict_proba(X[:5])
    after_five = model.predict_proba(X)
    model.fit(X, y)
    return differs(model.predict_proba(X), after_five)


def mixes_calls_up(model: Any) -> bool:
    X, y = blobs()
    model.fit(X, y).predict_proba(X[::-1])
    return bool((model.predict(X) == y).mean() < 0.9)


def scales_anew(model: Any) -> bool:
    X, y = blobs(labels=(0, 1))
    model.fit(X, y)
    before = model.predict_proba(X[:1])
    model.predict_proba(100 * X)
    return differs(model.predict_proba(X[:1]), before)


SPECIMENS = (
    Specimen("cache_by_identity", AGAIN, "regressor", CacheByIdentity, Linear, demonstrate=is_stale_in_place),
    Specimen("cache_by_shape", AGAIN, "regressor", CacheByShape, Linear, demonstrate=is_stale_for_other_rows),
    Specimen("cache_by_sum", AGAIN, "regressor", CacheBySum, Nearest, demonstrate=is_stale_for_other_rows),
    Specimen("shared_buffer", EARLIER, "regressor", SharedBuffer, Linear, demonstrate=overwrites),
    Specimen(
        "drifts_with_predictions", AGAIN, "regressor", DriftsWithPredictions, Linear, demonstrate=changes_when_repeated
    ),
    Specimen(
        "scale_of_the_first_batch",
        AGAIN,
        "classifier",
        ScaleOfTheFirstBatch,
        Centroid,
        demonstrate=depends_on_first_call,
    ),
    Specimen(
        "dropout_in_predictions",
        AGAIN,
        "regressor",
        DropoutInPredictions,
        RandomFeatures,
        demonstrate=changes_when_repeated,
    ),
    Specimen(
        "last_probabilities_reused", AGAIN, "classifier", LastProbabilitiesReused, Centroid, demonstrate=mixes_calls_up
    ),
    Specimen(
        "scaler_fitted_in_transform",
        AGAIN,
        "pipeline",
        lambda: make_pipeline(ScalesAnew(), LogisticRegression()),
        lambda: make_pipeline(StandardScaler(), LogisticRegression()),
        demonstrate=scales_anew,
    ),
)
