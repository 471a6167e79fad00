"""Models of several targets that lose one of them, their scale, or their place."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from tests.zoo.data import Array, differs, line
from tests.zoo.numbers import refuse_extremes
from tests.zoo.regressing import Linear
from tests.zoo.specimen import Specimen


class TwoScales(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Least squares for several targets, each on its own scale."""

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, multi_output=True)
        targets = refuse_extremes(np.array(y, dtype=np.float64).reshape(len(y), -1), name="y")
        self.flat_ = np.ndim(y) == 1
        spread = targets.std(axis=0)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        members = [Linear().fit(X, column) for column in (targets / self.scale_).T]
        self.members_ = members
        return self

    def predict(self, X: Any) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        answer = np.column_stack([member.predict(X) for member in self.members_]) * self._scales()
        return answer[:, 0] if self.flat_ else answer

    def _scales(self) -> Array:
        return np.asarray(self.scale_)


class ScaleOfTheFirstTarget(TwoScales):
    def _scales(self) -> Array:
        return np.asarray(self.scale_[:1])


class LyingWhenSquare(TwoScales):
    def predict(self, X: Any) -> Array:
        answer = super().predict(X)
        square = answer.ndim == 2 and answer.shape[0] == answer.shape[1]
        return answer.T if square else answer


class SpreadNotUndone(TwoScales):
    def _scales(self) -> Array:
        return np.ones(len(self.scale_))


def two_targets(seed: int, rows: int) -> tuple[Array, Array]:
    """A target, and one of a hundredth of its size."""
    X = np.random.default_rng(seed).normal(size=(rows, 3))
    return X, np.column_stack([50.0 + 20 * X[:, 0] + 10 * X[:, 1], 0.5 - 0.2 * X[:, 2]])


def loses_a_target(model: Any) -> bool:
    X, y = two_targets(0, 60)
    return bool(((model.fit(X, y).predict(X) - y)[:, 1] ** 2).mean() > y[:, 1].var())


def lies_when_square(model: Any) -> bool:
    X, y = two_targets(0, 60)
    model.fit(X, y)
    return differs(model.predict(X[:2]), model.predict(X)[:2])


def loses_the_scale(model: Any) -> bool:
    X, y = line()
    return bool(model.fit(X, 50 * y).predict(X).std() < y.std())


SPECIMENS = (
    Specimen(
        "scale_of_the_first_target",
        "learns something on an easy problem",
        "regressor",
        ScaleOfTheFirstTarget,
        TwoScales,
        {"data": two_targets, "task": "regression"},
        demonstrate=loses_a_target,
    ),
    Specimen(
        "lying_when_square",
        "every row gets the prediction that it gets alone",
        "regressor",
        LyingWhenSquare,
        TwoScales,
        {"data": two_targets, "task": "regression"},
        demonstrate=lies_when_square,
    ),
    Specimen(
        "spread_not_undone",
        "learns something on an easy problem",
        "regressor",
        SpreadNotUndone,
        TwoScales,
        demonstrate=loses_the_scale,
    ),
)
