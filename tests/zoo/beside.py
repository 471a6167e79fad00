"""What stands beside ``fit`` and ``predict``, and says something else: bounds, scores, batches, members."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted, validate_data

from tests.zoo.data import Array, differs, line
from tests.zoo.numbers import check_weights
from tests.zoo.regressing import Linear, Running
from tests.zoo.specimen import Specimen

BESIDE = "further methods agree with predict"
WEIGHTS = "sample weights mean what they say where supported"


class Bounded(Linear):
    """Bounds lie two standard deviations of the residuals away."""

    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        super()._learn(X, y, weights)
        self.spread_ = self._spread(np.asarray(y - self._values(X)))
        return self

    def _spread(self, residuals: Array) -> float:
        return float(residuals.std())

    def predict_interval(self, X: Any) -> tuple[Array, Array]:
        values, reach = self.predict(X), 2 * self.spread_
        return values - reach, values + reach


class BoundsOfTheFirstFit(Bounded):
    def _spread(self, residuals: Array) -> float:
        return float(getattr(self, "spread_", super()._spread(residuals)))


class BoundsTurnedRound(Bounded):
    def predict_interval(self, X: Any) -> tuple[Array, Array]:
        low, high = super().predict_interval(X)
        return high, low


class BoundsOfTheBatch(Bounded):
    """The reach grows with the spread of the batch."""

    def predict_interval(self, X: Any) -> tuple[Array, Array]:
        values = self.predict(X)
        reach = 2 * self.spread_ + values.std()
        return values - reach, values + reach


class Scored(Linear):
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return float(r2_score(y, self.predict(X), sample_weight=sample_weight))


class ScoreTurnedRound(Scored):
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        return float(r2_score(self.predict(X), y, sample_weight=sample_weight))


class ScoreWithoutWeights(Scored):
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        del sample_weight
        return super().score(X, y)


class WeighedBatches(Running):
    """Batches with weights."""

    def fit(self, X: Any, y: Any) -> Self:
        self.weights_: Array | None = None
        return super().fit(X, y)

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        self.weights_ = self._weights(None if sample_weight is None else check_weights(sample_weight, len(X)))
        super().partial_fit(X, y)
        self.weights_ = None
        return self

    def _weights(self, weights: Array | None) -> Array | None:
        return weights

    def _sums(self, rows: Array) -> Array:
        weighed = rows if self.weights_ is None else rows * self.weights_[:, None]
        sums: Array = weighed.T @ rows
        return sums


class BatchesWithoutWeights(WeighedBatches):
    def _weights(self, weights: Array | None) -> Array | None:
        return None


class BatchesOfOneSize(WeighedBatches):
    """The sums of each batch count as much as those of all before, brought to the number of rows."""

    def _add(self, X: Array, y: Array) -> Self:
        before, rows = self.sums_, self.sums_[-1, -1]
        super()._add(X, y)
        if rows:
            shares = before / rows + (self.sums_ - before) / len(X)
            self.sums_ = shares / 2 * (rows + len(X))
        return self


class Mean(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """The mean of what the listed regressors predict."""

    def __init__(self, members: Any = None) -> None:
        self.members = members

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        self.members_ = [self._own(member).fit(X, y) for member in self.members or [Linear()]]
        return self

    def predict(self, X: Any) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(np.mean([member.predict(X) for member in self.members_], axis=0))

    def _own(self, member: Any) -> Any:
        return clone(member)


class FitsThoseListed(Mean):
    def _own(self, member: Any) -> Any:
        return member


def keeps_bounds(model: Any) -> bool:
    X, y = line()
    model.fit(X, y)
    alone = type(model)().fit(X, y**2).predict_interval(X)[0]
    return differs(model.fit(X, y**2).predict_interval(X)[0], alone)


def bounds_exclude(model: Any) -> bool:
    X, y = line()
    low, high = model.fit(X, y).predict_interval(X)
    return bool((low > high).any())


def bounds_depend_on_the_batch(model: Any) -> bool:
    X, y = line()
    model.fit(X, y)
    return differs(model.predict_interval(X)[0][:5], model.predict_interval(X[:5])[0])


def scores_otherwise(model: Any) -> bool:
    X, y = line()
    y = y + np.random.default_rng(0).normal(scale=5, size=len(y))
    model.fit(X, y)
    return differs(model.score(X, y), r2_score(y, model.predict(X)))


def scores_rows_of_no_weight(model: Any) -> bool:
    X, y = line()
    model.fit(X, y)
    y = y + np.where(np.arange(len(y)) < 40, 0.0, 9.0)
    return differs(model.score(X, y, np.where(np.arange(len(y)) < 40, 1.0, 0.0)), model.score(X[:40], y[:40]))


def batches_forget_weights(model: Any) -> bool:
    X, y = line()
    weights = np.where(np.arange(len(y)) < 40, 1.0, 1e-6)
    y = np.where(weights < 1, -y, y)
    model.partial_fit(X, y, sample_weight=weights)
    return bool(np.corrcoef(model.predict(X[:40]), y[:40])[0, 1] < 0.9)


def fits_its_members(model: Any) -> bool:
    model.fit(*line())
    return any(hasattr(member, "coef_") for member in model.members)


def adds_up_otherwise(model: Any) -> bool:
    X, y = line()
    y = y**2
    parts = type(model)().partial_fit(X[:70], y[:70]).partial_fit(X[70:], y[70:])
    return differs(parts.predict(X), model.partial_fit(X, y).predict(X), tolerance=1e-3)


SPECIMENS = (
    Specimen("bounds_of_the_first_fit", BESIDE, "regressor", BoundsOfTheFirstFit, Bounded, demonstrate=keeps_bounds),
    Specimen("bounds_turned_round", BESIDE, "regressor", BoundsTurnedRound, Bounded, demonstrate=bounds_exclude),
    Specimen(
        "bounds_of_the_batch", BESIDE, "regressor", BoundsOfTheBatch, Bounded, demonstrate=bounds_depend_on_the_batch
    ),
    Specimen("score_turned_round", BESIDE, "regressor", ScoreTurnedRound, Scored, demonstrate=scores_otherwise),
    Specimen(
        "score_without_weights", WEIGHTS, "regressor", ScoreWithoutWeights, Scored, demonstrate=scores_rows_of_no_weight
    ),
    Specimen(
        "batches_without_weights",
        WEIGHTS,
        "regressor",
        BatchesWithoutWeights,
        WeighedBatches,
        demonstrate=batches_forget_weights,
    ),
    Specimen(
        "fits_those_listed",
        "parameters are not changed by fit",
        "regressor",
        lambda: FitsThoseListed([Linear()]),
        lambda: Mean([Linear()]),
        demonstrate=fits_its_members,
    ),
    Specimen(
        "batches_of_one_size",
        "partial_fit accumulates",
        "regressor",
        BatchesOfOneSize,
        WeighedBatches,
        demonstrate=adds_up_otherwise,
    ),
)
