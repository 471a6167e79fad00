"""A healthy classifier of texts."""

from __future__ import annotations

from collections import Counter
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted

from pytest_mlexp.blocks.schema import Column, Schema
from tests.zoo.data import Array
from tests.zoo.numbers import distinct, softmax

TEXT_SCHEMA = Schema(60, (Column("record", "str", 0),), (Column("y", "<U4", 0, categories=("cat", "dog", "fish")),))


class Words(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Naive Bayes on words in lower case; unknown words say nothing."""

    def fit(self, X: Any, y: Any) -> Self:
        documents = self._documents(X)
        y = np.asarray(y)
        if y.shape != (len(documents),):
            raise ValueError(f"y has shape {y.shape}, expected one label for each of {len(documents)} texts")
        assert_all_finite(y, input_name="y")
        check_classification_targets(y)
        self.classes_, codes = distinct(y)
        self._read(documents)
        return self._learn(documents, codes)

    def predict(self, X: Any) -> Array:
        best = self._scores(X).argmax(axis=1)
        chosen: Array = self.classes_[best]
        return chosen

    def predict_proba(self, X: Any) -> Array:
        return softmax(self._scores(X))

    def _documents(self, X: Any) -> list[Counter[str]]:
        sequence = hasattr(X, "__len__") and not isinstance(X, str) and getattr(X, "ndim", 1) == 1
        if not sequence or not all(isinstance(text, str) for text in X):
            raise ValueError("X must be a sequence of strings")
        if not len(X):
            raise ValueError("X holds no text")
        return [Counter(text.lower().split()) for text in X]

    def _read(self, documents: list[Counter[str]]) -> None:
        self.vocabulary_ = {word: number for number, word in enumerate(sorted(set().union(*documents)))}

    def _learn(self, documents: list[Counter[str]], codes: Array) -> Self:
        counts = self._counted(documents)
        sums = np.stack([counts[codes == code].sum(axis=0) for code in range(len(self.classes_))])
        self.weights_ = np.log((sums + 1) / (sums + 1).sum(axis=1, keepdims=True))
        self.prior_ = np.log(np.bincount(codes) / len(codes))
        return self

    def _counted(self, documents: list[Counter[str]]) -> Array:
        counts = np.zeros((len(documents), self._width()))
        for row, document in enumerate(documents):
            for word, number in document.items():
                if (place := self._place(word)) is not None:
                    counts[row, place] += number
        return counts

    def _width(self) -> int:
        return len(self.vocabulary_)

    def _place(self, word: str) -> int | None:
        return self.vocabulary_.get(word)

    def _scores(self, X: Any) -> Array:
        check_is_fitted(self)
        scores: Array = self.prior_ + self._counted(self._documents(X)) @ self.weights_.T
        return scores

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        return tags
