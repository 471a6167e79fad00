"""Models that declare what they are: for positive numbers only, never twice the same, rounded to few levels."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_non_negative

from tests.zoo.classifying import Centroid
from tests.zoo.data import Array, blobs, differs, line, one_by_one
from tests.zoo.regressing import Linear, RandomFeatures
from tests.zoo.specimen import Specimen

BATCH = "batch equals row by row, with outliers in the batch"
SHAPE = "predictions have the right shape, also for one row"
NONSENSE = "degenerate data works or is refused clearly, never silently turned into nonsense"


class Counts(Centroid):
    """Counts of things, compared by their logarithms; negative numbers are refused."""

    def _training(self, X: Any, y: Any, sample_weight: Any) -> tuple[Array, Array, Array]:
        X, y, weights = super()._training(X, y, sample_weight)
        return self._logs(X), y, weights

    def _inputs(self, X: Any) -> Array:
        return self._logs(super()._inputs(X))

    def _logs(self, X: Array) -> Array:
        check_non_negative(X, type(self).__name__)
        return np.log1p(X)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        return tags


class SharesOfBatchTotal(Counts):
    """Divides by the totals of the columns: those of the batch."""

    def _logs(self, X: Array) -> Array:
        totals = X.sum(axis=0)
        return super()._logs(X / np.where(totals > 0, totals, 1.0) * 100)


class LogsOfNegatives(Counts):
    """A negative number's logarithm is NaN, and NaN is nearest to the first class."""

    def _logs(self, X: Array) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.nan_to_num(np.log1p(X), neginf=0.0)


class Jittered(RandomFeatures):
    """Draws its random columns from the system, and says so."""

    def _draw(self, width: int) -> Array:
        return np.random.default_rng().normal(size=(width, self.size))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.non_deterministic = True
        return tags


class JitteredScalar(Jittered):
    def predict(self, X: Any) -> Array:
        return super().predict(X).squeeze()


class Quantised(Linear):
    """Inputs in 256 levels of the range that they had in training."""

    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        self.low_, self.high_ = X.min(axis=0), X.max(axis=0)
        return super()._learn(self._levels(X), y, weights)

    def _values(self, X: Array) -> Array:
        return super()._values(self._levels(X))

    def _levels(self, X: Array) -> Array:
        low, high = self._range(X)
        width = np.where(high > low, high - low, 1.0)
        levels: Array = low + np.clip(np.rint((X - low) / width * 255), 0, 255) / 255 * width
        return levels

    def _range(self, X: Array) -> tuple[Array, Array]:
        return self.low_, self.high_


class QuantisedByBatch(Quantised):
    """The range is that of the batch, as dynamic quantisation does."""

    def _range(self, X: Array) -> tuple[Array, Array]:
        return (X.min(axis=0), X.max(axis=0)) if len(X) > 1 else super()._range(X)


def counts() -> tuple[Array, Array]:
    X, y = blobs()
    return np.exp(np.abs(X)), y


def counts_differ_from_rows(model: Any) -> bool:
    X, y = counts()
    model.fit(X, y)
    return differs(model.predict_proba(X[:30]), one_by_one(model.predict_proba, X[:30]))


def takes_negatives(model: Any) -> bool:
    X, y = counts()
    model.fit(X, y)
    try:
        model.predict(-X)
    except ValueError:
        return False
    return True


def has_no_length(model: Any) -> bool:
    X, y = line()
    return bool(np.shape(model.fit(X, y).predict(X[:1])) != (1,))


def levels_depend_on_batch(model: Any) -> bool:
    X = line(seed=1)[0]
    X[0] *= 50
    model.fit(*line())
    return differs(model.predict(X)[1:], model.predict(X[1:]))


SPECIMENS = (
    Specimen(
        "shares_of_batch_total",
        BATCH,
        "classifier",
        SharesOfBatchTotal,
        Counts,
        {"positive_only": True},
        demonstrate=counts_differ_from_rows,
    ),
    Specimen(
        "logs_of_negatives",
        NONSENSE,
        "classifier",
        LogsOfNegatives,
        Counts,
        {"positive_only": True},
        demonstrate=takes_negatives,
    ),
    Specimen(
        "jittered_scalar",
        SHAPE,
        "regressor",
        JitteredScalar,
        Jittered,
        {"nondeterministic": True},
        demonstrate=has_no_length,
    ),
    Specimen("quantised_by_batch", BATCH, "regressor", QuantisedByBatch, Quantised, demonstrate=levels_depend_on_batch),
)
