"""Laws on what is kept, shared, lost or only seen in long tables: each finds its fault and spares the sound twin."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_mlexp.contracts.driver import check_model
from tests.contracts import centroids_again as again
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
]


@pytest.mark.parametrize(("broken", "sound", "law"), FAULTS, ids=[f"{b.__name__}-{law}" for b, _, law in FAULTS])
def test_a_fault_is_found_and_its_twin_spared(broken: type[Centroids], sound: type[Centroids], law: str) -> None:
    declares: dict[str, Any] = {"task": "classification", "categorical": law == "negative_codes"}
    (fault,) = check_model(broken(), laws=[law], declares=declares)
    assert fault.status == "failed", fault.message
    (twin,) = check_model(sound(), laws=[law], declares=declares)
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
