"""Clones that are fitted, and parameters that are not what they say."""

from __future__ import annotations

import copy
from typing import Any, Self

from sklearn.base import clone

from tests.zoo.classifying import Centroid
from tests.zoo.data import Array, accepts, blobs, differs, line
from tests.zoo.regressing import Linear, Nearest
from tests.zoo.specimen import Specimen

CLONE = "a clone of a fitted model is unfitted and equal in parameters"
PARAMS = "parameters are honest (get/set, not changed by fit)"


class CloneIsFitted(Centroid):
    def __sklearn_clone__(self) -> Self:
        return copy.deepcopy(self)


class ParamClipped(Linear):
    def __init__(self, *, alpha: float = 1e-6) -> None:
        super().__init__(alpha=max(alpha, 1e-3))


class ParamChangedByFit(Nearest):
    """``k`` shrinks to the rows there are, and stays so."""

    def fit(self, X: Any, y: Any) -> Self:
        super().fit(X, y)
        self.k = min(self.k, len(self.rows_))
        return self


class ParamWithoutEffect(Centroid):
    """What follows from a parameter is worked out once, in the constructor."""

    def __init__(self, *, sharpness: float = 1.0) -> None:
        super().__init__(sharpness=sharpness)
        self.factor = sharpness

    def _scores(self, X: Array) -> Array:
        return super()._scores(X) / self.sharpness * self.factor


class ParamLostInClone(Centroid):
    """Takes its options by name, and get_params finds none in the signature."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)


def clones_fitted(model: Any) -> bool:
    X, y = blobs()
    return accepts(clone(model.fit(X, y)).predict, X)


def clips(model: Any) -> bool:
    return bool(type(model)(alpha=1e-9).get_params()["alpha"] != 1e-9)


def changes_k(model: Any) -> bool:
    X, y = line()
    return bool(model.fit(X[:2], y[:2]).get_params() != type(model)().get_params())


def ignores_set_params(model: Any) -> bool:
    X, y = blobs()
    made = type(model)(sharpness=5.0).fit(X, y).predict_proba(X)
    return differs(model.set_params(sharpness=5.0).fit(X, y).predict_proba(X), made)


def loses_param(model: Any) -> bool:
    X, y = blobs()
    return differs(clone(model).fit(X, y).predict_proba(X), model.fit(X, y).predict_proba(X))


SPECIMENS = (
    Specimen("clone_is_fitted", CLONE, "classifier", CloneIsFitted, Centroid, demonstrate=clones_fitted),
    Specimen(
        "param_lost_in_clone",
        CLONE,
        "classifier",
        lambda: ParamLostInClone(sharpness=3.0),
        lambda: Centroid(sharpness=3.0),
        demonstrate=loses_param,
    ),
    Specimen("param_clipped", PARAMS, "regressor", ParamClipped, Linear, demonstrate=clips),
    Specimen("param_changed_by_fit", PARAMS, "regressor", ParamChangedByFit, Nearest, demonstrate=changes_k),
    Specimen(
        "param_without_effect", PARAMS, "classifier", ParamWithoutEffect, Centroid, demonstrate=ignores_set_params
    ),
)
