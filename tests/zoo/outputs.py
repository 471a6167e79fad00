"""Predictions of the wrong shape, type, number or order."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted, validate_data

from tests.zoo.classifying import Centroid
from tests.zoo.data import Array, blobs, differs, line, one_by_one
from tests.zoo.regressing import Linear, Nearest
from tests.zoo.specimen import Specimen

SHAPE = "predictions have the right shape, type and row count, also for one row"
ORDER = "reordering rows reorders predictions"


class OneRowSqueezed(Centroid):
    def predict(self, X: Any) -> Array:
        return super().predict(X).squeeze()


class OneRowOfProbabilitiesFlat(Centroid):
    def predict_proba(self, X: Any) -> Array:
        proba = super().predict_proba(X)
        return proba[0] if len(proba) == 1 else proba


class ColumnOfPredictions(Linear):
    def predict(self, X: Any) -> Array:
        return super().predict(X)[:, None]


class DuplicatesDropped(Nearest):
    def _values(self, X: Array) -> Array:
        return super()._values(np.unique(X, axis=0))


class LastBatchDropped(Linear):
    def _values(self, X: Array) -> Array:
        whole = len(X) // 32 * 32 or len(X)
        return super()._values(X[:whole])


class RowsSorted(Linear):
    def _values(self, X: Array) -> Array:
        return super()._values(X[np.argsort(X[:, 0], kind="stable")])


class SmoothedAlongRows(Linear):
    def _values(self, X: Array) -> Array:
        values = super()._values(X)
        for row in range(1, len(values)):
            values[row] = 0.9 * values[row] + 0.1 * values[row - 1]
        return values


class TypeOfTheTargets(Linear):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        super().fit(X, y, sample_weight)
        self.kind_ = np.asarray(y).dtype
        return self

    def predict(self, X: Any) -> Array:
        return super().predict(X).astype(self.kind_)


class TypeOfTheInputs(Linear):
    def predict(self, X: Any) -> Array:
        values = super().predict(X)
        out = np.empty(len(values), dtype=np.asarray(X).dtype)
        out[:] = values
        return out


class DropOutliers(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Meant for the training part only."""

    def fit(self, X: Any, y: Any = None) -> Self:
        X = validate_data(self, X, dtype=np.float64)
        self.low_, self.high_ = X.min(axis=0), X.max(axis=0)
        return self

    def transform(self, X: Any) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        kept: Array = X[((self.low_ <= X) & (self.high_ >= X)).all(axis=1)]
        return kept


def fit_numbers(model: Any) -> Any:
    return model.fit(*line())


def squeezes(model: Any) -> bool:
    X, y = blobs()
    return bool(np.shape(model.fit(X, y).predict(X[:1])) != (1,))


def flattens(model: Any) -> bool:
    X, y = blobs()
    return bool(np.shape(model.fit(X, y).predict_proba(X[:1])) != (1, 3))


def makes_a_column(model: Any) -> bool:
    return np.ndim(fit_numbers(model).predict(line()[0])) == 2


def loses_rows(model: Any) -> bool:
    X = np.vstack([line(50)[0]] * 2)
    X[-1, 0] = 1e6
    return len(fit_numbers(model).predict(X)) != 100


def depends_on_order(model: Any) -> bool:
    X = line(seed=1)[0]
    fit_numbers(model)
    return differs(model.predict(X[::-1])[::-1], model.predict(X))


def differs_from_rows(model: Any) -> bool:
    X = line(seed=1)[0]
    fit_numbers(model)
    return differs(one_by_one(model.predict, X), model.predict(X))


def rounds_to_targets(model: Any) -> bool:
    X, y = line()
    whole = np.rint(y)
    as_integers = type(model)().fit(X, whole.astype(int)).predict(X)
    return differs(as_integers, model.fit(X, whole).predict(X))


def rounds_to_inputs(model: Any) -> bool:
    X = np.rint(3 * line()[0])
    fit_numbers(model)
    return differs(model.predict(X.astype(int)), model.predict(X))


SPECIMENS = (
    Specimen("one_row_squeezed", SHAPE, "classifier", OneRowSqueezed, Centroid, demonstrate=squeezes),
    Specimen("one_row_proba_flat", SHAPE, "classifier", OneRowOfProbabilitiesFlat, Centroid, demonstrate=flattens),
    Specimen("column_of_predictions", SHAPE, "regressor", ColumnOfPredictions, Linear, demonstrate=makes_a_column),
    Specimen("duplicates_dropped", SHAPE, "regressor", DuplicatesDropped, Nearest, demonstrate=loses_rows),
    Specimen("last_batch_dropped", SHAPE, "regressor", LastBatchDropped, Linear, demonstrate=loses_rows),
    Specimen("rows_sorted", ORDER, "regressor", RowsSorted, Linear, demonstrate=depends_on_order),
    Specimen("smoothed_along_rows", ORDER, "regressor", SmoothedAlongRows, Linear, demonstrate=differs_from_rows),
    Specimen("type_of_the_targets", SHAPE, "regressor", TypeOfTheTargets, Linear, demonstrate=rounds_to_targets),
    Specimen("type_of_the_inputs", SHAPE, "regressor", TypeOfTheInputs, Linear, demonstrate=rounds_to_inputs),
    Specimen(
        "outliers_dropped",
        SHAPE,
        "pipeline",
        lambda: make_pipeline(DropOutliers(), LinearRegression()),
        lambda: make_pipeline(FunctionTransformer(validate=True), LinearRegression()),
        demonstrate=loses_rows,
    ),
)
