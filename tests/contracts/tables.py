"""Sound models of columns that differ in unit, order and gaps, and with one fault each."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.validation import check_is_fitted, validate_data

Array = np.ndarray[Any, np.dtype[Any]]


class Nearest(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: the label of the nearest row, each column in its own spread."""

    def _spread(self, X: Array) -> Array:
        spread = X.std(axis=0)
        return np.where(spread > 1e-12 * np.abs(X).max(axis=0), spread, 1.0)

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64)
        self.classes_, self.codes_ = np.unique(y, return_inverse=True)
        self.spread_ = self._spread(X)
        self.rows_ = X / self.spread_
        return self

    def predict(self, X: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64) / self.spread_
        far = ((X[:, None, :] - self.rows_) ** 2).sum(axis=2)
        return self.classes_[self.codes_[far.argmin(axis=1)]]


class SinglePrecision(Nearest):
    def fit(self, X: Any, y: Any) -> Self:
        super().fit(np.asarray(X, dtype=np.float32), y)
        return self

    def predict(self, X: Any) -> Any:
        return super().predict(np.asarray(X, dtype=np.float32))


class Bins(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: the mean of the targets in each of eight bins of each column, added up."""

    def _seen(self, X: Array) -> Array:
        return X

    def _codes(self, X: Array) -> Array:
        return np.column_stack([np.searchsorted(e, X[:, j]) for j, e in enumerate(self.edges_.T)])

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        self.edges_ = np.quantile(self._seen(X), np.linspace(0, 1, 9)[1:-1], axis=0)
        self.mean_, self.table_, rest = y.mean(), [], y - y.mean()
        for codes in self._codes(X).T:
            sums, counts = np.bincount(codes, rest, 8), np.bincount(codes, minlength=8)
            self.table_.append(sums / (counts + 1.0))
            rest = rest - self.table_[-1][codes]
        return self

    def predict(self, X: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return self.mean_ + sum(table[codes] for table, codes in zip(self.table_, self._codes(X).T, strict=True))


class BinsOfTheHead(Bins):
    def _seen(self, X: Array) -> Array:
        return X[:50]


class Days(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: a line through numbers and days; what is missing is taken for the mean."""

    def _days(self, column: Any) -> Array:
        days = column.astype("datetime64[ns]").to_numpy().astype("int64") / 86_400e9
        return np.where(column.isna(), np.nan, days)

    def _numbers(self, X: Any) -> Array:
        found = []
        for name in self.names_:
            column = X[name]
            if column.dtype.kind == "M":
                found.append(self._days(column))
            elif column.dtype.kind in "fib":
                found.append(column.to_numpy(dtype=float))
        return np.column_stack(found)

    def fit(self, X: Any, y: Any) -> Self:
        self.names_ = list(X.columns)
        numbers = self._numbers(X)
        self.means_ = np.nanmean(numbers, axis=0)
        self.mean_ = float(np.mean(y))
        self.coef_ = np.linalg.lstsq(self._centred(numbers), np.asarray(y) - self.mean_, rcond=None)[0]
        return self

    def _centred(self, numbers: Array) -> Array:
        return np.where(np.isnan(numbers), 0.0, numbers - self.means_)

    def predict(self, X: Any) -> Any:
        check_is_fitted(self)
        return self._centred(self._numbers(X)) @ self.coef_ + self.mean_


class MissingIsLongAgo(Days):
    def _days(self, column: Any) -> Array:
        return np.asarray(column.astype("datetime64[ns]").to_numpy().astype("int64") / 86_400e9)


class Ranges(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: each column from its smallest to its largest value becomes 0 to 1."""

    def _range(self, X: Array) -> Array:
        return np.where(np.ptp(X, axis=0) > 0, np.ptp(X, axis=0), 1.0)

    def fit(self, X: Any, y: Any = None) -> Self:
        X = validate_data(self, X, dtype=np.float64)
        self.low_, self.range_ = X.min(axis=0), self._range(X)
        return self

    def transform(self, X: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        with np.errstate(all="ignore"):
            return (X - self.low_) / self.range_


class NothingByNothing(Ranges):
    def _range(self, X: Array) -> Array:
        return np.asarray(np.ptp(X, axis=0))


class CutsLittleColumns(Ranges):
    """Leaves out what varies by less than a hundredth of its unit."""

    def transform(self, X: Any) -> Any:
        return super().transform(X) * (self.range_ > 0.01)


def nearest_of(step: Any) -> Pipeline:
    """The nearest row, after a step."""
    return make_pipeline(step, KNeighborsClassifier(n_neighbors=1))
