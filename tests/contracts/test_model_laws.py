"""Each law finds the fault it is for, and a sound model breaks none."""

from __future__ import annotations

import pytest

from pytest_mlexp.contracts.driver import check_model
from tests.contracts import centroids, centroids_beside
from tests.contracts.centroids import Centroids

FAULTS: dict[type[Centroids], str] = {
    centroids.ScalesByTheBatch: "batch_vs_rows",
    centroids.DropsTheLastChunk: "large_batch",
    centroids.ChangesItsInputs: "inputs_unchanged",
    centroids.RemembersByShape: "row_order",
    centroids.KeepsItsOutput: "repeated_predict",
    centroids.AddsUpFits: "refit_forgets",
    centroids.SharesItsMeans: "instances_do_not_share",
    centroids.CountsClasses: "labels_keep_their_type",
    centroids.CutsWords: "labels_keep_their_type",
    centroids.NotOne: "probabilities",
    centroids.MixedUpColumns: "best_score_is_predicted",
    centroids.Overflows: "probabilities",
    centroids.TakesAnyNumber: "odd_values_at_predict",
    centroids.TakesAnyWidth: "wrong_width",
    centroids.ReadsTheIndex: "frame_index",
    centroids_beside.SeedsEverything: "global_random_state",
    centroids_beside.Guesses: "same_seed_same_fit",
    centroids_beside.SilencesNumpy: "global_settings",
    centroids_beside.TunesItself: "params_survive_fit",
    centroids_beside.ReadsParamsOnce: "set_params_takes_effect",
    centroids_beside.IgnoresTheLastColumn: "every_column_counts",
    centroids_beside.FirstHundredRows: "every_row_counts",
    centroids_beside.HidesStateInAModule: "loads_in_another_process",
    centroids_beside.HashesWords: "fits_alike_in_another_process",
    centroids_beside.NotForThreads: "threads_answer_alike",
    centroids_beside.WritesADiary: "memory_is_bounded",
    centroids_beside.DividesByTheSpread: "constant_columns",
    centroids_beside.CannotBeAlone: "one_class",
    centroids_beside.NoticesNothing: "refused_before_fit",
    centroids_beside.WholeNumbersWrap: "whole_numbers",
}


def test_a_sound_model_breaks_no_law() -> None:
    records = check_model(Centroids(), declares={"task": "classification"})
    assert not [record.message for record in records if not record]
    assert sum(record.status == "passed" for record in records) > 45


@pytest.mark.parametrize(("model", "law"), FAULTS.items(), ids=[model.__name__ for model in FAULTS])
def test_a_fault_breaks_the_law_it_is_against(model: type[Centroids], law: str) -> None:
    (record,) = check_model(model(), laws=[law], declares={"task": "classification"})
    assert record.status == "failed", record.message
    assert "expected: " in record.message
    assert "seen: " in record.message
