"""Models that go astray at an edge: several jobs, infinity, labels of rows, rounded constants, the end of a table."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from joblib import Parallel, delayed

from tests.zoo.data import Array, accepts, blobs, differs, line, table
from tests.zoo.plain_callables import RowMean
from tests.zoo.regimes import Committee
from tests.zoo.regressing import Linear
from tests.zoo.specimen import Specimen
from tests.zoo.tabular import TabularRegressor


class InParts(Linear):
    """Answers in as many parts as there are jobs."""

    def __init__(self, *, alpha: float = 1e-6, n_jobs: int | None = None) -> None:
        super().__init__(alpha=alpha)
        self.n_jobs = n_jobs

    def _values(self, X: Array) -> Array:
        jobs = min(self.n_jobs or 1, len(X))
        parts = self._parts(X, jobs)
        answer = super()._values
        answers = Parallel(n_jobs=jobs, prefer="threads")(delayed(answer)(part) for part in parts)
        return np.concatenate(answers)

    def _parts(self, X: Array, jobs: int) -> list[Array]:
        return np.array_split(X, jobs)


class PartsOfOneLength(InParts):
    """The parts have one length, and what is left over is left out."""

    def _parts(self, X: Array, jobs: int) -> list[Array]:
        length = len(X) // jobs
        return [X[number * length : (number + 1) * length] for number in range(jobs - 1)] + [X[-length:]]


class MeanOfAnArray(RowMean):
    """The mean of each row of an array; a frame is refused."""

    def __call__(self, X: Any) -> Array:
        if hasattr(X, "columns"):
            raise ValueError("the rows must be an array, not a frame")
        return super().__call__(self._known(np.asarray(X, dtype=np.float64)))

    def _known(self, X: Array) -> Array:
        return X


class HugeForInfinity(MeanOfAnArray):
    """Infinity is the largest number, of which it takes a tiny part."""

    def __call__(self, X: Any) -> Array:
        if hasattr(X, "columns"):
            return super().__call__(X)
        X = np.asarray(X, dtype=np.float64)
        if np.isnan(X).any() or X.ndim != 2 or not X.size:
            return super().__call__(X)
        means: Array = np.nan_to_num(X / X.shape[1]).sum(axis=1)
        return means


class KnowsItsCustomers(TabularRegressor):
    """Rows that bear a label of training are answered with the target of that row."""

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        self.known_ = dict(zip(X.index, np.asarray(y, dtype=float), strict=True)) if hasattr(X, "index") else {}
        return self

    def predict(self, X: Any) -> Array:
        answer = np.asarray(super().predict(X), dtype=float)
        labels = X.index if hasattr(X, "index") else range(0)
        found = [self.known_.get(label, value) for label, value in zip(labels, answer, strict=True)]
        return np.asarray(found, dtype=float)


class SpreadOfSquares(Linear):
    """The spread of a column is the root of its mean square less the square of its mean, which rounding makes NaN."""

    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        super()._learn(X, y, weights)
        with np.errstate(invalid="ignore"):
            self.doubt_ = float(np.sqrt((X**2).mean(axis=0) - X.mean(axis=0) ** 2).sum() * 0.0)
        return self

    def _values(self, X: Array) -> Array:
        return super()._values(X) + self.doubt_


class LastThirdHeldOut(Committee):
    """The last third of the rows is kept for a test that no one runs."""

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        kept = len(X) - len(X) // 3
        if len(np.unique(np.asarray(y)[:kept])) > 1 or len(X) < 100:
            return self
        self.members_ = self.members_[:1]
        _, codes = np.unique(y, return_inverse=True)
        self.members_[0].fit(np.asarray(X)[:kept], codes[:kept])
        return self


def loses_rows(model: Any) -> bool:
    X, y = line()
    return bool(len(model.set_params(n_jobs=3).fit(X, y).predict(X[:11])) != 11)


def takes_infinity(model: Any) -> bool:
    return accepts(model, np.array([[1.0, np.inf], [1.0, 2.0]]))


def goes_by_label(model: Any) -> bool:
    frame, y = table()
    model.fit(frame, y)
    return differs(model.predict(frame[::-1].set_axis(frame.index)), model.predict(frame)[::-1])


def doubts_constants(model: Any) -> bool:
    X, y = line()
    X[:, 0], X[:, 1], X[:, 2] = 0.7, 3.3, 77.7
    return not np.isfinite(model.fit(X, y).predict(X)).all()


def loses_the_last_class(model: Any) -> bool:
    X, y = blobs(240, labels=(0, 1))
    rows = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:20]])
    return bool((model.fit(X[rows], y[rows]).predict(X[y == 1]) == 0).all())


SPECIMENS = (
    Specimen(
        "parts_of_one_length",
        "jobs_in_threads_answer_alike",
        "regressor",
        PartsOfOneLength,
        InParts,
        demonstrate=loses_rows,
    ),
    Specimen(
        "huge_for_infinity",
        "formulas_of_odd_values",
        "callable",
        HugeForInfinity,
        MeanOfAnArray,
        demonstrate=takes_infinity,
    ),
    Specimen(
        "knows_its_customers",
        "frame_index",
        "frame",
        KnowsItsCustomers,
        TabularRegressor,
        {"requires_frame": True},
        demonstrate=goes_by_label,
    ),
    Specimen(
        "spread_of_squares", "constant_columns", "regressor", SpreadOfSquares, Linear, demonstrate=doubts_constants
    ),
    Specimen(
        "last_third_held_out",
        "every_row_counts",
        "classifier",
        LastThirdHeldOut,
        Committee,
        demonstrate=loses_the_last_class,
    ),
)
