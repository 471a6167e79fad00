"""Healthy classifiers of scikit-learn style."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from tests.zoo.data import Array
from tests.zoo.numbers import FURTHEST, check_weights, distinct, moments, refuse_extremes, softmax


class Centroid(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """The nearest mean of the classes, in standardised columns."""

    def __init__(self, *, sharpness: float = 1.0) -> None:
        self.sharpness = sharpness

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        X, y, weights = self._training(X, y, sample_weight)
        self.classes_, codes = distinct(y)
        return self._learn(X, codes, weights)

    def predict(self, X: Any) -> Array:
        best = self._scores(self._inputs(X)).argmax(axis=1)
        chosen: Array = self.classes_[best]
        return chosen

    def predict_proba(self, X: Any) -> Array:
        return softmax(self._scores(self._inputs(X)))

    def _training(self, X: Any, y: Any, sample_weight: Any) -> tuple[Array, Array, Array]:
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        weights = check_weights(sample_weight, len(X))
        kept = weights > 0
        return refuse_extremes(X, name="X")[kept], y[kept], weights[kept]

    def _learn(self, X: Array, codes: Array, weights: Array) -> Self:
        self.mean_, self.scale_ = moments(X, weights)
        Z = self._standard(X)
        groups = [codes == code for code in range(len(self.classes_))]
        self.centroids_ = np.stack([np.average(Z[group], axis=0, weights=weights[group]) for group in groups])
        return self

    def _inputs(self, X: Any) -> Array:
        check_is_fitted(self)
        return refuse_extremes(validate_data(self, X, dtype=np.float64, reset=False), name="X")

    def _standard(self, X: Array) -> Array:
        return np.clip((X - self.mean_) / self.scale_, -FURTHEST, FURTHEST)

    def _scores(self, X: Array) -> Array:
        distances = ((self._standard(X)[:, None, :] - self.centroids_) ** 2).mean(axis=2)
        made: Array = -self.sharpness * distances
        return made


class Margin(Centroid):
    """Two classes only, by the sign of one score."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        super().fit(X, y, sample_weight)
        if len(self.classes_) != 2:
            raise ValueError(f"Only binary classification is supported. The data has {len(self.classes_)} classes")
        return self

    def decision_function(self, X: Any) -> Array:
        scores = self._scores(self._inputs(X))
        return scores[:, 1] - scores[:, 0]

    def predict(self, X: Any) -> Array:
        positive = self.decision_function(X) > 0
        chosen: Array = self.classes_[positive.astype(int)]
        return chosen

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


class Bayes(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Normal distributions of the columns, one a class, learnt in one go or batch by batch."""

    def fit(self, X: Any, y: Any) -> Self:
        X, y = self._training(X, y, reset=True)
        self._start(y)
        return self._add(X, y)

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        first = not hasattr(self, "classes_")
        X, y = self._training(X, y, reset=first)
        if first:
            self._start(y if classes is None else np.asarray(classes))
        return self._add(X, y)

    def predict(self, X: Any) -> Array:
        best = self._scores(X).argmax(axis=1)
        chosen: Array = self.classes_[best]
        return chosen

    def predict_proba(self, X: Any) -> Array:
        return softmax(self._scores(X))

    def _training(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        X, y = validate_data(self, X, y, dtype=np.float64, reset=reset)
        check_classification_targets(y)
        return refuse_extremes(X, name="X"), y

    def _start(self, labels: Array) -> None:
        self.classes_ = distinct(labels)[0]
        shape = (len(self.classes_), self.n_features_in_)
        self.count_, self.mean_, self.square_ = np.zeros(shape[0]), np.zeros(shape), np.zeros(shape)

    def _add(self, X: Array, y: Array) -> Self:
        if not np.isin(y, self.classes_).all():
            raise ValueError(f"y holds labels that are not among the classes {list(self.classes_)}")
        for code, label in enumerate(self.classes_):
            rows = X[y == label]
            if not len(rows):
                continue
            total = self.count_[code] + len(rows)
            shift = rows.mean(axis=0) - self.mean_[code]
            spread = ((rows - rows.mean(axis=0)) ** 2).sum(axis=0)
            self.square_[code] += spread + shift**2 * self.count_[code] * len(rows) / total
            self.mean_[code] += shift * len(rows) / total
            self.count_[code] = total
        return self

    def _scores(self, X: Any) -> Array:
        check_is_fitted(self)
        X = refuse_extremes(validate_data(self, X, dtype=np.float64, reset=False), name="X")
        variance = self.square_ / np.maximum(self.count_, 1)[:, None]
        deviation = np.sqrt(variance + 1e-6 * variance.max() + (variance.max() == 0))
        Z = np.clip((X[:, None, :] - self.mean_) / deviation, -FURTHEST, FURTHEST)
        unseen = np.where(self.count_ > 0, np.log(np.maximum(self.count_, 1) / self.count_.sum()), -1e15)
        scores: Array = unseen - np.log(deviation).sum(axis=1) - (Z**2).sum(axis=2) / 2
        return scores
