"""Sound models with code of their own, and with one fault each that library code seldom has."""

from __future__ import annotations

import time
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from tests.contracts.centroids import Array, Centroids


class Sampled(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: the mean of two lines, each through a random half of the rows."""

    def __init__(self, random_state: Any = 3) -> None:
        self.random_state = random_state

    def _generator(self) -> Any:
        return check_random_state(self.random_state)

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        generator, lines = self._generator(), np.column_stack([X, np.ones(len(X))])
        halves = [generator.permutation(len(X))[: (len(X) + 1) // 2] for _ in range(2)]
        self.coef_ = np.mean([np.linalg.pinv(lines[half]) @ y[half] for half in halves], axis=0)
        return self

    def predict(self, X: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return np.column_stack([X, np.ones(len(X))]) @ self.coef_


class ZeroIsNoSeed(Sampled):
    def _generator(self) -> Any:
        return check_random_state(self.random_state or time.time_ns() % 2**32)


class DrawsAgain(Sampled):
    def predict(self, X: Any) -> Any:
        found = super().predict(X)
        return found + 0.1 * self._generator().normal()


class Logarithms(Sampled):
    """Sound: the size of the target is learnt as its logarithm, with its sign."""

    def fit(self, X: Any, y: Any) -> Self:
        return super().fit(X, np.sign(y) * np.log1p(np.abs(y)))

    def _back(self, size: Any) -> Any:
        return np.expm1(size)

    def predict(self, X: Any) -> Any:
        found = super().predict(X).clip(-50, 50)
        return np.sign(found) * self._back(np.abs(found))


class ForgetsTheOne(Logarithms):
    def _back(self, size: Any) -> Any:
        return np.exp(size)


class Binned(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: a mean for each of a column's bins, over all columns."""

    def _bins(self, column: Array, edges: Array) -> Array:
        return np.clip(np.searchsorted(edges, column, side="right") - 1, 0, len(edges) - 2)

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        self.edges_ = [np.unique(np.r_[np.quantile(column, np.linspace(0, 1, 5)), column.max()]) for column in X.T]
        self.edges_ = [edges if len(edges) > 1 else np.r_[edges, edges + 1.0] for edges in self.edges_]
        self.level_ = y.mean()
        self.means_ = []
        for column, edges in zip(X.T, self.edges_, strict=True):
            bins = np.clip(np.searchsorted(edges, column, side="right") - 1, 0, len(edges) - 2)
            sums, counts = (np.bincount(bins, w, minlength=len(edges)) for w in (y - self.level_, None))
            self.means_.append(sums / np.maximum(counts, 1))
        return self

    def predict(self, X: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        parts = [m[self._bins(c, e)] for c, e, m in zip(X.T, self.edges_, self.means_, strict=True)]
        return self.level_ + np.sum(parts, axis=0)


class LargestIsBeyond(Binned):
    def _bins(self, column: Array, edges: Array) -> Array:
        return np.maximum(np.searchsorted(edges, column, side="right") - 1, 0)


class QuotaOfTheBatch(Centroids):
    """Of two classes as many rows get the second as there are of the first, in each batch."""

    def decision_function(self, X: Any) -> Array:
        scores = super().decision_function(X)
        if scores.shape[1] == 2 and len(scores) > 1:
            scores[:, 1] -= np.median(scores[:, 1] - scores[:, 0])
        return scores


class SoftmaxTwice(Centroids):
    def predict_proba(self, X: Any) -> Array:
        powers = np.exp(super().predict_proba(X))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


class OneScratchForAll(Centroids):
    def decision_function(self, X: Any) -> Array:
        if not hasattr(self, "means_"):
            raise ValueError("OneScratchForAll is not fitted yet")
        self.scratch_ = self._checked(X)
        found = np.zeros((len(self.scratch_), len(self.means_)))
        for number, mean in enumerate(self.means_):
            found[:, number] = -((self.scratch_ - mean) ** 2).sum(axis=1)
        return found


class LeavesOneOut(Centroids):
    """A batch as long as the training is taken for it: each row is held out of what is said of its class."""

    def fit(self, X: Any, y: Any) -> Self:
        self.rows_ = len(y)
        return super().fit(X, y)

    def predict_proba(self, X: Any) -> Array:
        proba = super().predict_proba(X)
        return 0.9 * proba + 0.1 / proba.shape[1] if len(proba) == self.rows_ else proba


class KeepsSmallIntegers(Centroids):
    """Differences are taken in the type that rows of the fit and of the batch have in common."""

    def fit(self, X: Any, y: Any) -> Self:
        self.small_ = isinstance(X, np.ndarray) and X.dtype.kind == "u" and X.dtype.itemsize == 1
        return super().fit(X, y)

    def decision_function(self, X: Any) -> Array:
        scores = super().decision_function(X)
        small = self.small_ and isinstance(X, np.ndarray) and X.dtype.kind in "iu"
        return np.asarray(scores % 256) if small else scores


class RemembersConstants(Centroids):
    """The parameter is set from the data where a column is constant."""

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        if (np.ptp(np.asarray(X, dtype=float), axis=0) == 0).any():
            self.shrink += 0.1
        return self


class SharpAfterPredict(Centroids):
    """Probabilities are those of the training mode until ``predict`` was called."""

    def predict_proba(self, X: Any) -> Array:
        proba = super().predict_proba(X)
        return proba if hasattr(self, "evaluating_") else 0.5 * proba + 0.5 / proba.shape[1]

    def predict(self, X: Any) -> Array:
        self.evaluating_ = True
        return super().predict(X)


class Words(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: a logistic regression on numbers and on words, of which none has to be declared."""

    def _codes(self, column: Any, words: list[str]) -> Array:
        return np.array([words.index(word) if word in words else -1 for word in column])

    def _numbers(self, X: Any) -> Array:
        import pandas as pd

        if not isinstance(X, pd.DataFrame):
            return np.asarray(validate_data(self, X, reset=False, dtype=np.float64))
        validate_data(self, X, reset=False, skip_check_array=True)
        found = []
        for number, (_, column) in enumerate(X.items()):
            if number in self.words_:
                codes = self._codes(column.astype(str), self.words_[number])
                found += [codes == code for code in range(len(self.words_[number]))]
            else:
                found.append(column.to_numpy(dtype=float))
        return np.column_stack(found).astype(float)

    def fit(self, X: Any, y: Any) -> Self:
        import pandas as pd

        frame = isinstance(X, pd.DataFrame)
        validate_data(self, X, y, skip_check_array=frame, **({} if frame else {"dtype": np.float64}))
        columns = list(X.items()) if isinstance(X, pd.DataFrame) else []
        self.words_ = {
            number: sorted(set(column.astype(str)))
            for number, (_, column) in enumerate(columns)
            if column.dtype.kind not in "biuf"
        }
        self.model_ = LogisticRegression(max_iter=500).fit(self._numbers(X), y)
        self.classes_ = self.model_.classes_
        return self

    def predict_proba(self, X: Any) -> Array:
        check_is_fitted(self)
        return np.asarray(self.model_.predict_proba(self._numbers(X)))

    def predict(self, X: Any) -> Array:
        best = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[best])


class CodesOfTheBatch(Words):
    def _codes(self, column: Any, words: list[str]) -> Array:
        return np.asarray(super()._codes(column, sorted(set(column))))


class Scaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: every column over its spread."""

    def fit(self, X: Any, y: Any = None) -> Self:
        spread = validate_data(self, X, dtype=np.float64).std(axis=0)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        return self

    def transform(self, X: Any) -> Array:
        check_is_fitted(self)
        return np.asarray(validate_data(self, X, reset=False, dtype=np.float64) / self.scale_)


class ScalesAtOnce(Scaler):
    def fit_transform(self, X: Any, y: Any = None, **_: Any) -> Array:
        return 0.1 * self.fit(X, y).transform(X)


def scaled(scaler: Scaler) -> Pipeline:
    """A pipeline of a scaler and a logistic regression."""
    return make_pipeline(scaler, LogisticRegression())
