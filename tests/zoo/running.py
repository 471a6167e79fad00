"""Models that are not safe in threads, or need more with every call."""

from __future__ import annotations

import pickle
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, Self

import numpy as np

from tests.zoo.classifying import Centroid
from tests.zoo.data import Array, blobs, differs, line
from tests.zoo.regressing import Linear, Nearest
from tests.zoo.specimen import Specimen
from tests.zoo.wording import TEXT_SCHEMA, Words

THREADS = "threads and processes give what a sequential run gives"
GROWTH = "time and memory do not grow call by call"


class ScratchShared(Linear):
    """The standardised rows lie in an attribute while they are worked on."""

    def _values(self, X: Array) -> Array:
        self._scratch = self._standard(X)
        time.sleep(0.0005)  # stands for work that lets other threads run, as a call into C does
        values: Array = self.offset_ + self._scratch @ self.coef_
        return values


class ChunksCollected(Nearest):
    """Collects the values of the rows in a list of the instance."""

    def _values(self, X: Array) -> Array:
        self._found: list[float] = []
        for row in self._standard(X):
            self._found.append(self._value(row))
            time.sleep(0)
        return np.resize(np.array(self._found), len(X))


class ChunksAsCompleted(Linear):
    """Chunks go to threads and are put together as they come back; the first is made to come last."""

    def _values(self, X: Array) -> Array:
        chunks = [chunk for chunk in np.array_split(X, 4) if len(chunk)]
        found: list[Array] = []
        others = Barrier(min(len(chunks), 2), timeout=10)

        def work(place: int) -> None:
            if place == 0:
                others.wait()
            found.append(super(ChunksAsCompleted, self)._values(chunks[place]))
            if place == 1:
                others.wait()

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(work, range(len(chunks))))
        return np.concatenate(found)


class KeepsEveryBatch(Centroid):
    """Keeps what it was asked, for a report that nobody reads."""

    def _learn(self, X: Array, codes: Array, weights: Array) -> Self:
        self.asked_: list[Array] = []
        return super()._learn(X, codes, weights)

    def _inputs(self, X: Any) -> Array:
        rows = super()._inputs(X)
        self.asked_.append(rows.copy())
        return rows


class KeepsEveryWord(Words):
    """Unknown words get a place of their own, which no prediction ever reads."""

    def _place(self, word: str) -> int | None:
        place = super()._place(word)
        if place is None:
            self.__dict__.setdefault("unknown_", []).append(f"{word} at {time.monotonic_ns()}" * 20)
        return place


class CallbackPerCall(Linear):
    """Registers its check again with every call, and each call runs all of them."""

    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        self.checks_: list[str] = []
        return super()._learn(X, y, weights)

    def _values(self, X: Array) -> Array:
        self.checks_.append("isfinite")
        for check in self.checks_:
            getattr(np, check)(X).all()
        return super()._values(X)


def mixes_threads_up(model: Any) -> bool:
    X, y = line()
    model.fit(X, y)
    batches = [(number + 1) * X[:20] for number in range(8)] * 8
    expected = [model.predict(batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        return any(differs(one, other) for one, other in zip(pool.map(model.predict, batches), expected, strict=True))


def mixes_chunks_up(model: Any) -> bool:
    X, y = line()
    model.fit(X, y)
    return differs(model.predict(X)[:1], model.predict(X[:1]))


def size_grows(model: Any) -> bool:
    X, y = blobs()
    model.fit(X, y).predict(X)
    before = len(pickle.dumps(model))
    for _ in range(20):
        model.predict(X)
    return len(pickle.dumps(model)) > before


def size_grows_with_texts(model: Any) -> bool:
    model.fit(["one", "two"], ["a", "b"]).predict(["three"])
    before = len(pickle.dumps(model))
    for _ in range(20):
        model.predict(["three"])
    return len(pickle.dumps(model)) > before


def work_grows(model: Any) -> bool:
    """Count steps of the interpreter, which no other process can slow down."""
    X, y = line()
    model.fit(X, y)
    return _calls(model.predict, X) < _calls_after(model.predict, X, times=50)


def _calls_after(predict: Any, X: Array, *, times: int) -> int:
    for _ in range(times):
        predict(X)
    return _calls(predict, X)


def _calls(predict: Any, X: Array) -> int:
    seen = 0

    def count(*_: Any) -> None:
        nonlocal seen
        seen += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        predict(X)
    finally:
        sys.setprofile(before)
    return seen


SPECIMENS = (
    Specimen("scratch_shared", THREADS, "regressor", ScratchShared, Linear, demonstrate=mixes_threads_up),
    Specimen("chunks_collected", THREADS, "regressor", ChunksCollected, Nearest, demonstrate=mixes_threads_up),
    Specimen("chunks_as_completed", THREADS, "regressor", ChunksAsCompleted, Linear, demonstrate=mixes_chunks_up),
    Specimen("keeps_every_batch", GROWTH, "classifier", KeepsEveryBatch, Centroid, demonstrate=size_grows),
    Specimen(
        "keeps_every_word",
        GROWTH,
        "text",
        KeepsEveryWord,
        Words,
        {"schema": TEXT_SCHEMA},
        demonstrate=size_grows_with_texts,
    ),
    Specimen("callback_per_call", GROWTH, "regressor", CallbackPerCall, Linear, demonstrate=work_grows),
)
