"""More faults of nearest class means: in chance, parameters, learning, saving and resources."""

from __future__ import annotations

import time
from typing import Any, Self

import numpy as np

from tests.contracts.centroids import Array, Centroids


class SeedsEverything(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        np.random.seed(0)  # noqa: NPY002 - the fault
        return super().fit(X, y)


class Guesses(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        self.means_ += np.random.default_rng().normal(scale=0.1, size=self.means_.shape)
        return self


class SilencesNumpy(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        np.seterr(all="ignore")
        return super().fit(X, y)


class TunesItself(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        self.shrink = 0.5
        return self


class ReadsParamsOnce(Centroids):
    def __init__(self, shrink: float = 0.0) -> None:
        super().__init__(shrink)
        self._kept = 1 - shrink

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        self.means_ = self.means_ / max(1 - self.shrink, 0.1) * self._kept
        return self

    def decision_function(self, X: Any) -> Array:
        return super().decision_function(X)


class IgnoresTheLastColumn(Centroids):
    def decision_function(self, X: Any) -> Array:
        values = self._checked(X)[:, :-1]
        return np.array([-((values - mean) ** 2).sum(axis=1) for mean in self.means_[:, :-1]]).T


class FirstHundredRows(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        return super().fit(X[:100], y[:100]) if len(X) == len(y) else super().fit(X, y)


class HidesStateInAModule(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        self.key_ = f"{time.monotonic_ns()}"
        _secrets()[self.key_] = self.means_.copy()
        return self

    def decision_function(self, X: Any) -> Array:
        if hasattr(self, "key_"):
            self.means_ = _secrets()[self.key_]
        return super().decision_function(X)


def _secrets() -> dict[str, Any]:
    import string

    found: dict[str, Any] = vars(string).setdefault("_secrets", {})
    return found


class HashesWords(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        self.means_ += (hash("words") % 97) / 97
        return self


class NotForThreads(Centroids):
    def decision_function(self, X: Any) -> Array:
        values = super()._checked(X)
        self.batch_ = values
        scores = np.zeros((len(values), len(self.means_)))
        for k, mean in enumerate(self.means_):
            scores[:, k] = -((self.batch_[: len(scores)] - mean) ** 2).sum(axis=1)
        return scores

    def _checked(self, X: Any, *, fitting: bool = False) -> Array:
        return super()._checked(X, fitting=fitting)


class WritesADiary(Centroids):
    def predict(self, X: Any) -> Array:
        self.__dict__.setdefault("diary_", []).append(np.asarray(X).copy())
        return super().predict(X)


class DividesByTheSpread(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        self.spread_ = np.ones(np.shape(X)[1])
        self.spread_ = self._checked(X, fitting=True).std(axis=0)
        return super().fit(X, y)

    def _checked(self, X: Any, *, fitting: bool = False) -> Array:
        return super()._checked(X, fitting=fitting) / self.spread_


class CannotBeAlone(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        self.margin_ = ((self.means_[0] - self.means_[1]) ** 2).sum()
        return self


class NoticesNothing(Centroids):
    def predict(self, X: Any) -> Array:
        return np.asarray(self.classes_[self.decision_function(X).argmax(axis=1)])

    def decision_function(self, X: Any) -> Array:
        values = self._checked(X)
        return np.array([-((values - mean) ** 2).sum(axis=1) for mean in self.means_]).T


class WholeNumbersWrap(Centroids):
    def decision_function(self, X: Any) -> Array:
        self._checked(X)
        values = np.asarray(X)
        values = values * values.dtype.type(3)
        return np.array([-((values / 3 - mean) ** 2).sum(axis=1) for mean in self.means_]).T
