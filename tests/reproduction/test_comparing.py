"""Two records of the same cells, metric by metric: the laws of the comparison, on records alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlexp.records import CellRecord, DatasetRecord
from pytest_mlexp.reproduction.comparing import compare
from pytest_mlexp.reproduction.conclusion import conclusion, differences, reasons, table
from tests.reproduction.project import a_cell

SAME: dict[str, Any] = {"python": "3.11.7", "packages": {"numpy": "2.0"}}
MIRRORED = {"metric gone": "metric new", "metric new": "metric gone"}
TEXTS = st.sampled_from(["a", "b"])
CELLS = st.builds(
    lambda values, error, digest, role, file, timed: a_cell(
        *values,
        error=error,
        dataset=DatasetRecord("numbers", "1", digest, 20, None, digest, "s"),
        fingerprints={"model": role},
        sources={"helpers.py": file},
        timed=timed,
    ),
    st.lists(st.floats(), min_size=1, max_size=3),
    st.none() | TEXTS,
    TEXTS,
    TEXTS,
    TEXTS,
    st.booleans(),
)
ENVIRONMENTS = st.fixed_dictionaries(
    {
        "python": TEXTS,
        "packages": st.dictionaries(TEXTS, TEXTS),
        "variables": st.dictionaries(TEXTS, TEXTS),
        "git": st.fixed_dictionaries({"commit": TEXTS, "dirty": st.booleans(), "diff": st.none() | st.just("")}),
        "machine": st.fixed_dictionaries({"cpu": TEXTS}),
    }
)


def status(logged: CellRecord, again: CellRecord) -> list[str]:
    return [found.status for found in compare([logged], [again], (SAME, SAME)).findings]


@given(CELLS, ENVIRONMENTS)
def test_a_record_compared_with_itself_is_identical(cell: CellRecord, environment: dict[str, Any]) -> None:
    compared = compare([cell], [cell], (environment, environment))
    assert compared.reproduced
    assert {found.status for found in compared.findings} == {"identical"}
    lost = environment["git"]["dirty"] and not environment["git"]["diff"]
    assert compared.causes == () or lost


@given(CELLS, CELLS, ENVIRONMENTS, ENVIRONMENTS)
def test_the_status_knows_no_order(
    one: CellRecord, other: CellRecord, here: dict[str, Any], there: dict[str, Any]
) -> None:
    forth = compare([one], [other], (here, there))
    back = compare([other], [one], (there, here))
    statuses = sorted(found.status for found in back.findings)
    assert sorted(MIRRORED.get(found.status, found.status) for found in forth.findings) == statuses
    assert forth.reproduced == back.reproduced


def test_noise_between_seeds_is_noise_where_nothing_of_the_cell_changed() -> None:
    logged, again = a_cell(0.50, 0.52, 0.54), a_cell(0.51, 0.53, 0.53)
    assert status(logged, again) == ["within noise"]


@pytest.mark.parametrize(
    "change",
    [
        {"dataset": DatasetRecord("numbers", "1", "x", 20, None, "x", "s" * 16)},
        {"fingerprints": {"model": "other", "evaluator": "e"}},
        {"params": {"C": "2"}},
        {"seeds": (4, 5, 6)},
    ],
    ids=["data", "code", "parameters", "seeds"],
)
def test_noise_excuses_nothing_where_the_cell_changed(change: dict[str, Any]) -> None:
    assert status(a_cell(0.50, 0.52, 0.54), replace(a_cell(0.51, 0.53, 0.53), **change)) == ["different"]


def test_a_cell_that_did_not_run_is_missing() -> None:
    compared = compare([a_cell(0.5)], [], (SAME, SAME))
    assert [found.status for found in compared.findings] == ["missing"]
    assert not compared.reproduced


def test_a_cell_that_fails_is_failed_unless_it_failed_alike() -> None:
    broken = a_cell(0.5, error="ValueError: no")
    assert status(a_cell(0.5), broken) == ["failed"]
    assert status(broken, a_cell(0.5)) == ["failed"]
    assert status(broken, replace(broken, error="ValueError: other")) == ["failed"]
    assert status(broken, broken) == ["identical"]


def test_a_metric_that_is_gone_or_new_is_told() -> None:
    both = replace(a_cell(0.5), metrics={**a_cell(0.5).metrics, "more": a_cell(0.5).metrics["error"]})
    assert status(both, a_cell(0.5)) == ["metric gone", "identical"]
    assert status(a_cell(0.5), both) == ["metric new", "identical"]


def test_timings_are_not_compared() -> None:
    assert status(a_cell(0.5, timed=True), a_cell(0.9, timed=True)) == ["timing"]


def test_nothing_recorded_differs_means_not_deterministic() -> None:
    compared = compare([a_cell(0.5)], [a_cell(0.6)], (SAME, SAME))
    assert "not deterministic" in conclusion(compared)
    assert not compared.causes


def test_no_cell_at_all_is_not_reproduced() -> None:
    assert not compare([], [], (SAME, SAME)).reproduced


def test_the_worst_comes_first_and_the_conclusion_counts() -> None:
    fine, bad = a_cell(0.5, experiment="fine"), a_cell(0.5)
    compared = compare([fine, bad], [fine, replace(a_cell(0.6), params={"C": "2"})], (SAME, SAME))
    assert [line.split()[0] for line in table(compared).splitlines()[2:]] == ["toy:", "fine:"]
    assert conclusion(compared) == (
        "not reproduced: 1 different, 1 identical; likely cause: parameters changed: slope: C absent -> 2"
    )
    assert differences(compared) == "  parameters changed: slope: C absent -> 2"


def test_identical_numbers_from_other_data_are_told() -> None:
    other = replace(a_cell(0.5), dataset=DatasetRecord("numbers", "1", "x", 20, None, "x", "s" * 16))
    told = conclusion(compare([a_cell(0.5)], [other], (SAME, SAME)))
    assert told == "reproduced: 1 identical, although data changed: numbers cccccccc -> x"


def test_every_package_is_listed_and_the_table_stays_narrow() -> None:
    packages = {f"package-{number}": "1.0" for number in range(30)}
    many = compare([a_cell(0.5)], [a_cell(0.6)], (SAME, {**SAME, "packages": packages}))
    assert differences(many).count("absent -> 1.0") == 30
    assert max(map(len, table(many).splitlines())) < 220
    assert len(conclusion(many)) < 200


def test_why_cells_failed_or_did_not_run_is_told_in_whole() -> None:
    logged = [a_cell(0.5, experiment=name) for name in ("one", "other", "gone", "fine")]
    error = "ValueError: " + "a long story " * 20
    again = [*(replace(cell, error=error, metrics={}) for cell in logged[:2]), logged[3]]
    compared = compare(logged, again, (SAME, SAME))
    cell = logged[0].cell
    assert reasons(compared).splitlines() == [
        f"missing: gone: {cell}: it did not run again",
        f"failed: one: {cell} and 1 more: {error}",
    ]
    assert reasons(compare(logged[3:], logged[3:], (SAME, SAME))) == ""
