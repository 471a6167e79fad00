"""The same numbers in another layout or dtype, and cells that are no numbers."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_array, check_is_fitted

from tests.zoo.classifying import Bayes, Centroid
from tests.zoo.data import Array, accepts, blobs, differs, fails, line
from tests.zoo.regressing import Linear, Nearest, Plain
from tests.zoo.specimen import Specimen

LAYOUT = "float32, float64, integers, booleans, Fortran and C order, views agree within stated tolerance"
GAPS = "NaN and infinity are handled or refused with a clear error, never silently turned into nonsense"


class FortranMisread(Linear):
    """Reads memory in the order it lies in, as a call into C would."""

    def _inputs(self, X: Any) -> Array:
        rows = super()._inputs(X)
        return rows.ravel(order="K").reshape(rows.shape)


class ViewMisread(Nearest):
    """Takes the array that a view looks at, whenever it has as many cells."""

    def _values(self, X: Array) -> Array:
        whole = X.base
        if isinstance(whole, np.ndarray) and whole.size == X.size and whole.dtype == X.dtype:
            X = whole.reshape(X.shape)
        return super()._values(X)


class IntegersDivided(Linear):
    """Whole numbers are scaled down with integer division."""

    def _inputs(self, X: Any) -> Array:
        rows = super()._inputs(X)
        kinds = {np.dtype(kind).kind for kind in getattr(X, "dtypes", [np.asarray(X).dtype])}
        return np.floor(rows / 2) * 2 if kinds <= set("iu") else rows


class SmallIntegersWrap(Nearest):
    """Differences are taken in the dtype that came."""

    def predict(self, X: Any) -> Array:
        rows, given = self._inputs(X), np.asarray(X)
        if given.dtype.kind in "iu" and given.dtype.itemsize == 1:
            rows = given.astype(np.int8).astype(np.float64)
        return self._values(rows)


class Float32Overflows(Linear):
    """Squares in the dtype that came: beyond 1e19 that is infinity in float32."""

    def _inputs(self, X: Any) -> Array:
        rows, given = super()._inputs(X), np.asarray(X)
        if given.dtype == np.float32:
            with np.errstate(over="ignore"):
                return np.where(np.isfinite(given * given), rows, 0.0)
        return rows


class BooleansCrash(Plain):
    """Subtracts what came from itself, which numpy refuses for truth values."""

    def _matrix(self, X: Any) -> Array:
        given = np.asarray(X)
        return super()._matrix(X) + (0 if given.dtype.kind in "OUS" else given - given)


class BooleansSelect(Linear):
    """Truth values are taken for a selection of rows, and everything selected is one."""

    def _inputs(self, X: Any) -> Array:
        rows = super()._inputs(X)
        return np.ones_like(rows) if np.asarray(X).dtype == bool and len(rows) else rows


class GapsAreZero(Linear):
    def _inputs(self, X: Any) -> Array:
        check_is_fitted(self)
        if hasattr(X, "columns"):
            return super()._inputs(X.fillna(0.0))
        return super()._inputs(np.nan_to_num(check_array(X, dtype=np.float64, ensure_all_finite="allow-nan")))


class InfinityIsLarge(Linear):
    def _inputs(self, X: Any) -> Array:
        check_is_fitted(self)
        if hasattr(X, "columns"):
            return super()._inputs(X.replace([np.inf, -np.inf], [1e9, -1e9]))
        rows = check_array(X, dtype=np.float64, ensure_all_finite=False)
        return super()._inputs(np.where(np.isinf(rows), np.sign(rows) * 1e9, rows))


class GapsGetTheFirstClass(Centroid):
    """argmax over NaN is 0."""

    def predict(self, X: Any) -> Array:
        check_is_fitted(self)
        rows = X.to_numpy(dtype=np.float64, na_value=np.nan) if hasattr(X, "columns") else np.asarray(X)
        if rows.dtype.kind != "f" or rows.ndim != 2 or rows.shape[1] != self.n_features_in_ or np.isfinite(rows).all():
            return super().predict(X)
        bad = ~np.isfinite(rows).all(axis=1)
        labels = super().predict(np.where(np.isfinite(rows), rows, 0.0))
        return np.where(bad, self.classes_[0], labels)


class GapInTrainingAnswersAll(Plain):
    """A training row with a gap is at distance NaN from every row, and argmin takes NaN for the least."""

    def fit(self, X: Any, y: Any) -> Self:
        given = np.asarray(X)
        if given.ndim != 2 or given.dtype.kind != "f":
            return super().fit(X, y)
        super().fit(X.fillna(0.0) if hasattr(X, "fillna") else np.where(np.isnan(given), 0.0, given), y)
        self.rows[np.isnan(given[:, : self.rows.shape[1]])] = np.nan
        return self


class SoftmaxOverflows(Centroid):
    """Scores are exponentiated as they are: an outlier's probabilities are 0 / 0."""

    def predict_proba(self, X: Any) -> Array:
        with np.errstate(all="ignore"):
            powers = np.exp(self._scores(self._inputs(X)))
            proba: Array = powers / powers.sum(axis=1, keepdims=True)
        return proba


class VarianceOfDifference(Bayes):
    """Variance as mean of squares less square of mean: nothing is left of it far from zero."""

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        labels, rows = np.asarray(y), np.asarray(X, dtype=np.float64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for code, label in enumerate(self.classes_):
                group = rows[labels == label].astype(np.float32)
                naive = (group**2).mean(axis=0) - group.mean(axis=0) ** 2
                self.square_[code] = np.maximum(np.nan_to_num(naive), 0).astype(np.float64) * len(group)
        return self


def layout_matters(model: Any) -> bool:
    X = line(seed=1)[0]
    model.fit(*line())
    return differs(model.predict(np.asfortranarray(X)), model.predict(X))


def view_matters(model: Any) -> bool:
    X = line(seed=1)[0]
    model.fit(*line())
    return differs(model.predict(X[::-1]), model.predict(X[::-1].copy()))


def dtype_matters(dtype: Any, *, scale: float = 9.0) -> Any:
    """Return a demonstration: numbers that ``dtype`` holds exactly are predicted otherwise as float64."""

    def demonstrate(model: Any) -> bool:
        X, y = line()
        given = np.rint(np.abs(scale * X)).astype(dtype)
        model.fit(scale * np.abs(X), y)
        return differs(model.predict(given), model.predict(given.astype(np.float64)))

    return demonstrate


def crashes_on_truth_values(model: Any) -> bool:
    X, y = line()
    return fails(model.fit(X, y).predict, X > 0)


def truth_values_differ(model: Any) -> bool:
    X, y = line()
    model.fit((X > 0).astype(float), y)
    return differs(model.predict(X > 0), model.predict((X > 0).astype(float)))


def accepts_cell(cell: float) -> Any:
    """Return a demonstration: a row with such a cell is predicted like any other."""

    def demonstrate(model: Any) -> bool:
        X = blobs()[0]
        X[0, 1] = cell
        return accepts(model.fit(*blobs()).predict, X)

    return demonstrate


def one_gap_answers_all(model: Any) -> bool:
    X, y = line()
    X[7, 0] = np.nan
    return accepts(model.fit, X, y) and not np.ptp(model.predict(line()[0]))


def outlier_is_nan(model: Any) -> bool:
    X, y = blobs()
    return bool(np.isnan(model.fit(X, y).predict_proba(1e3 * X)).any())


def does_not_learn_far_away(model: Any) -> bool:
    X, y = blobs()
    return bool((model.fit(X + 1e5, y).predict(X + 1e5) == y).mean() < 0.8)


def _regressor(name: str, law: str, broken: Any, healthy: Any, shows: Any) -> Specimen:
    return Specimen(name, law, "regressor", broken, healthy, demonstrate=shows)


def _classifier(name: str, broken: Any, healthy: Any, shows: Any) -> Specimen:
    return Specimen(name, GAPS, "classifier", broken, healthy, demonstrate=shows)


SPECIMENS = (
    _regressor("fortran_misread", LAYOUT, FortranMisread, Linear, layout_matters),
    _regressor("view_misread", LAYOUT, ViewMisread, Nearest, view_matters),
    _regressor("integers_divided", LAYOUT, IntegersDivided, Linear, dtype_matters(np.int64)),
    _regressor("small_integers_wrap", LAYOUT, SmallIntegersWrap, Nearest, dtype_matters(np.uint8, scale=80.0)),
    _regressor("float32_overflows", LAYOUT, Float32Overflows, Linear, dtype_matters(np.float32, scale=1e20)),
    _regressor("truth_values_crash", LAYOUT, BooleansCrash, Plain, crashes_on_truth_values),
    _regressor("truth_values_select", LAYOUT, BooleansSelect, Linear, truth_values_differ),
    _regressor("gaps_are_zero", GAPS, GapsAreZero, Linear, accepts_cell(np.nan)),
    _regressor("infinity_is_large", GAPS, InfinityIsLarge, Linear, accepts_cell(np.inf)),
    _classifier("gaps_get_the_first_class", GapsGetTheFirstClass, Centroid, accepts_cell(np.nan)),
    _regressor("gap_in_training_answers_all", GAPS, GapInTrainingAnswersAll, Plain, one_gap_answers_all),
    _classifier("softmax_overflows", SoftmaxOverflows, Centroid, outlier_is_nan),
    _classifier("variance_by_difference", VarianceOfDifference, Bayes, does_not_learn_far_away),
)
