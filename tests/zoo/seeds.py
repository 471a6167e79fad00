"""Seeds that are ignored, and global generators that are set or relied on."""

from __future__ import annotations

import random
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from pytest_mlexp.blocks.torch import TorchModel
from tests.zoo.classifying import Centroid
from tests.zoo.data import Array, blobs, differs, line
from tests.zoo.networks import Flexible, Train, network_classifier
from tests.zoo.regressing import RandomFeatures
from tests.zoo.specimen import Specimen

SEED = "same seed, same fit"
GLOBAL = "with a seed given, global random state is not depended on; it is never reset"


class SeedIgnored(RandomFeatures):
    def _draw(self, width: int) -> Array:
        return np.random.default_rng().normal(size=(width, self.size))


class SeedUsedUp(RandomFeatures):
    """The generator is made once, so that a second fit goes on where the first ended."""

    def _draw(self, width: int) -> Array:
        self._rng = getattr(self, "_rng", check_random_state(self.random_state))
        mixing: Array = self._rng.normal(size=(width, self.size))
        return mixing


class SeedsTheWorld(RandomFeatures):
    def _draw(self, width: int) -> Array:
        np.random.seed(self.random_state)  # noqa: NPY002 - this is the bug
        return np.random.normal(size=(width, self.size))  # noqa: NPY002 - this is the bug


class DrawsFromTheWorld(RandomFeatures):
    def _draw(self, width: int) -> Array:
        return super()._draw(width) + 0.5 * np.random.normal(size=(width, self.size))  # noqa: NPY002 - this is the bug


class DrawsFromPython(RandomFeatures):
    """Takes half of the random columns, chosen by Python's own generator."""

    def _draw(self, width: int) -> Array:
        mixing = super()._draw(width)
        mixing[:, random.sample(range(self.size), self.size // 2)] = 0
        return mixing


class SeedsPython(Centroid):
    """Breaks ties between equal centroids by chance, and seeds Python's generator for that."""

    def _learn(self, X: Array, codes: Array, weights: Array) -> Self:
        random.seed(0)
        super()._learn(X, codes, weights)
        self.tie_ = random.random()
        return self


class SeedsInPredict(RandomFeatures):
    def _values(self, X: Array) -> Array:
        np.random.seed(self.random_state)  # noqa: NPY002 - this is the bug
        return super()._values(X)


class RandomProjection(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Random directions, as many as columns."""

    def __init__(self, *, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        X = validate_data(self, X, dtype=np.float64)
        self.directions_ = self._generator().normal(size=(X.shape[1], X.shape[1]))
        return self

    def transform(self, X: Any) -> Array:
        check_is_fitted(self)
        projected: Array = validate_data(self, X, dtype=np.float64, reset=False) @ self.directions_
        return projected

    def _generator(self) -> Any:
        return np.random.default_rng(self.random_state)


class UnseededProjection(RandomProjection):
    def _generator(self) -> Any:
        return np.random


class TrainSeedsTorch(Train):
    def __call__(self, module: Any, X: Any, y: Any, device: str) -> None:
        torch.manual_seed(0)
        super().__call__(module, X, y, device)


def fits_differently(model: Any) -> bool:
    X, y = line()
    first = model.fit(X, y).predict(X)
    return differs(model.fit(X, y).predict(X), first)


def pipeline_fits_differently(model: Any) -> bool:
    X, y = blobs()
    first = model.fit(X, y).predict_proba(X)
    return differs(model.fit(X, y).predict_proba(X), first)


def resets_numpy(model: Any) -> bool:
    X, y = line()
    ends = set()
    for seed in (1, 2):
        np.random.seed(seed)  # noqa: NPY002 - the global one is meant
        model.fit(X, y).predict(X)
        ends.add(np.random.random())  # noqa: NPY002 - the global one is meant
    return len(ends) == 1


def resets_python(model: Any) -> bool:
    ends = set()
    for seed in (1, 2):
        random.seed(seed)
        model.fit(*blobs())
        ends.add(random.random())
    return len(ends) == 1


def resets_torch(model: Any) -> bool:
    ends = set()
    for seed in (1, 2):
        torch.manual_seed(seed)
        model.fit(*blobs(30))
        ends.add(float(torch.rand(())))
    return len(ends) == 1


SPECIMENS = (
    Specimen("seed_ignored", SEED, "regressor", SeedIgnored, RandomFeatures, demonstrate=fits_differently),
    Specimen("seed_used_up", SEED, "regressor", SeedUsedUp, RandomFeatures, demonstrate=fits_differently),
    Specimen("seeds_the_world", GLOBAL, "regressor", SeedsTheWorld, RandomFeatures, demonstrate=resets_numpy),
    Specimen("seeds_in_predict", GLOBAL, "regressor", SeedsInPredict, RandomFeatures, demonstrate=resets_numpy),
    Specimen(
        "draws_from_the_world", GLOBAL, "regressor", DrawsFromTheWorld, RandomFeatures, demonstrate=fits_differently
    ),
    Specimen("draws_from_python", GLOBAL, "regressor", DrawsFromPython, RandomFeatures, demonstrate=fits_differently),
    Specimen("seeds_python", GLOBAL, "classifier", SeedsPython, Centroid, demonstrate=resets_python),
    Specimen(
        "unseeded_projection",
        GLOBAL,
        "pipeline",
        lambda: make_pipeline(StandardScaler(), UnseededProjection(), LogisticRegression()),
        lambda: make_pipeline(StandardScaler(), RandomProjection(), LogisticRegression()),
        demonstrate=pipeline_fits_differently,
    ),
    Specimen(
        "training_seeds_torch",
        GLOBAL,
        "torch",
        lambda: TorchModel(Flexible(), TrainSeedsTorch()),
        network_classifier,
        demonstrate=resets_torch,
    ),
)
