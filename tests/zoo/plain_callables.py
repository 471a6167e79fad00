"""Plain callables, inputs -> predictions: made by factories, as a team would declare them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tests.zoo.data import Array, differs, line
from tests.zoo.numbers import refuse_extremes
from tests.zoo.specimen import Specimen
from tests.zoo.wording import TEXT_SCHEMA

ROWS = "batch equals row by row"
COUNT = "predictions have the right row count"
AGAIN = "predicting twice changes nothing"
Texts = Callable[[Sequence[str]], list[str]]
Numbers = Callable[[Any], Array]


def matrix(X: Any) -> Array:
    values = np.array(X, dtype=np.float64)
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"X must be a table of finite numbers, not of shape {values.shape}")
    return refuse_extremes(values, name="X")


def row_mean(X: Any) -> Array:
    means: Array = matrix(X).mean(axis=1)
    return means


class RowMean:
    """Healthy: the mean of each row."""

    def __call__(self, X: Any) -> Array:
        return row_mean(X)


class MeanOfTheCalls(RowMean):
    """Adds each call's level to a list and takes the list's mean off."""

    def __init__(self) -> None:
        self.levels: list[float] = []

    def __call__(self, X: Any) -> Array:
        means = super().__call__(X)
        self.levels.append(float(means.mean()))
        return means - sum(self.levels) / len(self.levels) + self.levels[0]


class ShareOfBatch(RowMean):
    def __call__(self, X: Any) -> Array:
        means = super().__call__(X)
        largest = np.abs(means).max()
        return means / largest if largest > 1 and len(means) > 1 else means


class CentresWhatCame(RowMean):
    def __call__(self, X: Any) -> Array:
        means = super().__call__(X)
        if isinstance(X, np.ndarray) and X.dtype == np.float64 and X.flags.writeable:
            X -= means[:, None]
        return means


class FloatOfOneRow(RowMean):
    def __call__(self, X: Any) -> Any:
        means = super().__call__(X)
        return float(means[0]) if len(means) == 1 else means


class RowsPairedWrongly(RowMean):
    """Reads the table as columns first, so that cells of other rows get in."""

    def __call__(self, X: Any) -> Array:
        table = matrix(X)
        return super().__call__(table.ravel(order="F").reshape(table.shape))


class StreamUsedUp(RowMean):
    """The weights come from a generator, which the first call uses up."""

    def __init__(self) -> None:
        self.weights: Iterator[float] = iter([0.0])

    def __call__(self, X: Any) -> Array:
        return super().__call__(X) + sum(1.0 for _ in self.weights)


def tidy(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().lower()


def _checked(X: Any) -> list[str]:
    if isinstance(X, str) or not hasattr(X, "__len__") or not all(isinstance(text, str) for text in X):
        raise ValueError("X must be a sequence of strings")
    return list(X)


class Tidy:
    """Healthy: each text in lower case and with single spaces."""

    def __call__(self, X: Any) -> list[str]:
        return [tidy(text) for text in _checked(X)]


class EmptyTextsDropped(Tidy):
    def __call__(self, X: Any) -> list[str]:
        return [text for text in super().__call__(X) if text]


class RepeatedTextsDropped(Tidy):
    def __call__(self, X: Any) -> list[str]:
        return list(dict.fromkeys(super().__call__(X)))


class SortedByLength(Tidy):
    """Sorts by length so that batches need little padding, and forgets to put the texts back."""

    def __call__(self, X: Any) -> list[str]:
        return sorted(super().__call__(X), key=len)


class CutToTheShortest(Tidy):
    """All texts of a batch are cut to the length of its first one."""

    def __call__(self, X: Any) -> list[str]:
        found = super().__call__(X)
        return [text[: max(len(found[0]), 3)] for text in found]


class AnswersRemembered(Tidy):
    """Remembers answers by the first word."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def __call__(self, X: Any) -> list[str]:
        return [self.known.setdefault(text[:4], text) for text in super().__call__(X)]


def numbers_depend_on_batch(model: Numbers) -> bool:
    X = line()[0]
    rows = np.concatenate([np.atleast_1d(model(3 * X[row : row + 1])) for row in range(len(X))])
    return differs(model(3 * X), rows)


def numbers_change(model: Numbers) -> bool:
    X = line()[0]
    first = model(X)
    model(X + 5)
    return differs(model(X), first)


def changes_its_input(model: Numbers) -> bool:
    X = line()[0]
    model(X)
    return bool((line()[0] != X).any())


def has_no_length(model: Numbers) -> bool:
    return np.shape(model(line()[0][:1])) != (1,)


def texts_depend_on_batch(model: Texts) -> bool:
    X = ["a  short text", "", "a much longer text", "Ab", "a  short text"]
    alone: list[str | None] = [next(iter(model([text])), None) for text in X]
    return model(X) != alone


def texts_change(model: Texts) -> bool:
    model(["catalogue", "dogma"])
    return model(["catalysis"]) != ["catalysis"]


def _numbers(name: str, law: str, broken: Any, shows: Any) -> Specimen:
    return Specimen(name, law, "callable", broken, RowMean, demonstrate=shows)


def _texts(name: str, law: str, broken: Any, shows: Any) -> Specimen:
    return Specimen(name, law, "callable", broken, Tidy, {"schema": TEXT_SCHEMA}, demonstrate=shows)


SPECIMENS = (
    _numbers("mean_of_the_calls", AGAIN, MeanOfTheCalls, numbers_change),
    _numbers("share_of_batch", ROWS, ShareOfBatch, numbers_depend_on_batch),
    _numbers("centres_what_came", "inputs are never changed", CentresWhatCame, changes_its_input),
    _numbers("float_of_one_row", COUNT, FloatOfOneRow, has_no_length),
    _numbers("rows_paired_wrongly", ROWS, RowsPairedWrongly, numbers_depend_on_batch),
    _numbers("stream_used_up", AGAIN, StreamUsedUp, numbers_change),
    _texts("empty_texts_dropped", COUNT, EmptyTextsDropped, texts_depend_on_batch),
    _texts("repeated_texts_dropped", COUNT, RepeatedTextsDropped, texts_depend_on_batch),
    _texts("sorted_by_length", ROWS, SortedByLength, texts_depend_on_batch),
    _texts("cut_to_the_first", ROWS, CutToTheShortest, texts_depend_on_batch),
    _texts("answers_remembered", AGAIN, AnswersRemembered, texts_change),
)
