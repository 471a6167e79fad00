"""Nearest class means that forget nothing, share what they should not, or miss some rows; and their sound twins."""

from __future__ import annotations

import copy
from typing import Any, Self

import numpy as np

from tests.contracts.centroids import Array, Centroids


class ClipsFarNumbers(Centroids):
    def predict(self, X: Any) -> Array:
        if isinstance(X, np.ndarray) and X.dtype.kind == "f" and X.flags.writeable:
            X[np.abs(X) > 1000] = 1000
        return super().predict(X)


class KeepsItsFirstRange(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        values = self._checked(X, fitting=True)
        known = getattr(self, "range_", np.empty((2, 0)))
        if known.shape[1] != values.shape[1]:
            self.range_ = np.array([values.min(axis=0), values.max(axis=0)])
        return super().fit(np.clip(values, *self.range_), y)


class KeepsItsFirstClasses(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        known = getattr(self, "classes_", None)
        super().fit(X, y)
        if known is not None and len(known) == len(self.classes_):
            self.classes_ = known
        return self


class CopiesShareTheirMeans(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        before = getattr(self, "means_", np.empty(0))
        super().fit(X, y)
        if before.shape == self.means_.shape:
            before[:] = self.means_
            self.means_ = before
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return copy.copy(self)


class ColumnsInLowerCase(Centroids):
    def predict_proba(self, X: Any) -> Array:
        lowered = [str(label).lower() for label in self.classes_]
        return (
            super().predict_proba(X)[:, np.argsort(lowered)]
            if self.classes_.dtype.kind == "U"
            else super().predict_proba(X)
        )


class AlwaysTwoColumns(Centroids):
    def predict_proba(self, X: Any) -> Array:
        proba = super().predict_proba(X)
        return np.hstack([1 - proba, proba]) if proba.shape[1] == 1 else proba


class FirstThousandRows(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        return super().fit(X[:1000], y[:1000]) if len(X) == len(y) else super().fit(X, y)


class NamesInASet(Centroids):
    def predict(self, X: Any) -> Array:
        best = self.decision_function(X).argmax(axis=1)
        names = list(set(self.classes_.tolist()))
        return np.asarray(np.array(names)[np.array(self.order_)[best]])

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        names = list(set(self.classes_.tolist()))
        self.order_ = [names.index(label) for label in self.classes_.tolist()]
        return self


class WeighsRows(Centroids):
    """Sound."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        values, labels = self._checked(X, fitting=True), np.asarray(y)
        weights = np.ones(len(labels)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        if not len(values) == len(labels) == len(weights):
            raise ValueError(f"{len(values)} rows, {len(labels)} targets and {len(weights)} weights")
        return self._weighed(values, labels, weights)

    def _weighed(self, values: Array, labels: Array, weights: Array) -> Self:
        kept = weights > 0
        values, labels, weights = values[kept], labels[kept], weights[kept]
        self.classes_ = np.unique(labels)
        groups = [labels == label for label in self.classes_]
        self.means_ = np.array([np.average(values[group], axis=0, weights=weights[group]) for group in groups])
        return self


class CutsWeights(WeighsRows):
    def _weighed(self, values: Array, labels: Array, weights: Array) -> Self:
        return super()._weighed(values, labels, np.floor(weights) if np.floor(weights).sum() > 0 else weights)


class AddsBatches(Centroids):
    """Sound."""

    stops = False

    def fit(self, X: Any, y: Any) -> Self:
        vars(self).pop("sums_", None)
        return self.partial_fit(X, y)

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        first = not hasattr(self, "sums_")
        values, labels = self._checked(X, fitting=True), np.asarray(y)
        if len(values) != len(labels):
            raise ValueError(f"{len(values)} rows and {len(labels)} targets")
        if first:
            self.classes_ = np.unique(labels if classes is None else classes)
            self.sums_, self.asked_ = np.zeros((len(self.classes_), values.shape[1] + 1)), False
        if not (self.stops and self.asked_):
            rows = np.column_stack([values, np.ones(len(values))])
            self.sums_ = self.sums_ + np.array([rows[labels == label].sum(axis=0) for label in self.classes_])
        self.means_ = self.sums_[:, :-1] / np.maximum(self.sums_[:, -1:], 1)
        return self

    def decision_function(self, X: Any) -> Array:
        scores = super().decision_function(X)
        self.asked_ = True
        return scores


class StopsWhenAsked(AddsBatches):
    stops = True


class Table(Centroids):
    """Sound: a mean for each code of each column; codes that were never seen are refused."""

    def _checked(self, X: Any, *, fitting: bool = False) -> Array:
        values = super()._checked(X, fitting=fitting)
        if values.max() > 50 or (values < 0).any():
            raise ValueError("codes are small and not negative")
        return np.asarray(np.eye(51)[values.astype(int)].reshape(len(values), -1))


class TableFromItsEnd(Table):
    most_: int

    def _checked(self, X: Any, *, fitting: bool = False) -> Array:
        values = Centroids._checked(self, X, fitting=fitting)
        self.most_ = int(values.max()) if fitting else self.most_
        codes = values.astype(int)
        if codes.max() > self.most_ or codes.min() < -self.most_ - 1:
            raise ValueError("codes are those of the fit")
        return np.asarray(np.eye(self.most_ + 1)[codes].reshape(len(values), -1))


class CacheWithALimit(Centroids):
    """Sound: the scores of 500 rows at most are remembered."""

    limit = 500

    def decision_function(self, X: Any) -> Array:
        scores = super().decision_function(X)
        known = vars(self).setdefault("known_", {})
        for row, score in zip(np.asarray(X), scores, strict=True):
            if len(known) >= self.limit:
                known.clear()
            known[np.asarray(row, dtype=float).tobytes()] = score
        return scores

    def fit(self, X: Any, y: Any) -> Self:
        self.known_: dict[bytes, Array] = {}
        return super().fit(X, y)


class CacheWithoutALimit(CacheWithALimit):
    limit = 10**9
