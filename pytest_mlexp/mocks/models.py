"""Models that do one thing, well or wrongly, whatever they are given.

Good ones, to test what stands around a model: ``Perfect`` (knows the answers; for evaluators), ``Constant`` (the
floor), ``Random`` (a seed and a row give a prediction; for statistics and gates), ``Noisy`` (another model, sometimes
wrong; for gates between good and bad).

Broken ones wrap a good one, to test that the trouble is reported and the rest goes on: ``Slow``, ``Failing``,
``OutOfMemory``, and with the faults that contracts must find ``WrongShape``, ``Mutating``, ``Leaking``, ``Unseeded``,
``Forgetful``.

All can be pickled. Inputs may be arrays, frames or lists of anything.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from pytest_mlexp.blocks.splitting import is_a, row_count
from pytest_mlexp.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

    from pytest_mlexp.blocks.dataset import Dataset

Moment = Literal["fit", "predict"]


class Perfect:
    """Predicts the true targets of a dataset's rows, which it knows; fit does nothing.

    Use it for the best value that an evaluator can give. Rows are found by what they hold, so their order and
    the split do not matter.

    Raises:
        DataError: the dataset has no targets; when predicting, a row that the dataset does not hold.
    """

    def __init__(self, dataset: Dataset) -> None:
        if dataset.y is None:
            raise DataError("mocks.models.Perfect needs a dataset with targets, this one has none")
        self.answers = _as_array(dataset.y)
        self.places = {key: place for place, key in enumerate(_keys(dataset.X))}

    def fit(self, X: Any, y: Any) -> Self:  # noqa: ARG002 - the protocol of a model
        """Return the model as it is."""
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the targets of these rows."""
        places = [self.places.get(key) for key in _keys(X)]
        if None in places:
            raise DataError(f"mocks.models.Perfect does not know row {places.index(None)}: it is not in its dataset")
        return self.answers[np.array(places, dtype=np.intp)]


class Constant:
    """Predicts one value: ``value``, or the most frequent label or mean of the training targets.

    Use it for the floor that every real model must beat, and for code that divides by a spread of zero.
    """

    def __init__(self, value: Any = None) -> None:
        self.value = value

    def fit(self, X: Any, y: Any) -> Self:  # noqa: ARG002 - the protocol of a model
        """Remember the most frequent label, or the mean of numbers with a fraction."""
        found = _as_array(y)
        if found.dtype.kind == "f":
            self.value_ = found.mean(axis=0)
        else:
            labels, counts = np.unique(found, return_counts=True)
            self.value_ = labels[counts.argmax()]
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the value, once a row."""
        chosen = self.value_ if self.value is None else self.value
        return _as_array([chosen] * row_count(X, what="X"))


class Random:
    """Predicts one of the training targets at random, the same for the same row and seed.

    Use it where predictions must vary and mean nothing, and yet a rerun, another order or another batch must
    give the same. With ``seed`` 0 to 9 it stands for ten models that are equally good.
    """

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed

    def fit(self, X: Any, y: Any) -> Self:  # noqa: ARG002 - the protocol of a model
        """Remember the targets."""
        self.targets_ = _as_array(y)
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return a training target for each row."""
        draws = _draws(X, self.seed)
        return self.targets_[(draws * len(self.targets_)).astype(np.intp)]


class Wrapped:
    """Another model, passed through; the base of the models below."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the inner model."""
        self.inner.fit(X, y)
        return self

    def predict(self, X: Any) -> Any:
        """Predict with the inner model."""
        return self.inner.predict(X)

    @property
    def predict_proba(self) -> Callable[[Any], Any]:
        """The inner model's method, where it has one."""
        method: Callable[[Any], Any] = self.inner.predict_proba
        return method


class Noisy(Wrapped):
    """Another model that predicts a random training target in ``share`` of the rows, always in the same ones.

    Use it to make two models of which one is worse by a known amount, for gates and statistics.
    """

    def __init__(self, inner: Any, *, share: float = 0.1, seed: int = 0) -> None:
        super().__init__(inner)
        self.share = share
        self.seed = seed

    def fit(self, X: Any, y: Any) -> Self:
        """Fit the inner model, and remember targets to be wrong with."""
        self.noise_ = Random(self.seed + 1).fit(X, y)
        return super().fit(X, y)

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return the inner model's predictions, some replaced by a random training target."""
        predicted = _as_array(super().predict(X))
        wrong = _draws(X, self.seed) < self.share
        return np.where(wrong.reshape((-1,) + (1,) * (predicted.ndim - 1)), self.noise_.predict(X), predicted)


class Slow(Wrapped):
    """Another model that takes its time; for timeouts, progress and parallel runs."""

    def __init__(self, inner: Any, *, fit_seconds: float = 0.1, predict_seconds: float = 0.1) -> None:
        super().__init__(inner)
        self.fit_seconds = fit_seconds
        self.predict_seconds = predict_seconds

    def fit(self, X: Any, y: Any) -> Self:
        """Wait, then fit."""
        time.sleep(self.fit_seconds)
        return super().fit(X, y)

    def predict(self, X: Any) -> Any:
        """Wait, then predict."""
        time.sleep(self.predict_seconds)
        return super().predict(X)


class Failing(Wrapped):
    """Another model that raises at ``fit`` or at ``predict``; for reports, and for what must go on all the same."""

    def __init__(self, inner: Any, *, at: Moment = "fit", error: BaseException | None = None) -> None:
        super().__init__(inner)
        self.at = at
        self.error = RuntimeError(f"this mock model fails at {at}") if error is None else error

    def fit(self, X: Any, y: Any) -> Self:
        """Raise the error, or fit."""
        if self.at == "fit":
            raise self.error
        return super().fit(X, y)

    def predict(self, X: Any) -> Any:
        """Raise the error, or predict."""
        if self.at == "predict":
            raise self.error
        return super().predict(X)


class OutOfMemory(Failing):
    """Another model that runs out of memory at ``fit`` or at ``predict``, without using any."""

    def __init__(self, inner: Any, *, at: Moment = "fit") -> None:
        super().__init__(inner, at=at, error=MemoryError(f"this mock model runs out of memory at {at}"))


class WrongShape(Wrapped):
    """Another model whose predictions stand in one column, shape ``(rows, 1)``."""

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return a column of predictions."""
        return _as_array(super().predict(X)).reshape(-1, 1)


class Mutating(Wrapped):
    """Another model that turns the rows of its input around, in place, after predicting."""

    def predict(self, X: Any) -> Any:
        """Predict, then change ``X``."""
        predicted = super().predict(X)
        if is_a(X, "pandas", "DataFrame", "Series"):
            X.iloc[:] = X.iloc[::-1].to_numpy()
        else:
            X[:] = X[::-1].copy()
        return predicted


class Leaking(Wrapped):
    """A model all instances of which predict as the one that was fitted last."""

    fitted: ClassVar[dict[str, Any]] = {}

    def fit(self, X: Any, y: Any) -> Self:
        """Fit for all instances."""
        super().fit(X, y)
        self.fitted["last"] = self.inner
        return self

    def predict(self, X: Any) -> Any:
        """Predict with what was fitted last."""
        return self.fitted["last"].predict(X)


class Unseeded(Random):
    """Predicts one of the training targets at random, and another one the next time."""

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Return targets drawn from entropy."""
        places = np.random.default_rng().integers(len(self.targets_), size=row_count(X, what="X"))
        return self.targets_[places]


class Forgetful(Wrapped):
    """Another model that has forgotten its fit when it comes back from pickle."""

    def __getstate__(self) -> dict[str, Any]:
        """Leave out all that fit made."""
        kept = {name: value for name, value in vars(self.inner).items() if not name.endswith("_")}
        fresh = object.__new__(type(self.inner))
        vars(fresh).update(kept)
        return {**vars(self), "inner": fresh}


def _as_array(values: Any) -> npt.NDArray[Any]:
    if isinstance(values, list | tuple) and any(isinstance(value, list | tuple | dict) for value in values):
        found = np.empty(len(values), dtype=object)
        found[:] = values
        return found
    return np.asarray(values)


def _keys(X: Any) -> list[bytes]:
    """One digest a row, of what it holds; the same for a row in any batch."""
    if is_a(X, "pandas", "DataFrame"):
        rows = X.itertuples(index=False, name=None)
    else:
        rows = X.tolist() if isinstance(X, np.ndarray) else X
    return [blake2b(repr(row).encode(), digest_size=8).digest() for row in rows]


def _draws(X: Any, seed: int) -> npt.NDArray[np.float64]:
    """One number from 0 to 1 a row, of the row and the seed alone."""
    salt = str(seed).encode()
    numbers = [int.from_bytes(blake2b(key, digest_size=8, salt=salt[:16]).digest()) for key in _keys(X)]
    return np.array(numbers, dtype=np.float64) / 2**64 * (1 - 2**-53)
