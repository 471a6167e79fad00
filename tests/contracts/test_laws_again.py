"""Laws on what is kept, shared, lost or only seen in long tables: each finds its fault and spares the sound twin."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mlexp.contracts.driver import check_model
from tests.contracts import centroids_again as again
from tests.contracts import centroids_elsewhere as elsewhere
from tests.contracts import lines
from tests.contracts.centroids import Centroids

FAULTS: list[tuple[type[Centroids], type[Centroids], str]] = [
    (again.ClipsFarNumbers, Centroids, "inputs_unchanged"),
    (again.ClipsFarNumbers, Centroids, "batch_mates"),
    (again.KeepsItsFirstRange, Centroids, "refit_forgets"),
    (again.KeepsItsFirstClasses, Centroids, "refit_forgets"),
    (again.CopiesShareTheirMeans, Centroids, "copies_are_apart"),
    (again.ColumnsInLowerCase, Centroids, "renaming_classes"),
    (again.AlwaysTwoColumns, Centroids, "one_class"),
    (again.FirstThousandRows, Centroids, "last_rows_of_many_count"),
    (again.NamesInASet, Centroids, "loads_in_another_process"),
    (again.CutsWeights, again.WeighsRows, "weights_are_counts"),
    (again.StopsWhenAsked, again.AddsBatches, "predicting_between_batches"),
    (again.TableFromItsEnd, again.Table, "negative_codes"),
    (again.CacheWithoutALimit, again.CacheWithALimit, "memory_is_bounded"),
    (elsewhere.AnswersAboveOneHalf, Centroids, "unsure_rows"),
    (elsewhere.DrawsAmongTies, Centroids, "ties_are_broken_alike"),
    (elsewhere.FillsGapsFromTheBatch, elsewhere.FillsGaps, "gaps_row_by_row"),
    (elsewhere.NoMedianOfNothing, elsewhere.FillsGaps, "column_without_values"),
    (elsewhere.SkipsTheFirstRow, Centroids, "first_and_last_row_count"),
    (elsewhere.TakesNaNForTheStrongest, elsewhere.DropsTheWeakestColumn, "constant_columns_hide_nothing"),
    (elsewhere.ClassesInTheOrderGiven, again.AddsBatches, "classes_in_any_order"),
    (elsewhere.RangeOfAbsentRows, again.WeighsRows, "no_weight_far_away"),
    (elsewhere.SpreadStaysInSingle, elsewhere.SpreadInSingle, "single_precision_at_fit"),
    (elsewhere.RowsOfOneSum, Centroids, "batch_mates"),
    (elsewhere.CentresFortranInPlace, Centroids, "memory_layout"),
    (elsewhere.CutsAnew, Centroids, "wrong_width"),
    (elsewhere.KeepsItsFirstShrink, Centroids, "set_params_takes_effect"),
    (elsewhere.NothingForOneClass, Centroids, "one_class"),
]
LINES: list[tuple[Any, Any, str]] = [
    (lines.LosesAColumnOfTargets(), lines.Line(), "column_of_targets"),
    (lines.OneLevelForAll(), lines.Line(), "every_target_counts"),
    (lines.SmallIsConstant(), lines.Line(), "small_units"),
    (lines.ExpandsDistances(), lines.Nearest(), "digits_far_from_zero"),
    (lines.FitsItsBase(lines.Line()), lines.Wraps(lines.Line()), "nested_objects_stay"),
    (lines.OneBaseForAll(), lines.OwnBase(), "defaults_are_not_shared"),
]
GAPS = ("gaps_row_by_row", "column_without_values")


@pytest.mark.parametrize(("broken", "sound", "law"), FAULTS, ids=[f"{b.__name__}-{law}" for b, _, law in FAULTS])
def test_a_fault_is_found_and_its_twin_spared(broken: type[Centroids], sound: type[Centroids], law: str) -> None:
    declares: dict[str, Any] = {
        "task": "classification",
        "categorical": law == "negative_codes",
        "allows_nan": law in GAPS,
    }
    (fault,) = check_model(broken(), laws=[law], declares=declares)
    assert fault.status == "failed", fault.message
    (twin,) = check_model(sound(), laws=[law], declares=declares)
    assert twin.status == "passed", twin.message


@pytest.mark.parametrize(("broken", "sound", "law"), LINES, ids=[law for _, _, law in LINES])
def test_a_fault_of_a_regression_is_found_and_its_twin_spared(broken: Any, sound: Any, law: str) -> None:
    declares = {"targets": 2} if law == "every_target_counts" else {}
    (fault,) = check_model(broken, laws=[law], declares=declares)
    assert fault.status == "failed", fault.message
    (twin,) = check_model(sound, laws=[law], declares=declares)
    assert twin.status == "passed", twin.message


def test_where_changed_inputs_are_excused_no_other_law_asks_for_them() -> None:
    excuses = {"inputs_unchanged": "clips on purpose"}
    records = check_model(
        again.ClipsFarNumbers(),
        laws=["inputs_unchanged", "no_rows", "batch_vs_rows"],
        excuses=excuses,
        declares={"task": "classification"},
    )
    assert sorted(record.status for record in records) == ["excused", "passed", "passed"]
