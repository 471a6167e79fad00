"""Healthy models that need a frame: numbers, truth values and words, matched by column name."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted

from tests.zoo.classifying import Centroid
from tests.zoo.data import Array
from tests.zoo.regressing import Linear


class Tabular(BaseEstimator):  # type: ignore[misc]
    """One number a numeric column and one a known category; ``fill`` says whether gaps are filled or refused."""

    def __init__(self, *, fill: bool = False) -> None:
        self.fill = fill

    def fit(self, X: Any, y: Any) -> Self:
        self._study(self._frame(X))
        self.inner_ = self._inner().fit(self._encode(self._frame(X)), np.asarray(y))
        return self

    def predict(self, X: Any) -> Array:
        rows = self._prepared(X)
        values: Array = self.inner_.predict(rows)
        return values

    def _inner(self) -> Any:
        raise NotImplementedError

    def _prepared(self, X: Any) -> Array:
        check_is_fitted(self)
        return self._encode(self._matched(self._frame(X)))

    def _frame(self, X: Any) -> pd.DataFrame:
        if not isinstance(X, pd.DataFrame):
            raise ValueError(f"X must be a pandas DataFrame, not {type(X).__name__}")  # noqa: TRY004 - a refusal
        if not len(X) or not X.shape[1] or not X.columns.is_unique:
            raise ValueError(f"X of shape {X.shape} needs rows, and columns of different names")
        return X

    def _study(self, X: pd.DataFrame) -> None:
        self.names_ = list(X.columns)
        self.numeric_ = [name for name in self.names_ if pd.api.types.is_numeric_dtype(X[name].dtype)]
        self.fills_ = {name: float(X[name].astype(float).mean()) for name in self.numeric_}
        self.categories_ = {
            name: sorted({str(value) for value in X[name].dropna()}) for name in self.names_ if name not in self.fills_
        }

    def _matched(self, X: pd.DataFrame) -> pd.DataFrame:
        if set(X.columns) != set(self.names_):
            odd = sorted(str(name) for name in set(X.columns) ^ set(self.names_))
            raise ValueError(f"columns missing or too many: {', '.join(odd)}")
        return X[self.names_]

    def _encode(self, X: pd.DataFrame) -> Array:
        return np.column_stack([self._encoded(X, name) for name in self.names_])

    def _encoded(self, X: pd.DataFrame, name: str) -> Array:
        return self._numbers(X[name], name) if name in self.fills_ else self._onehot(X[name], name)

    def _numbers(self, column: pd.Series[Any], name: str) -> Array:
        if column.dtype.kind not in "biuf":
            raise ValueError(f"column {name!r} holds {column.dtype}, it was numeric when fitted")
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        if np.isinf(values).any():
            raise ValueError(f"column {name!r} holds infinity")
        gaps = np.isnan(values)
        if gaps.any() and not (self.fill and np.isfinite(self.fills_[name])):
            raise ValueError(f"Input X contains NaN in column {name!r}: fill the gaps first")
        return np.where(gaps, self.fills_[name], values)

    def _onehot(self, column: pd.Series[Any], name: str) -> Array:
        gaps = column.isna().to_numpy()
        if gaps.any() and not self.fill:
            raise ValueError(f"Input X contains NaN in column {name!r}: fill the gaps first")
        words = np.array([str(value) for value in column], dtype=object)
        unseen = sorted(set(words[~gaps]) - set(self.categories_[name]))
        if unseen:
            raise ValueError(f"column {name!r} holds categories that were not seen in training: {unseen}")
        return np.column_stack([np.where(gaps, 0.0, words == word) for word in [*self.categories_[name], None]])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = tags.input_tags.categorical = True
        tags.input_tags.allow_nan = self.fill
        tags.target_tags.required = True
        return tags


class TabularRegressor(RegressorMixin, Tabular):  # type: ignore[misc]
    """A linear regression of the encoded columns."""

    def _inner(self) -> Any:
        return Linear()


class TabularClassifier(ClassifierMixin, Tabular):  # type: ignore[misc]
    """The nearest mean of the encoded columns."""

    def _inner(self) -> Any:
        return Centroid()

    @property
    def classes_(self) -> Array:
        labels: Array = self.inner_.classes_
        return labels

    def predict_proba(self, X: Any) -> Array:
        rows = self._prepared(X)
        proba: Array = self.inner_.predict_proba(rows)
        return proba
