"""What a model is taken for that does not say it: a classifier or a regressor, by what it can do."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.tree import DecisionTreeRegressor

from pytest_mlexp.contracts.driver import check_model
from pytest_mlexp.contracts.recognition import subject_of


class Plain:
    """A class with fit and predict, and nothing more."""

    def __init__(self) -> None:
        self.inner: Any = LogisticRegression()

    def fit(self, X: Any, y: Any) -> Self:
        self.inner.fit(X, y)
        return self

    def predict(self, X: Any) -> Any:
        return self.inner.predict(X)


class OfNumbers(Plain):
    def fit(self, X: Any, y: Any) -> Self:
        self.classes_ = np.unique(np.asarray(y, dtype=float))
        return super().fit(X, np.searchsorted(self.classes_, np.asarray(y, dtype=float)))

    def predict(self, X: Any) -> Any:
        return self.classes_[self.inner.predict(X)]


class OfCodes(Plain):
    def fit(self, X: Any, y: Any) -> Self:
        self.most_ = np.bincount(y).argmax()
        return super().fit(X, y)


class ByASign(Plain):
    """Two classes by the sign of a score, whatever the targets are."""

    def __init__(self) -> None:
        self.inner = LinearRegression()

    def fit(self, X: Any, y: Any) -> Self:
        return super().fit(X, 2 * np.asarray(y, dtype=float) - 1)

    def predict(self, X: Any) -> Any:
        return (super().predict(X) > 0).astype(int)


class WithProbabilities(BaseEstimator):  # type: ignore[misc]
    """scikit-learn's base class alone does not say what it is; probabilities do."""

    def fit(self, X: Any, y: Any) -> Self:
        self.inner_ = LogisticRegression().fit(X, np.asarray(y, dtype=float) > 0)
        return self

    def predict(self, X: Any) -> Any:
        return self.inner_.predict(X).astype(int)

    def predict_proba(self, X: Any) -> Any:
        return self.inner_.predict_proba(X)


class Line(Plain):
    def __init__(self) -> None:
        self.inner = LinearRegression()


class Counts(Line):
    def predict(self, X: Any) -> Any:
        return np.rint(super().predict(X)).astype(int)


class Tree(Plain):
    """Predicts zeros and ones where it was trained with nothing else."""

    def __init__(self) -> None:
        self.inner = DecisionTreeRegressor(random_state=0)


@pytest.mark.parametrize("model", [Plain, OfNumbers, OfCodes, ByASign, WithProbabilities])
def test_a_classifier_that_does_not_say_so_is_taken_for_one(model: type[Any]) -> None:
    assert subject_of(model()).declares.task == "classification"


@pytest.mark.parametrize("model", [Line, Counts, Tree])
def test_a_regressor_that_does_not_say_so_is_taken_for_one(model: type[Any]) -> None:
    assert subject_of(model()).declares.task == "regression"


def test_what_was_found_by_trying_is_said_with_what_to_declare() -> None:
    broken, skipped = check_model(OfNumbers(), laws=["refused_before_fit", "scale_of_targets"])
    assert broken.message.endswith("taken for a classifier: declare its task= if it is none")
    assert skipped.message == "it is no regressor, as trying it showed: declare task='regression' if it is one"


def test_what_was_declared_or_is_told_by_tags_is_not_said_again() -> None:
    declares = {"task": "classification"}
    broken, skipped = check_model(OfNumbers(), declares=declares, laws=["refused_before_fit", "scale_of_targets"])
    assert "taken for" not in broken.message
    assert skipped.message == "it is no regressor"
