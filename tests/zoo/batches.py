"""Predictions of a row that depend on the other rows of the batch."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from tests.zoo.classifying import Centroid, Margin
from tests.zoo.data import Array, blobs, differs, line, one_by_one, table
from tests.zoo.mutations import filling
from tests.zoo.numbers import softmax
from tests.zoo.regressing import Linear, Nearest
from tests.zoo.specimen import Specimen
from tests.zoo.tabular import TabularRegressor

BATCH = "batch equals row by row, equals chunks of any size, with outliers, constants, duplicates in the batch"
LARGE = "batch equals large batches (more than 1,024 rows)"


class StandardisesBatch(Centroid):
    """A batch of two or more rows is standardised by its own mean and scale."""

    def _inputs(self, X: Any) -> Array:
        X = super()._inputs(X)
        spread = np.abs(X - X.mean(axis=0)).mean(axis=0)
        made: Array = X if (spread == 0).any() else self.mean_ + (X - X.mean(axis=0)) / spread * self.scale_
        return made


class CentresScoresOverBatch(Centroid):
    def predict_proba(self, X: Any) -> Array:
        scores = self._scores(self._inputs(X))
        return softmax(scores - (scores.mean(axis=0) if len(scores) > 1 else 0))


class RelativeToBatchMaximum(Linear):
    """Keeps predictions within twice the batch's median size."""

    def _values(self, X: Array) -> Array:
        values = super()._values(X)
        limit = 2 * float(np.median(np.abs(values)))
        return np.clip(values, -limit, limit) if len(values) > 1 else values


class TopOfTheBatch(Margin):
    """The upper half of a batch is positive."""

    def predict(self, X: Any) -> Array:
        scores = self.decision_function(X)
        positive = scores >= np.median(scores) if len(scores) > 9 else scores > 0
        labels: Array = self.classes_[positive.astype(int)]
        return labels


class ClipsByBatchQuantile(Linear):
    def _values(self, X: Array) -> Array:
        low, high = np.quantile(X, [0.02, 0.98], axis=0)
        return super()._values(np.clip(X, low, high))


class Ranks(Nearest):
    """The nearest rows by the ranks of their columns among the training rows."""

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        self.sorted_ = np.sort(self.rows_, axis=0)
        self.rows_ = self._ranked(self.rows_)
        return self

    def _values(self, X: Array) -> Array:
        return np.array([self._value(row) for row in self._ranked(self._standard(X))])

    def _ranked(self, Z: Array) -> Array:
        columns = zip(self.sorted_.T, Z.T, strict=True)
        return np.column_stack([np.searchsorted(known, column, side="right") for known, column in columns]) / len(
            self.sorted_
        )


class RanksWithinBatch(Ranks):
    def _ranked(self, Z: Array) -> Array:
        ranks: Array = rankdata(Z, axis=0, method="max") / len(Z)
        return ranks


class RowAloneGetsMean(Linear):
    """One row is too few for an estimate, it says."""

    def _values(self, X: Array) -> Array:
        return super()._values(X) if len(X) > 1 else np.full(1, float(self.offset_))


class NearDuplicatesShared(Nearest):
    """Rows that are equal to one decimal are looked up once."""

    def _values(self, X: Array) -> Array:
        found: dict[bytes, float] = {}
        return np.array([found.setdefault(key.tobytes(), self._value(row)) for key, row in self._keyed(X)])

    def _keyed(self, X: Array) -> list[tuple[Array, Array]]:
        Z = self._standard(X)
        return list(zip(Z.round(1) + 0.0, Z, strict=True))


class ConstantColumnsSkipped(Linear):
    """Columns that are constant in the batch are thought to say nothing."""

    def _values(self, X: Array) -> Array:
        constant = (X[0] == X).all(axis=0) & (len(X) > 1)
        return super()._values(np.where(constant, self.mean_, X))


class GapsFilledFromBatch(TabularRegressor):
    def _matched(self, X: pd.DataFrame) -> pd.DataFrame:
        matched = super()._matched(X).copy()
        for name in self.numeric_:
            mean = matched[name].astype(float).mean()
            if matched[name].isna().any() and np.isfinite(mean):
                matched[name] = matched[name].astype(float).fillna(mean)
        return matched


class TailOfLargeBatchLost(Linear):
    """The loop over chunks of 1,024 rows goes up to the last whole one."""

    def _values(self, X: Array) -> Array:
        values = np.zeros(len(X))
        for start in range(0, max(len(X) - 1023, 1), 1024):
            values[start : start + 1024] = super()._values(X[start : start + 1024])
        return values


class LargeBatchInHalfPrecision(Linear):
    def _values(self, X: Array) -> Array:
        values = super()._values(X)
        return values.astype(np.float16).astype(np.float64) if len(X) > 1024 else values


class ChunksNormalisedApart(Centroid):
    """Chunks of 256 rows, each with its own temperature."""

    def predict_proba(self, X: Any) -> Array:
        scores = self._scores(self._inputs(X))
        chunks = [scores[start : start + 256] for start in range(0, len(scores), 256)]
        return np.vstack([softmax(chunk / (1 if len(scores) <= 256 else 1 + np.ptp(chunk))) for chunk in chunks])


def batch_differs_from_rows(model: Any) -> bool:
    X = line(seed=1)[0]
    X[0] *= 20
    model.fit(*line())
    return differs(model.predict(X), one_by_one(model.predict, X))


def probabilities_differ_from_rows(model: Any) -> bool:
    X, y = blobs(91)
    model.fit(X, y)
    return differs(model.predict_proba(X[:40]), one_by_one(model.predict_proba, X[:40]))


def labels_differ_from_rows(model: Any) -> bool:
    X, y = blobs(labels=(0, 1))
    model.fit(X, y)
    return differs(model.predict(X[y == 0]), one_by_one(model.predict, X[y == 0]))


def constant_column_differs(model: Any) -> bool:
    X = line(seed=1)[0]
    X[:, 0] = 2.5
    model.fit(*line())
    return differs(model.predict(X), one_by_one(model.predict, X))


def near_duplicates_differ(model: Any) -> bool:
    X = np.repeat(line(400, seed=1)[0], 2, axis=0)
    X[1::2] += 1e-3
    model.fit(*line(400))
    return differs(model.predict(X), one_by_one(model.predict, X))


def filled_gaps_differ(model: Any) -> bool:
    frame, y = table()
    model.fit(frame, y)
    frame.loc[::3, "age"] = np.nan
    return differs(model.predict(frame), model.predict(frame[:30]).tolist() + model.predict(frame[30:]).tolist())


def large_batch_differs(model: Any) -> bool:
    X = line(1500, seed=1)[0]
    model.fit(*line())
    return differs(model.predict(X), np.concatenate([model.predict(X[:700]), model.predict(X[700:])]))


def large_probabilities_differ(model: Any) -> bool:
    X, y = blobs(600)
    model.fit(X[:60], y[:60])
    return differs(model.predict_proba(X)[:100], model.predict_proba(X[:100]))


def _regressor(name: str, law: str, broken: Any, healthy: Any, shows: Any) -> Specimen:
    return Specimen(name, law, "regressor", broken, healthy, demonstrate=shows)


def _classifier(name: str, law: str, broken: Any, shows: Any) -> Specimen:
    return Specimen(name, law, "classifier", broken, Centroid, demonstrate=shows)


SPECIMENS = (
    _classifier("batch_standardised", BATCH, StandardisesBatch, probabilities_differ_from_rows),
    _classifier("scores_centred_over_batch", BATCH, CentresScoresOverBatch, probabilities_differ_from_rows),
    _regressor("relative_to_batch_median", BATCH, RelativeToBatchMaximum, Linear, batch_differs_from_rows),
    Specimen(
        "top_of_the_batch",
        BATCH,
        "classifier",
        TopOfTheBatch,
        Margin,
        {"binary_only": True},
        demonstrate=labels_differ_from_rows,
    ),
    _regressor("clipped_by_batch_quantile", BATCH, ClipsByBatchQuantile, Linear, batch_differs_from_rows),
    _regressor("ranks_within_batch", BATCH, RanksWithinBatch, Ranks, batch_differs_from_rows),
    _regressor("row_alone_gets_mean", BATCH, RowAloneGetsMean, Linear, batch_differs_from_rows),
    _regressor("near_duplicates_shared", BATCH, NearDuplicatesShared, Nearest, near_duplicates_differ),
    _regressor("constant_columns_skipped", BATCH, ConstantColumnsSkipped, Linear, constant_column_differs),
    Specimen(
        "gaps_filled_from_batch",
        BATCH,
        "frame",
        filling(GapsFilledFromBatch),
        filling(TabularRegressor),
        {"requires_frame": True, "allows_nan": True},
        demonstrate=filled_gaps_differ,
    ),
    _regressor("tail_of_large_batch_lost", LARGE, TailOfLargeBatchLost, Linear, large_batch_differs),
    _regressor("large_batch_in_half_precision", LARGE, LargeBatchInHalfPrecision, Linear, large_batch_differs),
    _classifier("chunks_normalised_apart", BATCH, ChunksNormalisedApart, large_probabilities_differ),
)
