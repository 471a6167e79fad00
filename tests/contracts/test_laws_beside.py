"""Laws on regimes of data and on what stands beside ``predict``: each finds its fault and spares the healthy twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_mlexp.contracts.driver import check_model
from tests.contracts import centroids_again as again
from tests.contracts.centroids import Array, Centroids
from tests.zoo.beside import SPECIMENS as BESIDE
from tests.zoo.edges import SPECIMENS as EDGES
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
    "parts_of_one_length": "jobs_in_threads_answer_alike",
    "huge_for_infinity": "formulas_of_odd_values",
    "knows_its_customers": "frame_index",
    "spread_of_squares": "constant_columns",
    "last_third_held_out": "every_row_counts",
}


@pytest.mark.parametrize(
    "specimen", [*REGIMES, *BESIDE, *EDGES, *TARGETS], ids=lambda specimen: f"{specimen.name}-{LAWS[specimen.name]}"
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
        (WeightsOfTwoClassesOnly, again.WeighsRows, "no_weight_is_absent"),
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


def of_an_array(X: Any) -> Array:
    if hasattr(X, "columns"):
        raise ValueError("the rows must be an array, not a frame")
    return np.asarray(X[:, 0] + X[:, 1])


def of_anything_with_commas(X: Any) -> Array:
    return np.asarray(X[:, 0] + X[:, 1])


@pytest.mark.parametrize("model", [of_an_array, of_anything_with_commas])
@pytest.mark.parametrize("law", ["frame_index", "frame_and_array"])
def test_a_function_of_arrays_need_not_take_frames(model: Any, law: str) -> None:
    X = np.random.default_rng(0).normal(size=(60, 2))
    (record,) = check_model(model, laws=[law], declares={"data": (X, X.sum(axis=1)), "task": "regression"})
    assert record.status == "not_applicable", record.message


class FewBins(Centroids):
    """Sees of each column whether it lies above its median, so nothing where more than half of it is its largest."""

    def fit(self, X: Any, y: Any) -> Any:
        self.middle = np.median(np.asarray(X, dtype=float), axis=0)
        return super().fit(np.asarray(X) > self.middle, y)

    def predict_proba(self, X: Any) -> Array:
        return super().predict_proba(np.asarray(X) > self.middle)


class NearOnly(Centroids):
    """Knows only what lies within a fixed distance, however many columns there are."""

    def predict_proba(self, X: Any) -> Array:
        proba = super().predict_proba(X)
        far = np.asarray(X).shape[1] > 100 and (np.asarray(X) ** 2).sum(axis=1) > 25
        return np.asarray(np.where(np.reshape(far, (-1, 1)), 1 / proba.shape[1], proba))


@pytest.mark.parametrize(("model", "law"), [(FewBins, "whole_steps_are_learnt"), (NearOnly, "many_columns_are_learnt")])
def test_what_a_model_cannot_see_is_no_fault(model: type[Any], law: str) -> None:
    (record,) = check_model(model(), laws=[law], declares={"task": "classification"})
    assert record.status == "passed", record.message
