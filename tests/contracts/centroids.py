"""Nearest class means, written with care, and with one fault at a time."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


class Centroids:
    """Nearest class mean, as written by someone careful."""

    def __init__(self, shrink: float = 0.0) -> None:
        self.shrink = shrink

    def get_params(self, *, deep: bool = True) -> dict[str, Any]:
        return {"shrink": self.shrink}

    def set_params(self, **params: Any) -> Self:
        for name, value in params.items():
            if name != "shrink":
                raise ValueError(f"no parameter {name!r}")
            setattr(self, name, value)
        return self

    def _checked(self, X: Any, *, fitting: bool = False) -> Array:
        names = list(X.columns) if hasattr(X, "columns") else None
        values = np.asarray(X)
        if values.ndim != 2 or not len(values):
            raise ValueError(f"expected rows of features, not shape {values.shape}")
        values = values.astype(float)
        if not np.isfinite(values).all():
            raise ValueError("inputs hold NaN or infinity")
        if fitting:
            self.names_, self.width_ = names, values.shape[1]
        elif values.shape[1] != self.width_ or (names and self.names_ and names != self.names_):
            raise ValueError(f"the features are not those of the fit: {names or values.shape[1]}")
        return values

    def fit(self, X: Any, y: Any) -> Self:
        values, labels = self._checked(X, fitting=True), np.asarray(y)
        if len(values) != len(labels):
            raise ValueError(f"{len(values)} rows and {len(labels)} targets")
        if labels.dtype.kind == "f" and not np.isfinite(labels).all():
            raise ValueError("targets hold NaN or infinity")
        self.classes_ = np.unique(labels)
        means = np.array([values[labels == label].mean(axis=0) for label in self.classes_])
        self.means_ = (1 - self.shrink) * means
        return self

    def decision_function(self, X: Any) -> Array:
        if not hasattr(self, "means_"):
            raise ValueError("Centroids is not fitted yet")
        values = self._checked(X)
        return np.array([-((values - mean) ** 2).sum(axis=1) for mean in self.means_]).T

    def predict_proba(self, X: Any) -> Array:
        scores = self.decision_function(X)
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> Array:
        best = self.decision_function(X).argmax(axis=1)
        return np.asarray(self.classes_[best])


# The decision function of two classes has two columns here, which scikit-learn would not do; no law forbids it.


class ScalesByTheBatch(Centroids):
    def decision_function(self, X: Any) -> Array:
        return super().decision_function(np.asarray(X) - np.asarray(X).mean(axis=0))


class DropsTheLastChunk(Centroids):
    def predict(self, X: Any) -> Array:
        found = [super(DropsTheLastChunk, self).predict(X[i : i + 64]) for i in range(0, max(len(X) - 63, 1), 64)]
        return np.concatenate(found) if len(X) != 65 else np.concatenate([*found, found[0][:1]])


class ChangesItsInputs(Centroids):
    def predict(self, X: Any) -> Array:
        found = super().predict(X)
        X *= 1.5
        return found


class RemembersByShape(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        self.seen_: dict[Any, Array] = {}
        return super().fit(X, y)

    def predict(self, X: Any) -> Array:
        return self.seen_.setdefault(np.shape(X), super().predict(X))


class KeepsItsOutput(Centroids):
    def predict_proba(self, X: Any) -> Array:
        found = super().predict_proba(X)
        if getattr(self, "buffer_", found[:0]).shape != found.shape:
            self.buffer_ = found
        self.buffer_[:] = found
        return self.buffer_


class AddsUpFits(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        before = getattr(self, "means_", None)
        super().fit(X, y)
        if before is not None and before.shape == self.means_.shape:
            self.means_ = (self.means_ + before) / 2
        return self


class SharesItsMeans(Centroids):
    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        type(self).means_ = self.__dict__.pop("means_")
        return self


class CountsClasses(Centroids):
    def predict(self, X: Any) -> Array:
        return np.asarray(self.decision_function(X).argmax(axis=1))


class CutsWords(Centroids):
    def predict(self, X: Any) -> Array:
        found = super().predict(X)
        return found.astype("<U2") if found.dtype.kind == "U" else found


class NotOne(Centroids):
    def predict_proba(self, X: Any) -> Array:
        scores = self.decision_function(X)
        return np.exp(scores / 10)


class MixedUpColumns(Centroids):
    def predict_proba(self, X: Any) -> Array:
        return super().predict_proba(X)[:, ::-1]


class Overflows(Centroids):
    def predict_proba(self, X: Any) -> Array:
        powers = np.exp(self.decision_function(X) + 600)
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))


class TakesAnyNumber(Centroids):
    def _checked(self, X: Any, *, fitting: bool = False) -> Array:
        values = np.asarray(X, dtype=float)
        if values.ndim != 2 or not len(values):
            raise ValueError("expected rows of features")
        self.width_ = values.shape[1] if fitting else self.width_
        if values.shape[1] != self.width_:
            raise ValueError(f"expected {self.width_} features")
        self.names_ = None
        return values


class TakesAnyWidth(Centroids):
    def decision_function(self, X: Any) -> Array:
        return super().decision_function(np.asarray(X)[:, : self.width_])


class ReadsTheIndex(Centroids):
    def predict(self, X: Any) -> Array:
        found = super().predict(X)
        return found[np.argsort(X.index, kind="stable")] if hasattr(X, "index") else found
