"""Values that count by how they are held: types of columns, places of words, units, and keys that are too short."""

from __future__ import annotations

import bisect
from typing import Any, Self

import numpy as np
import pandas as pd

from tests.zoo.classifying import Centroid
from tests.zoo.data import Array, blobs, differs, line, table
from tests.zoo.regressing import Linear
from tests.zoo.specimen import Specimen
from tests.zoo.tabular import TabularRegressor


class CentsWhenWhole(TabularRegressor):
    """Columns of whole numbers are taken for cents, those with fractions for euros."""

    def _numbers(self, column: pd.Series[Any], name: str) -> Array:
        values = super()._numbers(column, name)
        return values / 100 if column.dtype.kind in "iu" else values


class UnseenIsTheNextWord(TabularRegressor):
    """Words are looked up by bisection, and nobody asks whether the word that was found is the one sought."""

    def _onehot(self, column: pd.Series[Any], name: str) -> Array:
        known = self.categories_[name]
        found = [known[min(bisect.bisect_left(known, str(word)), len(known) - 1)] for word in column]
        return super()._onehot(pd.Series(found, index=column.index), name)


class Numbered(TabularRegressor):
    """Healthy: each word counts as its number."""

    def _onehot(self, column: pd.Series[Any], name: str) -> Array:
        places = super()._onehot(column, name)
        numbers = [self._number(name, word) for word in self.categories_[name]]
        return np.column_stack([places[:, :-1] @ np.array(numbers, dtype=float), places[:, -1]])

    def _number(self, name: str, word: str) -> int:
        return self.categories_[name].index(word)


class NumberedOnceAndForAll(Numbered):
    """A refit keeps the numbers that words had, and gives the next ones to new words."""

    def _number(self, name: str, word: str) -> int:
        numbers = self.__dict__.setdefault("numbers_", {}).setdefault(name, {})
        return int(numbers.setdefault(word, len(numbers)))


class AnswersBySum(Linear):
    """The last answer is kept by the shape and the sum of its rows, rounded against noise."""

    def _values(self, X: Array) -> Array:
        key = (X.shape, round(float(X.sum()), 6))
        if self.__dict__.get("last_", (None,))[0] != key:
            self.last_ = key, super()._values(X)
        return self.last_[1].copy()

    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        self.__dict__.pop("last_", None)
        return super()._learn(X, y, weights)


class ShowsFewRows(Linear):
    """An option of pandas is changed for everyone."""

    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        pd.set_option("display.max_rows", 7)
        return super()._learn(X, y, weights)


class SquareIsTurned(Centroid):
    """Where there are as many rows as classes, rows are taken for classes."""

    def predict_proba(self, X: Any) -> Array:
        proba = super().predict_proba(X)
        return proba.T if proba.shape[0] == proba.shape[1] else proba


class StaysStandardised(Linear):
    """Targets are standardised for the fit, and predictions stay so but for their mean."""

    def _solve(self, Z: Array, y: Array, weights: Array) -> Array:
        return super()._solve(Z, y / max(float(y.std()), 1e-300), weights)


class SmallIsConstant(Linear):
    """A column that spreads by less than 1e-4 is taken for a constant one, in whatever unit it comes."""

    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        super()._learn(X, y, weights)
        self.scale_ = np.where(self.scale_ < 1e-4, 1.0, self.scale_)
        self.coef_ = super()._solve(self._standard(X), y - self.offset_, weights)
        return self


def whole_numbers_differ(model: Any) -> bool:
    frame, y = table()
    rows = frame.assign(age=frame["age"].round())
    model.fit(frame, y)
    return differs(model.predict(rows.assign(age=rows["age"].astype("int64"))), model.predict(rows))


def unseen_words_differ(model: Any) -> bool:
    frame, y = table()
    model.fit(frame, y)
    try:
        return differs(model.predict(frame.assign(plan="aaa")), model.predict(frame.assign(plan="zzz")))
    except ValueError:
        return False


def numbers_stay(model: Any) -> bool:
    frame, y = table()
    fresh = type(model)().fit(frame, y).predict(frame)
    earlier = frame.assign(plan=frame["plan"].map({"basic": "gold", "free": "silver", "gold": "basic"}))
    earlier = earlier.iloc[::-1]
    model.fit(earlier.assign(plan=earlier["plan"].replace("basic", "zinc")), y)
    return differs(model.fit(frame, y).predict(frame), fresh)


def mistakes_rows_for_others(model: Any) -> bool:
    X, y = line()
    first = model.fit(X, y).predict(X)
    return differs(model.predict(X[::-1]), first[::-1])


def leaves_an_option(model: Any) -> bool:
    before = pd.get_option("display.max_rows")
    try:
        model.fit(*line())
        return bool(pd.get_option("display.max_rows") != before)
    finally:
        pd.set_option("display.max_rows", before)


def square_differs(model: Any) -> bool:
    X, y = blobs()
    proba = model.fit(X, y).predict_proba(X)
    return differs(model.predict_proba(X[5:8]), proba[5:8])


def small_swing(model: Any) -> bool:
    X, y = line()
    return bool(model.fit(X, 100 * y).predict(X).std() < 50 * y.std())


def loses_tiny_units(model: Any) -> bool:
    X, y = line()
    return bool(model.fit(1e-13 * X, y).predict(1e-13 * X).std() < 0.5 * y.std())


def _frame(name: str, law: str, broken: Any, healthy: Any, shows: Any) -> Specimen:
    return Specimen(name, law, "frame", broken, healthy, {"requires_frame": True}, demonstrate=shows)


def _regressor(name: str, law: str, broken: Any, shows: Any) -> Specimen:
    return Specimen(name, law, "regressor", broken, Linear, demonstrate=shows)


SPECIMENS = (
    _frame("cents_when_whole", "column_types", CentsWhenWhole, TabularRegressor, whole_numbers_differ),
    _frame("unseen_is_the_next_word", "unseen_is_no_other", UnseenIsTheNextWord, TabularRegressor, unseen_words_differ),
    _frame("numbered_once_and_for_all", "refit_forgets", NumberedOnceAndForAll, Numbered, numbers_stay),
    _regressor("answers_by_sum", "history_free", AnswersBySum, mistakes_rows_for_others),
    _regressor("shows_few_rows", "global_settings", ShowsFewRows, leaves_an_option),
    Specimen("square_is_turned", "chunks", "classifier", SquareIsTurned, Centroid, demonstrate=square_differs),
    _regressor("stays_standardised", "target_units", StaysStandardised, small_swing),
    _regressor("small_is_constant", "small_units", SmallIsConstant, loses_tiny_units),
)
