"""Instances that share what each should have for itself."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np

from tests.zoo.classifying import Centroid
from tests.zoo.data import Array, blobs, differs, line
from tests.zoo.regressing import Linear, Plain
from tests.zoo.specimen import Specimen

APART = "two instances do not share state"


class SharedBetweenInstances(Plain):
    """The memory of rows is an attribute of the class."""

    memory: ClassVar[dict[str, Array]] = {}

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        self.memory.update(rows=self.rows, targets=self.targets)
        return self

    def predict(self, X: Any) -> Array:
        if hasattr(self, "rows") and self.memory:
            self.rows, self.targets = self.memory["rows"], self.memory["targets"]
        return super().predict(X)


_COEFFICIENTS: dict[str, Array] = {}


class SharedInModule(Linear):
    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        super()._learn(X, y, weights)
        _COEFFICIENTS["last"] = self.coef_
        return self

    def _values(self, X: Array) -> Array:
        coef = _COEFFICIENTS.get("last", self.coef_)
        values: Array = self.offset_ + self._standard(X) @ (coef if coef.shape == self.coef_.shape else self.coef_)
        return values


class MutableDefault(Centroid):
    """Every instance appends to the list that stands in the signature."""

    def __init__(self, *, sharpness: float = 1.0, history: list[float] = []) -> None:  # noqa: B006 - this is the bug
        super().__init__(sharpness=sharpness)
        self.history = history

    def _learn(self, X: Array, codes: Array, weights: Array) -> Self:
        super()._learn(X, codes, weights)
        self.history.append(float(np.abs(self.centroids_).mean()))
        self.centroids_ = self.centroids_ * (1 + 0.2 * (len(self.history) - 1))
        return self


def leaks(model: Any) -> bool:
    X, y = line()
    model.fit(X, y)
    before = model.predict(X)
    type(model)().fit(X, -3 * y)
    return differs(model.predict(X), before)


def leaks_by_default(model: Any) -> bool:
    X, y = blobs()
    first = model.fit(X, y).predict_proba(X)
    return differs(type(model)().fit(X, y).predict_proba(X), first)


SPECIMENS = (
    Specimen(
        "state_in_class_attribute",
        APART,
        "regressor",
        SharedBetweenInstances,
        Plain,
        demonstrate=leaks,
    ),
    Specimen("state_in_module", APART, "regressor", SharedInModule, Linear, demonstrate=leaks),
    Specimen(
        "mutable_default",
        APART,
        "classifier",
        MutableDefault,
        Centroid,
        demonstrate=leaks_by_default,
    ),
)
