"""Sound models of several columns, words and parts, and with one fault each."""

from __future__ import annotations

import zlib
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import cross_val_predict
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.validation import check_is_fitted, validate_data

Array = np.ndarray[Any, np.dtype[Any]]


class Line(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: least squares on centred columns, of least norm where there are several."""

    def _solved(self, X: Array, y: Array) -> Array:
        return np.asarray(np.linalg.lstsq(X, y, rcond=1e-10)[0])

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        self.means_, self.mean_ = X.mean(axis=0), y.mean()
        self.coef_ = self._solved(X - self.means_, y - self.mean_)
        return self

    def predict(self, X: Any) -> Any:
        check_is_fitted(self)
        return (validate_data(self, X, reset=False, dtype=np.float64) - self.means_) @ self.coef_ + self.mean_


class Inverted(Line):
    """Inverts what has no inverse."""

    def _solved(self, X: Array, y: Array) -> Array:
        try:
            return np.asarray(np.linalg.inv(X.T @ X) @ (X.T @ y))
        except np.linalg.LinAlgError:
            return super()._solved(X, y)


class EveryDirection(Line):
    """Divides by every singular value."""

    def _solved(self, X: Array, y: Array) -> Array:
        left, sizes, right = np.linalg.svd(X, full_matrices=False)
        return np.asarray(right.T @ ((left.T @ y) / np.maximum(sizes, 1e-300)))


class HalfOfTheColumns(Line):
    """Sound: looks at the half of the columns that go most with the target."""

    def _together(self, X: Array, y: Array) -> Array:
        return np.asarray(np.abs(X.T @ y))

    def _solved(self, X: Array, y: Array) -> Array:
        spread = X.std(axis=0)
        order = np.argsort(-self._together(X / np.where(spread > 0, spread, 1.0), y), kind="stable")
        chosen, coefficients = order[: (X.shape[1] + 1) // 2], np.zeros(X.shape[1])
        coefficients[chosen] = super()._solved(X[:, chosen], y)
        return coefficients


class HalfThatRises(HalfOfTheColumns):
    def _together(self, X: Array, y: Array) -> Array:
        return np.asarray(X.T @ y)


class Blend(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: a line and a tree, blended by what they answer to rows that they were not trained on."""

    def _seen(self, members: list[Any], X: Array, y: Array) -> Array:
        return np.column_stack([cross_val_predict(member, X, y, cv=min(5, len(X))) for member in members])

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        members = [Ridge(), DecisionTreeRegressor(random_state=0)]
        self.blender_ = LinearRegression(positive=True).fit(self._seen(members, X, y), y)
        self.members_ = [clone(member).fit(X, y) for member in members]
        return self

    def predict(self, X: Any) -> Any:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=np.float64)
        return self.blender_.predict(np.column_stack([member.predict(X) for member in self.members_]))


class BlendInSample(Blend):
    def _seen(self, members: list[Any], X: Array, y: Array) -> Array:
        return np.column_stack([clone(member).fit(X, y).predict(X) for member in members])


class Level(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: the line through all columns, and the quantile of what is left over."""

    def __init__(self, quantile: float = 0.5) -> None:
        self.quantile = quantile

    def _level(self) -> float:
        return self.quantile

    def fit(self, X: Any, y: Any) -> Self:
        self.line_ = Line().fit(X, y)
        self.above_ = np.quantile(np.asarray(y) - self.line_.predict(X), self._level())
        return self

    def predict(self, X: Any) -> Any:
        check_is_fitted(self)
        return self.line_.predict(X) + self.above_


class OtherWayRound(Level):
    def _level(self) -> float:
        return 1 - self.quantile


class Ends(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: the mean target of each quarter of each column's range; what lies beyond counts as the last quarter."""

    def _quarter(self, X: Array) -> Array:
        return np.asarray(np.clip(((X - self.low_) / self.step_).astype(int), 0, 3))

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        self.low_, spread = X.min(axis=0), np.ptp(X, axis=0)
        self.step_ = np.where(spread > 0, spread, 1.0) / 4
        self.mean_ = y.mean()
        quarters = self._quarter(X)
        self.table_ = [
            np.bincount(codes, y - self.mean_, 4) / (np.bincount(codes, minlength=4) + 1.0) for codes in quarters.T
        ]
        return self

    def predict(self, X: Any) -> Any:
        check_is_fitted(self)
        quarters = self._quarter(validate_data(self, X, reset=False, dtype=np.float64))
        return self.mean_ + sum(table[codes] for table, codes in zip(self.table_, quarters.T, strict=True))


class BeyondIsTheOtherEnd(Ends):
    def _quarter(self, X: Array) -> Array:
        return np.asarray(np.minimum(np.floor((X - self.low_) / self.step_).astype(int), 3))


class Places(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Sound: the mean target of each place; of a place never seen, the mean of all."""

    def _unseen(self) -> float:
        return self.mean_

    def _targets(self, X: Any, y: Any) -> Array:
        return np.asarray(y, dtype=float)

    def fit(self, X: Any, y: Any) -> Self:
        targets = self._targets(X, y)
        self.mean_ = float(np.nanmean(targets))
        places = X["place"].astype(str).to_numpy()
        self.means_ = {place: float(np.nanmean(targets[places == place])) for place in np.unique(places)}
        return self

    def predict(self, X: Any) -> Any:
        check_is_fitted(self)
        return np.array([self.means_.get(place, self._unseen()) for place in X["place"].astype(str)])


class UnseenIsZero(Places):
    def _unseen(self) -> float:
        return 0.0


class AlignsByTheIndex(Places):
    """The index of the inputs is made anew, that of the targets is not."""

    def _targets(self, X: Any, y: Any) -> Array:
        if not hasattr(y, "index"):
            return super()._targets(X, y)
        return np.asarray(X.reset_index(drop=True).assign(target=y)["target"].fillna(0.0), dtype=float)


class CodesOfThisBatch(Places):
    def fit(self, X: Any, y: Any) -> Self:
        return super().fit(X.assign(place=X["place"].astype("category").cat.codes), y)

    def predict(self, X: Any) -> Any:
        return super().predict(X.assign(place=X["place"].astype("category").cat.codes))


class Hashed(Line):
    """Sound: least squares on three quarters of the rows, which a hash of each row chooses."""

    def _solved(self, X: Array, y: Array) -> Array:
        order = np.argsort([zlib.crc32(row.tobytes()) for row in X], kind="stable")
        chosen = order[: max(3 * len(X) // 4, 1)]
        return super()._solved(X[chosen], y[chosen])


class Trimmed(Line):
    """Sound: least squares on the three quarters of the rows that it fits best, looked for from several starts."""

    def __init__(self, starts: int = 20, random_state: int = 0) -> None:
        self.starts = starts
        self.random_state = random_state

    def _solved(self, X: Array, y: Array) -> Array:
        generator, keep = np.random.default_rng(self.random_state), max(3 * len(X) // 4, 1)
        found = [self._from(X, y, generator.permutation(len(X))[:keep]) for _ in range(self.starts)]
        return min(found, key=lambda coefficients: np.sort((X @ coefficients - y) ** 2)[:keep].sum())

    def _from(self, X: Array, y: Array, rows: Array) -> Array:
        for _ in range(5):
            coefficients = super()._solved(X[rows], y[rows])
            rows = np.argsort((X @ coefficients - y) ** 2, kind="stable")[: len(rows)]
        return coefficients
