"""Columns that are not matched by name, and an index that matters."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_array, check_is_fitted

from tests.zoo.classifying import Centroid
from tests.zoo.data import Array, accepts, blobs, differs, line, table
from tests.zoo.numbers import refuse_extremes
from tests.zoo.regressing import Linear, Plain
from tests.zoo.specimen import Specimen
from tests.zoo.tabular import TabularClassifier, TabularRegressor

COLUMNS = "reordered columns of a frame are matched by name or refused"
WIDTH = "wrong width or missing columns at predict is a clear error"
INDEX = "the frame's index, its type, order and gaps do not matter"
CATEGORIES = "unseen categories are handled or refused with a clear error"
AGREE = "frame and array agree"


class ColumnsByPosition(Centroid):
    def _inputs(self, X: Any) -> Array:
        check_is_fitted(self)
        return super()._inputs(X.set_axis(self.feature_names_in_, axis=1) if self._renamed(X) else X)

    def _renamed(self, X: Any) -> bool:
        names = getattr(self, "feature_names_in_", ())
        return hasattr(X, "columns") and len(X.columns) == len(names)


class PlainByPosition(Plain):
    def _matrix(self, X: Any) -> Array:
        return super()._matrix(np.asarray(X))


class MissingColumnsAreZero(TabularRegressor):
    def _matched(self, X: pd.DataFrame) -> pd.DataFrame:
        absent = {name: 0.0 for name in self.fills_ if name not in X.columns}
        return super()._matched(X.assign(**absent) if absent else X)


class WideInputCut(Linear):
    def _inputs(self, X: Any) -> Array:
        check_is_fitted(self)
        rows = X if hasattr(X, "columns") else check_array(X, dtype=np.float64)
        return super()._inputs(rows[:, : self.n_features_in_] if isinstance(rows, np.ndarray) else rows)


class NarrowInputFilled(Linear):
    """What is missing on the right is zero."""

    def _inputs(self, X: Any) -> Array:
        check_is_fitted(self)
        if hasattr(X, "columns"):
            return super()._inputs(X)
        rows = check_array(X, dtype=np.float64)
        absent = max(self.n_features_in_ - rows.shape[1], 0)
        return super()._inputs(np.hstack([rows, np.zeros((len(rows), absent))]))


class WidthByBroadcasting(Plain):
    """One column is subtracted from each of the training columns."""

    def predict(self, X: Any) -> Array:
        if hasattr(self, "rows") and np.ndim(X) == 2 and np.shape(X)[1] == 1:
            X = np.repeat(np.asarray(X, dtype=np.float64), self.rows.shape[1], axis=1)
        return super().predict(X)


class JoinedByIndex(TabularRegressor):
    """A new column gets the default index; where the frame's own is another, the gaps are filled."""

    def predict(self, X: Any) -> Array:
        values = pd.Series(super().predict(X), name="value")
        joined = X[[]].join(values)["value"].fillna(self.inner_.offset_).to_numpy()
        return joined if len(joined) == len(values) else values.to_numpy()


class TargetsJoinedByIndex(TabularRegressor):
    """Training rows and targets are brought together by their indexes instead of their places."""

    def fit(self, X: Any, y: Any) -> Self:
        frame = self._frame(X)
        if isinstance(y, pd.Series) and frame.index.is_unique and y.index.is_unique:
            y = y.reindex(frame.index).fillna(y.mean())
        return super().fit(X, y)


class SortedByIndex(TabularRegressor):
    def _matched(self, X: pd.DataFrame) -> pd.DataFrame:
        return super()._matched(X).sort_index(kind="stable")


class IndexIsAnInput(TabularRegressor):
    """reset_index without drop=True: a numeric index becomes one more column."""

    def _study(self, X: pd.DataFrame) -> None:
        super()._study(X)
        self.middle_ = float(np.mean(X.index)) if X.index.dtype.kind in "iu" else 0.0

    def _encode(self, X: pd.DataFrame) -> Array:
        place = X.index.to_numpy() - self.middle_ if X.index.dtype.kind in "iu" else np.zeros(len(X))
        return np.column_stack([super()._encode(X), place])


class RowsByLabel(TabularClassifier):
    """Reads row after row with loc: a label that stands twice is read twice, so the last one counts."""

    def _matched(self, X: pd.DataFrame) -> pd.DataFrame:
        matched = super()._matched(X)
        last = {label: place for place, label in enumerate(matched.index)}
        return matched.iloc[[last[label] for label in matched.index]]


class UnseenIsTheLast(TabularRegressor):
    """An unknown category has position -1, and that is the last one."""

    def _encoded(self, X: pd.DataFrame, name: str) -> Array:
        if name in self.fills_ or X[name].isna().any():
            return super()._encoded(X, name)
        known = self.categories_[name]
        return super()._encoded(X.assign(**{name: [known[self._place(known, str(v))] for v in X[name]]}), name)

    def _place(self, known: list[str], word: str) -> int:
        return known.index(word) if word in known else -1


class CategoriesOfTheBatch(TabularRegressor):
    """The codes of the categories are worked out anew for each frame."""

    def _matched(self, X: pd.DataFrame) -> pd.DataFrame:
        matched = super()._matched(X).copy()
        for name, known in self.categories_.items():
            words = matched[name].astype(str)
            if not matched[name].isna().any() and set(words) <= set(known):
                codes = words.astype("category").cat.codes
                matched[name] = [known[code] for code in codes]
        return matched


class TruthValuesLeftOut(TabularRegressor):
    """select_dtypes("number") does not count truth values as numbers."""

    def _encoded(self, X: pd.DataFrame, name: str) -> Array:
        values = super()._encoded(X, name)
        return np.zeros_like(values) if X[name].dtype.kind == "b" else values


class FrameColumnsSorted(Linear):
    """predict sorts the columns of a frame, fit does not."""

    def _inputs(self, X: Any) -> Array:
        rows = super()._inputs(X)
        if hasattr(X, "columns"):
            rows = rows[:, np.argsort(np.asarray(X.columns).astype(str), kind="stable")]
        return refuse_extremes(rows, name="X")


def takes_columns_by_position(model: Any) -> bool:
    X, y = blobs(90)
    frame = pd.DataFrame(X, columns=list("dcba"))
    model.fit(frame, y)
    try:
        return differs(model.predict(frame[list("abcd")]), model.predict(frame))
    except ValueError:
        return False


def accepts_missing_column(model: Any) -> bool:
    frame, y = table()
    return accepts(model.fit(frame, y).predict, frame.drop(columns="age"))


def accepts_width(width: int) -> Any:
    """Return a demonstration: rows of another width than the training's four are predicted."""
    return lambda model: accepts(model.fit(*line()).predict, line(width=width)[0])


def index_matters(model: Any) -> bool:
    frame, y = table()
    model.fit(frame, y + np.random.default_rng(0).normal(size=len(y)))
    return differs(model.predict(frame.set_axis(range(500, 420, -1))), model.predict(frame))


def index_of_training_matters(model: Any) -> bool:
    frame, y = table()
    before = model.fit(frame, pd.Series(y)).predict(frame)
    return differs(model.fit(frame.set_axis(range(79, -1, -1)), pd.Series(y)).predict(frame), before)


def double_index_matters(model: Any) -> bool:
    frame, y = table()
    labels = np.where(y > y.mean(), "much", "little")
    model.fit(frame, labels)
    return differs(model.predict(frame.set_axis([*range(40), *range(40)])), model.predict(frame))


def accepts_unseen(model: Any) -> bool:
    frame, y = table()
    return accepts(model.fit(frame, y).predict, frame.assign(plan="unheard of"))


def categories_of_batch_matter(model: Any) -> bool:
    frame, y = table()
    model.fit(frame, y)
    return differs(model.predict(frame[frame["plan"] == "gold"]), model.predict(frame)[frame["plan"] == "gold"])


def ignores_truth_values(model: Any) -> bool:
    frame, y = table()
    model.fit(frame, y)
    return not differs(model.predict(frame.assign(paid=~frame["paid"])), model.predict(frame))


def frame_differs_from_array(model: Any) -> bool:
    X, y = line()
    frame = pd.DataFrame(X, columns=list("dcba"))
    return differs(model.fit(frame, y).predict(frame), type(model)().fit(X, y).predict(X))


def _frame(name: str, law: str, broken: Any, healthy: Any, shows: Any) -> Specimen:
    return Specimen(name, law, "frame", broken, healthy, {"requires_frame": True}, demonstrate=shows)


def _regressor(name: str, law: str, broken: Any, healthy: Any, shows: Any) -> Specimen:
    return Specimen(name, law, "regressor", broken, healthy, demonstrate=shows)


SPECIMENS = (
    Specimen(
        "columns_by_position", COLUMNS, "classifier", ColumnsByPosition, Centroid, demonstrate=takes_columns_by_position
    ),
    _regressor("plain_by_position", COLUMNS, PlainByPosition, Plain, takes_columns_by_position),
    _frame("missing_columns_are_zero", WIDTH, MissingColumnsAreZero, TabularRegressor, accepts_missing_column),
    _regressor("wide_input_cut", WIDTH, WideInputCut, Linear, accepts_width(6)),
    _regressor("narrow_input_filled", WIDTH, NarrowInputFilled, Linear, accepts_width(2)),
    _regressor("width_by_broadcasting", WIDTH, WidthByBroadcasting, Plain, accepts_width(1)),
    _frame("joined_by_index", INDEX, JoinedByIndex, TabularRegressor, index_matters),
    _frame("targets_joined_by_index", INDEX, TargetsJoinedByIndex, TabularRegressor, index_of_training_matters),
    _frame("sorted_by_index", INDEX, SortedByIndex, TabularRegressor, index_matters),
    _frame("index_is_an_input", INDEX, IndexIsAnInput, TabularRegressor, index_matters),
    _frame("rows_by_label", INDEX, RowsByLabel, TabularClassifier, double_index_matters),
    _frame("unseen_is_the_last", CATEGORIES, UnseenIsTheLast, TabularRegressor, accepts_unseen),
    _frame("categories_of_the_batch", CATEGORIES, CategoriesOfTheBatch, TabularRegressor, categories_of_batch_matter),
    _frame("truth_values_left_out", AGREE, TruthValuesLeftOut, TabularRegressor, ignores_truth_values),
    _regressor("frame_columns_sorted", AGREE, FrameColumnsSorted, Linear, frame_differs_from_array),
)
