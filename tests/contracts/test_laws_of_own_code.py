"""Laws on faults of a team's own code: each finds its fault and spares the healthy twin."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mlexp.contracts.driver import check_model
from tests.contracts import own_code as own
from tests.contracts.centroids import Centroids

CLASSIFIES = {"task": "classification"}


@pytest.mark.parametrize(
    ("broken", "sound", "law"),
    [
        (own.ZeroIsNoSeed(), own.Sampled(), "zero_is_a_seed"),
        (own.DrawsAgain(), own.Sampled(), "unseeded_fit_is_kept"),
        (own.ForgetsTheOne(), own.Logarithms(), "level_of_targets"),
        (own.LargestIsBeyond(), own.Binned(), "ends_belong_to_the_range"),
        (own.QuotaOfTheBatch(), Centroids(), "two_classes_row_by_row"),
        (own.SoftmaxTwice(), Centroids(), "probabilities_of_scores"),
        (own.OneScratchForAll(), Centroids(), "threads_answer_alike"),
        (own.LeavesOneOut(), Centroids(), "large_batch"),
        (own.KeepsSmallIntegers(), Centroids(), "whole_numbers_at_fit"),
        (own.RemembersConstants(), Centroids(), "params_survive_fit"),
        (own.SharpAfterPredict(), Centroids(), "repeated_predict"),
        (own.CodesOfTheBatch(), own.Words(), "words_of_the_batch"),
        (own.scaled(own.ScalesAtOnce()), own.scaled(own.Scaler()), "steps_transform_alike"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_fault_of_own_code_is_found_and_its_twin_spared(broken: Any, sound: Any, law: str) -> None:
    declares = CLASSIFIES if isinstance(sound, Centroids) else {}
    (fault,) = check_model(broken, laws=[law], declares=declares)
    assert fault.status == "failed", fault.message
    (twin,) = check_model(sound, laws=[law], declares=declares)
    assert twin.status == "passed", twin.message


@pytest.mark.parametrize("sound", [own.Sampled(), own.Binned(), own.Words(), own.scaled(own.Scaler())])
def test_a_sound_model_breaks_no_law(sound: Any) -> None:
    broken = {record.law: record.message for record in check_model(sound) if record.status == "failed"}
    assert broken == {}
