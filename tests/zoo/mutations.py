"""Inputs that are changed, or must not be read-only."""

from __future__ import annotations

import copy
from collections import Counter
from typing import Any, Self

import numpy as np
import pandas as pd

from tests.zoo.classifying import Centroid
from tests.zoo.data import Array, blobs, line, table, texts
from tests.zoo.regressing import Linear, Nearest
from tests.zoo.specimen import Specimen
from tests.zoo.tabular import TabularRegressor
from tests.zoo.wording import TEXT_SCHEMA, Words

UNCHANGED = "inputs (arrays, frames, read-only memory, targets, weights) are never changed"


class CentresInputsInPlace(Linear):
    """Saves a copy; the matrix that came is the caller's own whenever it was float64 already."""

    def _values(self, X: Array) -> Array:
        if not X.flags.writeable:
            X = X.copy()
        X -= self.mean_
        values: Array = self.offset_ + X / self.scale_ @ self.coef_
        return values


class ShufflesRowsInPlace(Linear):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        if isinstance(X, np.ndarray) and isinstance(y, np.ndarray) and sample_weight is None and len(X) == len(y):
            order = np.random.default_rng(0).permutation(len(y))
            if X.flags.writeable and y.flags.writeable:
                X[:], y[:] = X[order], y[order]
        return super().fit(X, y, sample_weight)


class CentresTargetsInPlace(Nearest):
    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        self.targets_ = np.asarray(y).ravel()
        if self.targets_.dtype.kind != "f" or not self.targets_.flags.writeable:
            self.targets_ = self.targets_.astype(np.float64)
        self.middle_ = self.targets_.mean()
        self.targets_ -= self.middle_
        self.targets_ = self.targets_.copy()
        return self

    def _values(self, X: Array) -> Array:
        made: Array = super()._values(X) + self.middle_
        return made


class NormalisesWeightsInPlace(Centroid):
    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        super().fit(X, y, sample_weight)
        if isinstance(sample_weight, np.ndarray) and sample_weight.dtype.kind == "f" and sample_weight.flags.writeable:
            sample_weight /= sample_weight.sum()
        return self


class NeedsWritableMemory(Nearest):
    """Centres the rows, uses them, and puts them back: no copy, but read-only memory is an error."""

    def predict(self, X: Any) -> Array:
        rows = self._inputs(X)
        if isinstance(X, np.ndarray) and rows is X:
            kept = rows.copy()
            rows -= self.mean_
            values = self._values(kept)
            rows[:] = kept
            return values
        return self._values(rows)


class AddsColumnToFrame(TabularRegressor):
    def _matched(self, X: pd.DataFrame) -> pd.DataFrame:
        matched = super()._matched(X)
        X["n_words"] = len(X.columns)
        return matched


class FillsGapsInFrame(TabularRegressor):
    def _matched(self, X: pd.DataFrame) -> pd.DataFrame:
        matched = super()._matched(X)
        for name, value in self.fills_.items():
            if X[name].dtype.kind == "f" and np.isfinite(value):
                X.loc[X[name].isna(), name] = value
        return matched


class LowersTextsInPlace(Words):
    def _documents(self, X: Any) -> list[Counter[str]]:
        documents = super()._documents(X)
        if isinstance(X, list):
            X[:] = [text.lower() for text in X]
        return documents


def changes_rows(model: Any) -> bool:
    X = line()[0]
    model.fit(*line())
    model.predict(X)
    return bool((line()[0] != X).any())


def changes_training(model: Any) -> bool:
    X, y = line()
    model.fit(X, y)
    return bool((line()[0] != X).any() or (line()[1] != y).any())


def changes_weights(model: Any) -> bool:
    weights = np.linspace(0.5, 2, 90)
    kept = weights.copy()
    model.fit(*blobs(), sample_weight=weights)
    return bool((weights != kept).any())


def needs_writing(model: Any) -> bool:
    X, y = line()
    model.fit(X, y)
    X.flags.writeable = False
    try:
        model.predict(X)
    except ValueError:
        return True
    return False


def changes_frame(model: Any) -> bool:
    frame, y = table()
    model.fit(frame, y)
    if model.fill:
        frame.loc[3, "age"] = np.nan
    kept = frame.copy(deep=True)
    model.predict(frame)
    return not frame.equals(kept)


def changes_list(model: Any) -> bool:
    documents, y = texts()
    documents = [text.upper() for text in documents]
    kept = copy.copy(documents)
    model.fit(documents, y).predict(documents)
    return documents != kept


def filling(kind: Any) -> Any:
    """Return a factory of a model that fills gaps."""
    return lambda: kind(fill=True)


SPECIMENS = (
    Specimen("inputs_centred_in_place", UNCHANGED, "regressor", CentresInputsInPlace, Linear, demonstrate=changes_rows),
    Specimen(
        "training_rows_shuffled_in_place",
        UNCHANGED,
        "regressor",
        ShufflesRowsInPlace,
        Linear,
        demonstrate=changes_training,
    ),
    Specimen(
        "targets_centred_in_place", UNCHANGED, "regressor", CentresTargetsInPlace, Nearest, demonstrate=changes_training
    ),
    Specimen(
        "weights_normalised_in_place",
        UNCHANGED,
        "classifier",
        NormalisesWeightsInPlace,
        Centroid,
        demonstrate=changes_weights,
    ),
    Specimen("writable_memory_needed", UNCHANGED, "regressor", NeedsWritableMemory, Nearest, demonstrate=needs_writing),
    Specimen(
        "column_added_to_frame",
        UNCHANGED,
        "frame",
        AddsColumnToFrame,
        TabularRegressor,
        {"requires_frame": True},
        demonstrate=changes_frame,
    ),
    Specimen(
        "gaps_filled_in_frame",
        UNCHANGED,
        "frame",
        filling(FillsGapsInFrame),
        filling(TabularRegressor),
        {"requires_frame": True, "allows_nan": True},
        demonstrate=changes_frame,
    ),
    Specimen(
        "texts_lowered_in_place",
        UNCHANGED,
        "text",
        LowersTextsInPlace,
        Words,
        {"schema": TEXT_SCHEMA},
        demonstrate=changes_list,
    ),
)
