"""Labels that are not those of the training part, and probabilities that are none."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from tests.zoo.classifying import Bayes, Centroid
from tests.zoo.data import Array, blobs, differs
from tests.zoo.numbers import distinct, softmax
from tests.zoo.specimen import Specimen
from tests.zoo.tabular import TabularClassifier

LABELS = "labels come from the training labels with their type, and renaming classes renames predictions"
PROBABILITIES = "probabilities are in [0, 1], rows sum to one, columns follow classes_, argmax agrees with predict"


class LabelsNumbered(Centroid):
    def predict(self, X: Any) -> Array:
        made: Array = self._scores(self._inputs(X)).argmax(axis=1)
        return made


class LabelsCutToThreeLetters(Centroid):
    def predict(self, X: Any) -> Array:
        labels = super().predict(X)
        return labels.astype("<U3") if labels.dtype.kind == "U" else labels


class LabelsAsFloat(Centroid):
    def predict(self, X: Any) -> Array:
        labels = super().predict(X)
        return labels.astype(np.float32) if labels.dtype.kind in "iu" else labels


class LargeLabelsThroughFloat(Centroid):
    def predict(self, X: Any) -> Array:
        labels = super().predict(X)
        return labels.astype(np.float64).astype(labels.dtype) if labels.dtype.kind in "iu" else labels


class BooleansAsNumbers(Centroid):
    def predict(self, X: Any) -> Array:
        labels = super().predict(X)
        return labels.astype(int) if labels.dtype.kind == "b" else labels


class LabelsInLowerCase(Centroid):
    def predict(self, X: Any) -> Array:
        labels = super().predict(X)
        return np.char.lower(labels) if labels.dtype.kind == "U" else labels


class LabelsAsText(TabularClassifier):
    def predict(self, X: Any) -> Array:
        return super().predict(X).astype(str)


class MinusOneIsUnknown(Centroid):
    """Rows of label -1 are left out, as if it meant unlabelled."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        labels = np.asarray(y)
        if labels.dtype.kind != "i" or len(labels) != len(X) or (labels == -1).all():
            return super().fit(X, y, sample_weight)
        kept = np.flatnonzero(labels != -1)
        rows = X.iloc[kept] if hasattr(X, "iloc") else np.asarray(X)[kept]
        return super().fit(rows, labels[kept], None if sample_weight is None else np.asarray(sample_weight)[kept])


class GapsFilled(Bayes):
    """A class for each number up to the largest label, whether it occurs or not."""

    def _start(self, labels: Array) -> None:
        whole = labels.dtype.kind == "i" and labels.min() >= 0 and labels.max() < 1000
        super()._start(np.arange(labels.max() + 1) if whole else labels)


class RareClassesDropped(Centroid):
    """Classes of fewer than five rows are left out, without a word."""

    def _training(self, X: Any, y: Any, sample_weight: Any) -> tuple[Array, Array, Array]:
        X, y, weights = super()._training(X, y, sample_weight)
        classes, counts = np.unique(y, return_counts=True)
        kept = np.isin(y, classes[counts >= min(5, counts.max())])
        return X[kept], y[kept], weights[kept]


class ColumnsInOrderOfAppearance(Centroid):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        super().fit(X, y, sample_weight)
        codes = distinct(np.asarray(y))[1]
        self.order_ = codes[np.sort(np.unique(codes, return_index=True)[1])]
        return self

    def predict_proba(self, X: Any) -> Array:
        return super().predict_proba(X)[:, self.order_]


class ClassesByFrequency(Bayes):
    """The most frequent class comes first in classes_, the probabilities stay sorted."""

    def _add(self, X: Array, y: Array) -> Self:
        self.classes_ = self.sorted_
        super()._add(X, y)
        self.classes_ = self.sorted_[np.argsort(-self.count_, kind="stable")]
        return self

    def _start(self, labels: Array) -> None:
        super()._start(labels)
        self.sorted_ = self.classes_

    def predict(self, X: Any) -> Array:
        best = self._scores(X).argmax(axis=1)
        labels: Array = self.sorted_[best]
        return labels


class OneVersusRestSums(Centroid):
    def predict_proba(self, X: Any) -> Array:
        scores = self._scores(self._inputs(X))
        made: Array = 1 / (1 + np.exp(np.clip(scores.mean(axis=1, keepdims=True) - scores, -50, 50)))
        return made


class NegativeProbabilities(Centroid):
    def predict_proba(self, X: Any) -> Array:
        proba = super().predict_proba(X)
        stretched = 1.5 * proba - 0.5 / proba.shape[1]
        return stretched if proba.shape[1] > 1 else proba


class RoundedProbabilities(Centroid):
    def predict_proba(self, X: Any) -> Array:
        return super().predict_proba(X).round(2)


class PredictKnowsThePrior(Bayes):
    """Probabilities forget how frequent the classes are; predict does not."""

    def predict_proba(self, X: Any) -> Array:
        return softmax(self._scores(X) - np.log(np.maximum(self.count_, 1)))


class OneColumnForTwoClasses(Centroid):
    def predict_proba(self, X: Any) -> Array:
        proba = super().predict_proba(X)
        return proba[:, 1:] if proba.shape[1] == 2 else proba


def labels_leave(labels: Any) -> Any:
    """Return a demonstration: some prediction is no training label, or is of another type."""

    def demonstrate(model: Any) -> bool:
        X, y = blobs(labels=labels)
        predicted = model.fit(X, y).predict(X)
        return predicted.dtype.kind != y.dtype.kind or bool((predicted != y).mean() > 0.2)

    return demonstrate


def text_labels_leave(model: Any) -> bool:
    import pandas as pd

    X, y = blobs(labels=(3, 5))
    predicted = model.fit(pd.DataFrame(X, columns=list("abcd")), y).predict(pd.DataFrame(X, columns=list("abcd")))
    return bool(predicted.dtype.kind != y.dtype.kind)


def invents_classes(model: Any) -> bool:
    return list(model.fit(*blobs(labels=(1, 4, 7))).classes_) != [1, 4, 7]


def drops_rare(model: Any) -> bool:
    X, y = blobs()
    kept = np.flatnonzero((y != 2) | (np.arange(len(y)) < 9))
    return len(model.fit(X[kept], y[kept]).classes_) < 3


def misplaces_columns(model: Any) -> bool:
    X, y = blobs(91, labels=("c", "b", "a"))
    model.fit(X, y)
    best = model.predict_proba(X).argmax(axis=1)
    return bool((model.classes_[best] == y).mean() < 0.9)


def is_no_distribution(model: Any) -> bool:
    X, y = blobs()
    proba = model.fit(X, y).predict_proba(X)
    return bool((proba < 0).any()) or differs(proba.sum(axis=1), np.ones(len(X)))


def argmax_disagrees(model: Any) -> bool:
    X, y = blobs(300, width=1)
    kept = np.flatnonzero((y == 0) | (np.arange(len(y)) < 30))
    model.fit(X[kept], y[kept])
    best = model.predict_proba(X).argmax(axis=1)
    return differs(model.classes_[best], model.predict(X))


def gives_one_column(model: Any) -> bool:
    X, y = blobs(labels=(0, 1))
    return bool(model.fit(X, y).predict_proba(X).shape != (90, 2))


def _label(name: str, broken: Any, healthy: Any, shows: Any) -> Specimen:
    return Specimen(name, LABELS, "classifier", broken, healthy, demonstrate=shows)


def _probability(name: str, broken: Any, healthy: Any, shows: Any) -> Specimen:
    return Specimen(name, PROBABILITIES, "classifier", broken, healthy, demonstrate=shows)


SPECIMENS = (
    _label("labels_numbered", LabelsNumbered, Centroid, labels_leave((2, 5, 9))),
    _label("labels_cut_short", LabelsCutToThreeLetters, Centroid, labels_leave(("setosa", "versicolor"))),
    _label("labels_as_float", LabelsAsFloat, Centroid, labels_leave((2, 5))),
    _label("large_labels_through_float", LargeLabelsThroughFloat, Centroid, labels_leave((2**60 + 1, 2**60 + 3))),
    _label("booleans_as_numbers", BooleansAsNumbers, Centroid, labels_leave((False, True))),
    _label("labels_in_lower_case", LabelsInLowerCase, Centroid, labels_leave(("No", "Yes"))),
    Specimen(
        "labels_as_text",
        LABELS,
        "frame",
        LabelsAsText,
        TabularClassifier,
        {"requires_frame": True},
        demonstrate=text_labels_leave,
    ),
    _label("minus_one_is_unknown", MinusOneIsUnknown, Centroid, labels_leave((-1, 1))),
    _label("gaps_filled", GapsFilled, Bayes, invents_classes),
    _label("rare_classes_dropped", RareClassesDropped, Centroid, drops_rare),
    _probability("columns_in_order_of_appearance", ColumnsInOrderOfAppearance, Centroid, misplaces_columns),
    _probability("classes_by_frequency", ClassesByFrequency, Bayes, misplaces_columns),
    _probability("one_versus_rest_sums", OneVersusRestSums, Centroid, is_no_distribution),
    _probability("negative_probabilities", NegativeProbabilities, Centroid, is_no_distribution),
    _probability("rounded_probabilities", RoundedProbabilities, Centroid, is_no_distribution),
    _probability("predict_knows_the_prior", PredictKnowsThePrior, Bayes, argmax_disagrees),
    _probability("one_column_for_two_classes", OneColumnForTwoClasses, Centroid, gives_one_column),
)
