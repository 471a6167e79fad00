"""A second fit that remembers the first, and batches that are forgotten."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any, Self

import numpy as np

from tests.zoo.classifying import Bayes, Centroid
from tests.zoo.data import Array, blobs, differs, line
from tests.zoo.numbers import distinct
from tests.zoo.regressing import Linear, Running
from tests.zoo.specimen import Specimen
from tests.zoo.wording import TEXT_SCHEMA, Words

REFIT = "a refit forgets the previous fit"
BATCHES = "partial_fit accumulates"


class WarmStart(Linear):
    """Gradient descent that starts from the coefficients it has."""

    def _solve(self, Z: Array, y: Array, weights: Array) -> Array:
        known = getattr(self, "coef_", None)
        coef = np.zeros(Z.shape[1]) if known is None or known.shape != (Z.shape[1],) else known
        share = weights / weights.sum()
        for _ in range(20):
            coef = coef - 0.2 * Z.T @ (share * (Z @ coef - y)) / max(1.0, float((Z**2).sum(axis=1) @ share) / 4)
        return coef


class ColdStart(WarmStart):
    def _solve(self, Z: Array, y: Array, weights: Array) -> Array:
        self.coef_ = np.zeros(Z.shape[1])
        return super()._solve(Z, y, weights)


class KeepsScale(Linear):
    """The first fit's mean and scale stand for good."""

    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        mean, scale = getattr(self, "mean_", np.empty(0)), getattr(self, "scale_", np.empty(0))
        super()._learn(X, y, weights)
        if mean.shape == self.mean_.shape:
            self.mean_, self.scale_ = mean, scale
        return self


class KeepsClasses(Bayes):
    def _start(self, labels: Array) -> None:
        known = getattr(self, "classes_", labels[:0])
        super()._start(np.concatenate([known, labels]) if known.dtype.kind == labels.dtype.kind else labels)


class KeepsVocabulary(Words):
    def _read(self, documents: list[Counter[str]]) -> None:
        known = getattr(self, "vocabulary_", {})
        super()._read([*documents, Counter(known)])


class KeepsWidth(Centroid):
    """Reads as many columns as the first fit saw."""

    def _training(self, X: Any, y: Any, sample_weight: Any) -> tuple[Array, Array, Array]:
        X, y, weights = super()._training(X, y, sample_weight)
        self.width_ = getattr(self, "width_", X.shape[1])
        return X[:, : self.width_], y, weights

    def _inputs(self, X: Any) -> Array:
        return super()._inputs(X)[:, : self.width_]


class KeepsBest(Linear):
    """The best loss so far is never forgotten, so a worse fit on new data is thrown away."""

    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        known = copy.copy(self.__dict__)
        super()._learn(X, y, weights)
        loss = float(np.abs(self._values(X) - y).mean())
        if loss >= known.get("loss_", np.inf) and known["mean_"].shape == self.mean_.shape:
            for name in ("mean_", "scale_", "offset_", "coef_"):
                setattr(self, name, known[name])
            loss = known["loss_"]
        self.loss_ = loss
        return self


class FitContinues(Running):
    """fit adds to what partial_fit or an earlier fit gathered."""

    def _start(self, X: Array, y: Array) -> None:
        if getattr(self, "origin_", np.empty(0)).shape != (X.shape[1] + 1,):
            super()._start(X, y)


class BatchClassesOnly(Bayes):
    """Each batch sets the classes anew, with the statistics of the classes that stay."""

    def partial_fit(self, X: Any, y: Any, classes: Any = None) -> Self:
        known = getattr(self, "classes_", None)
        if known is None:
            return super().partial_fit(X, y, classes)
        kept = np.isin(known, distinct(np.asarray(y))[0])
        if kept.any():
            self.classes_ = known[kept]
            self.count_, self.mean_, self.square_ = self.count_[kept], self.mean_[kept], self.square_[kept]
        return super().partial_fit(X, y)


class BatchForgets(Running):
    def partial_fit(self, X: Any, y: Any) -> Self:
        return self.fit(X, y)


class BatchesCountAlike(Running):
    """A batch of two rows counts as much as one of a thousand."""

    def _sums(self, rows: Array) -> Array:
        return super()._sums(rows) / len(rows)


def remembers(model: Any) -> bool:
    X, y = line()
    alone = type(model)().fit(X, y).predict(X)
    return differs(model.fit(1 + 9 * X, -y).fit(X, y).predict(X), alone)


def remembers_best(model: Any) -> bool:
    X, y = line()
    noisy = y + np.random.default_rng(0).normal(scale=3, size=len(y))
    alone = type(model)().fit(X, noisy).predict(X)
    return differs(model.fit(X, y - 100).fit(X, noisy).predict(X), alone)


def remembers_classes(model: Any) -> bool:
    model.fit(*blobs(labels=(0, 1, 2)))
    return len(model.fit(*blobs(labels=(7, 8))).classes_) > 2


def remembers_words(model: Any) -> bool:
    model.fit(["one two three four"], ["a"]).fit(["red red", "blue"], ["a", "b"])
    alone = type(model)().fit(["red red", "blue"], ["a", "b"]).predict_proba(["red"])
    return differs(model.predict_proba(["red"]), alone)


def remembers_width(model: Any) -> bool:
    X, y = blobs()
    alone = type(model)().fit(X, y).predict_proba(X)
    return differs(model.fit(X[:, :2], y).fit(X, y).predict_proba(X), alone)


def loses_classes(model: Any) -> bool:
    X, y = blobs()
    model.partial_fit(X[:45], y[:45], classes=[0, 1, 2])
    model.partial_fit(X[45:][y[45:] == 0], y[45:][y[45:] == 0])
    return bool((model.predict(X) == y).mean() < 0.9)


def does_not_accumulate(model: Any) -> bool:
    X, y = line()
    y = y + np.linspace(-4, 4, len(y)) ** 2
    whole = type(model)().fit(X, y).predict(X)
    return differs(model.partial_fit(X[:60], y[:60]).partial_fit(X[60:], y[60:]).predict(X), whole, tolerance=1e-4)


SPECIMENS = (
    Specimen("warm_start_by_accident", REFIT, "regressor", WarmStart, ColdStart, demonstrate=remembers),
    Specimen("keeps_scale", REFIT, "regressor", KeepsScale, Linear, demonstrate=remembers),
    Specimen("keeps_classes", REFIT, "classifier", KeepsClasses, Bayes, demonstrate=remembers_classes),
    Specimen(
        "keeps_vocabulary",
        REFIT,
        "text",
        KeepsVocabulary,
        Words,
        {"schema": TEXT_SCHEMA},
        demonstrate=remembers_words,
    ),
    Specimen("keeps_width", REFIT, "classifier", KeepsWidth, Centroid, demonstrate=remembers_width),
    Specimen("keeps_best_loss", REFIT, "regressor", KeepsBest, Linear, demonstrate=remembers_best),
    Specimen("fit_continues", REFIT, "regressor", FitContinues, Running, demonstrate=remembers),
    Specimen("batch_forgets", BATCHES, "regressor", BatchForgets, Running, demonstrate=does_not_accumulate),
    Specimen("batches_count_alike", BATCHES, "regressor", BatchesCountAlike, Running, demonstrate=does_not_accumulate),
    Specimen("batch_classes_only", BATCHES, "classifier", BatchClassesOnly, Bayes, demonstrate=loses_classes),
)
