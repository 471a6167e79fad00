"""Models that do not learn, or learn from what they must not see."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted, validate_data

from tests.zoo.classifying import Bayes, Centroid
from tests.zoo.data import Array, blobs, differs, line, texts
from tests.zoo.regressing import Linear, Nearest
from tests.zoo.specimen import Specimen
from tests.zoo.wording import TEXT_SCHEMA, Words

LEARNS = "learns something on an easy problem"
PEEKS = "targets of the test part cannot influence predictions"


class LabelsShuffled(Centroid):
    """Shuffles the rows, and the labels in another order."""

    def _learn(self, X: Array, codes: Array, weights: Array) -> Self:
        rng = np.random.default_rng(0)
        return super()._learn(X, rng.permutation(codes) if len(self.classes_) < len(codes) else codes, weights)


class SignFlipped(Linear):
    def _solve(self, Z: Array, y: Array, weights: Array) -> Array:
        return -super()._solve(Z, y, weights)


class FurthestChosen(Centroid):
    def _scores(self, X: Array) -> Array:
        return -super()._scores(X)


class LastRowOnly(Nearest):
    """An indentation too far left: only the last row is kept."""

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        self.rows_, self.targets_ = self.rows_[-1:], self.targets_[-1:]
        return self


class VocabularyEmpty(Words):
    """Looks the words up in the case they had, in a vocabulary of capitals."""

    def _place(self, word: str) -> int | None:
        return super()._place(word.upper())


class ScaledTarget(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Trains another regressor on the standardised target."""

    def __init__(self, inner: Any = None) -> None:
        self.inner = inner

    def fit(self, X: Any, y: Any) -> Self:
        y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)[1].astype(np.float64)
        self.scaler_ = StandardScaler().fit(y.reshape(-1, 1))
        self.inner_ = clone(Linear() if self.inner is None else self.inner)
        self.inner_.fit(X, self.scaler_.transform(y.reshape(-1, 1)).ravel())
        return self

    def predict(self, X: Any) -> Array:
        check_is_fitted(self)
        return self._back(self.inner_.predict(X))

    def _back(self, values: Array) -> Array:
        unscaled: Array = self.scaler_.inverse_transform(values.reshape(-1, 1)).ravel()
        return unscaled


class ScaleNotUndone(ScaledTarget):
    def _back(self, values: Array) -> Array:
        return values


class Magnitude(StandardScaler):  # type: ignore[misc]
    """Scaled columns without their signs."""

    def transform(self, X: Any, copy: Any = None) -> Array:
        made: Array = np.abs(super().transform(X, copy))
        return made


class PeeksThroughView(Linear):
    """Centres by all targets of the array that the training targets are a part of."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        super().fit(X, y, sample_weight)
        whole = getattr(y, "base", None)
        if isinstance(whole, np.ndarray) and whole.ndim == 1 and whole.dtype.kind == "f" and whole.size > np.size(y):
            self.offset_ = float(whole.mean())
        return self


class LearnsFromPredictions(Bayes):
    """Learns from the rows it predicts, with the labels it gives them."""

    def predict(self, X: Any) -> Array:
        labels = super().predict(X)
        self._add(np.asarray(X, dtype=np.float64), labels)
        return labels


def learns_no_classes(model: Any) -> bool:
    X, y = blobs()
    return bool((model.fit(X, y).predict(X) == y).mean() < 0.6)


def learns_no_numbers(model: Any) -> bool:
    X, y = line()
    return float(((model.fit(X, y).predict(X) - y) ** 2).mean()) > 0.5 * float(y.var())


def learns_no_words(model: Any) -> bool:
    X, y = texts()
    return bool((model.fit(X, y).predict(X) == y).mean() < 0.6)


def peeks(model: Any) -> bool:
    X, y = line()
    other = y.copy()
    other[40:] += 1000
    before = model.fit(X[:40], y[:40]).predict(X)
    return differs(model.fit(X[:40], other[:40]).predict(X), before)


def learns_from_predictions(model: Any) -> bool:
    X, y = blobs()
    model.fit(X, y)
    before = model.predict_proba(X)
    model.predict(X + 1)
    return differs(model.predict_proba(X), before)


SPECIMENS = (
    Specimen("labels_shuffled", LEARNS, "classifier", LabelsShuffled, Centroid, demonstrate=learns_no_classes),
    Specimen("furthest_chosen", LEARNS, "classifier", FurthestChosen, Centroid, demonstrate=learns_no_classes),
    Specimen("sign_flipped", LEARNS, "regressor", SignFlipped, Linear, demonstrate=learns_no_numbers),
    Specimen("last_row_only", LEARNS, "regressor", LastRowOnly, Nearest, demonstrate=learns_no_numbers),
    Specimen(
        "vocabulary_never_met",
        LEARNS,
        "text",
        VocabularyEmpty,
        Words,
        {"schema": TEXT_SCHEMA},
        demonstrate=learns_no_words,
    ),
    Specimen("scale_not_undone", LEARNS, "regressor", ScaleNotUndone, ScaledTarget, demonstrate=learns_no_numbers),
    Specimen(
        "signs_lost_in_pipeline",
        LEARNS,
        "pipeline",
        lambda: make_pipeline(Magnitude(), LinearRegression()),
        lambda: make_pipeline(StandardScaler(), LinearRegression()),
        demonstrate=learns_no_numbers,
    ),
    Specimen("peeks_through_view", PEEKS, "regressor", PeeksThroughView, Linear, demonstrate=peeks),
    Specimen(
        "learns_from_predictions",
        "predict changes no state",
        "classifier",
        LearnsFromPredictions,
        Bayes,
        demonstrate=learns_from_predictions,
    ),
)
