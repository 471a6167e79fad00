"""Laws on regimes of data and on what stands beside ``predict``: each finds its fault and spares the healthy twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_mlexp.contracts.driver import check_model
from tests.contracts import centroids_again as again
from tests.contracts.centroids import Array, Centroids
from tests.zoo.beside import SPECIMENS as BESIDE
from tests.zoo.regimes import SPECIMENS as REGIMES
from tests.zoo.several_targets import SPECIMENS as TARGETS

LAWS = {
    "members_aligned_at_the_end": "rare_class_anywhere",
    "steps_inclusive_at_predict": "whole_steps_are_learnt",
    "densities_multiplied": "many_columns_are_learnt",
    "rounds_for_good": "refit_forgets",
    "draws_among_neighbours": "ties_are_broken_alike",
    "bonus_not_saved": "copies_answer_alike",
    "bounds_of_the_first_fit": "further_methods",
    "bounds_turned_round": "further_methods_agree",
    "bounds_of_the_batch": "further_methods",
    "score_turned_round": "score_tells_quality",
    "score_without_weights": "score_tells_quality",
    "batches_without_weights": "weights_of_batches",
    "fits_those_listed": "nested_objects_stay",
    "scale_of_the_first_target": "every_given_target_counts",
    "batches_of_one_size": "partial_fit_accumulates",
    "lying_when_square": "every_given_target_counts",
    "spread_not_undone": "scale_of_targets",
}


@pytest.mark.parametrize(
    "specimen", [*REGIMES, *BESIDE, *TARGETS], ids=lambda specimen: f"{specimen.name}-{LAWS[specimen.name]}"
)
def test_the_law_finds_the_fault_and_spares_the_twin(specimen: Any) -> None:
    law = LAWS[specimen.name]
    (fault,) = check_model(specimen.broken(), laws=[law], declares=specimen.declares)
    assert fault.status == "failed", fault.message
    (twin,) = check_model(specimen.healthy(), laws=[law], declares=specimen.declares)
    assert twin.status == "passed", twin.message


class CloneByDefault(Centroids):
    def __sklearn_clone__(self) -> Centroids:
        return type(self)()


class OneForMinusOne(Centroids):
    def fit(self, X: Any, y: Any) -> Any:
        if isinstance(y, np.ndarray) and y.dtype.kind == "i" and set(np.unique(y)) == {-1, 1}:
            y[y == -1] = 0
        return super().fit(X, y)


class TieByPosition(Centroids):
    """Rows whose best classes are near each other get the first or the second, in turn."""

    def predict(self, X: Any) -> Array:
        order = np.argsort(-np.round(self.predict_proba(X), 1), axis=1, kind="stable")
        proba = np.take_along_axis(np.round(self.predict_proba(X), 1), order, axis=1)
        second = (np.arange(len(X)) % 2 == 1) & (proba[:, 0] == proba[:, 1])
        return np.asarray(self.classes_[order[np.arange(len(X)), second.astype(int)]])


class WeightsOfTwoClassesOnly(again.WeighsRows):
    def _weighed(self, values: Array, labels: Array, weights: Array) -> Any:
        some = len(np.unique(labels)) < 3
        return super()._weighed(values, labels, weights if some else np.ones_like(weights))


class LogarithmsOfThree(Centroids):
    """Sound but for two classes, where the logarithm is of the odds."""

    def predict_log_proba(self, X: Any) -> Array:
        proba = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return np.log(proba / proba[:, ::-1]) if proba.shape[1] == 2 else np.log(proba)


@pytest.mark.parametrize(
    ("broken", "sound", "law"),
    [
        (CloneByDefault, Centroids, "params_are_honest"),
        (OneForMinusOne, Centroids, "labels_keep_their_type"),
        (TieByPosition, Centroids, "ties_are_broken_alike"),
        (WeightsOfTwoClassesOnly, again.WeighsRows, "weights_are_counts"),
        (LogarithmsOfThree, None, "log_probabilities"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_a_fault_of_one_branch_is_found(broken: type[Any], sound: type[Any] | None, law: str) -> None:
    declares = {"task": "classification"}
    (fault,) = check_model(broken(), laws=[law], declares=declares)
    assert fault.status == "failed", fault.message
    if sound is not None:
        (twin,) = check_model(sound(), laws=[law], declares=declares)
        assert twin.status == "passed", twin.message
