"""The oldest accepted value stays until that is reviewed, and is judged too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_mlexp import Evaluation
from pytest_mlexp.gates.anchors import GOES_ON
from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.differences import differences_beside_values
from pytest_mlexp.gates.lock import Lock, LockedExperiment, dump
from tests.gates.accepting import Project


def test_the_oldest_value_stays_until_it_is_surpassed() -> None:
    project = Project()
    project.accept(50)
    assert project.anchor is None
    first = project.judge(50)
    project.accept(52)
    anchor = project.anchor
    assert anchor is not None
    project.accept(54)
    assert project.anchor == anchor
    assert project.judge(54) == {"baseline": "identical", "anchor": "inconclusive"}
    project.accept(20)
    assert project.anchor is None
    assert first == {"baseline": "identical"}


def test_the_anchor_is_judged_too() -> None:
    project = Project(max_drop=0.02)
    project.luck = 0.0
    for rows in (50, 56):
        project.accept(rows)
    assert project.judge(62) == {"baseline": "inconclusive", "anchor": "regressed"}


def test_what_a_reset_gives_up_stays_in_the_lock_so_that_a_diff_shows_it() -> None:
    project = Project()

    def lock() -> Lock:
        assert project.baseline is not None
        return Lock().with_experiment("e", LockedExperiment(cells={"c": project.baseline.locked}))

    project.accept(50)
    before, oldest = lock(), project.accepted
    project.accept(60, reset=True)
    (told,) = [change for change in differences_beside_values(before, lock()) if "anchor" in change.where]
    assert str(told) == f"e: c: share anchor given up (--mlexp-reset-anchors): nothing -> {oldest:.4f}"
    assert f"given_up = {oldest:.9g}\n" in dump(lock())
    after = lock()
    project.accept(60)
    assert lock() == after
    project.accept(20, reset=True)
    assert "given_up" in dump(lock())


def test_only_a_reset_takes_an_anchor_away_not_another_margin_gate_or_number_of_seeds() -> None:
    project = Project()
    project.accept(50)
    project.accept(52, reset=True)
    assert project.anchor is None
    oldest = project.accepted
    project.experiment.gates[0] = replace(project.experiment.gates[0], max_drop=0.02)
    project.accept(54)
    assert project.anchor == oldest
    project.experiment.gate("share", max_drop=0.2, primary=False)
    project.accept(56)
    assert project.anchor == oldest
    project.experiment.seeds = (0, 1)
    assert project.accept(58) == ()
    assert project.anchor == oldest


def test_a_refactored_evaluator_keeps_the_anchor_and_one_that_finds_otherwise_loses_it_loudly() -> None:
    project = Project()
    project.accept(50)
    oldest = project.accepted
    project.accept(52)
    project.locked(evaluator="before the refactoring")
    assert project.accept(52) == ()
    assert project.anchor == oldest
    project.locked(evaluator="before the change")
    (lost,) = project.accept(54)
    assert "the evaluator changed, and what it finds is not what it found before" in lost
    assert project.anchor is None


def test_other_data_loses_the_anchor_loudly() -> None:
    project = Project()
    project.accept(50)
    project.locked(dataset="other")
    (lost,) = project.accept(52)
    assert lost.startswith("e: m-d-e-cpu: share: the oldest accepted value is ")
    assert lost.endswith("no anchor any more, so a slide since then goes unseen: the data or its splits changed")
    assert project.anchor is None


@pytest.mark.parametrize("machine", ["here", "elsewhere"])
def test_timings_keep_their_anchor_on_the_same_hardware_only(machine: str) -> None:
    project = Project(max_relative_drop=0.1)
    for runs, hardware in (([0.9, 0.91, 0.92], "here"), ([0.88, 0.89, 0.9], machine)):
        found = Contributions("runs", np.array(runs), (0, 1, 2), hardware=hardware)
        tables = Evaluation({"share": tuple(runs)}, contributions={"share": found})
        lost = project.accept(50, tables=tables)
    assert (project.anchor is None) == (machine == "elsewhere")
    assert [line.rpartition(": ")[2] for line in lost] == ["it was taken on other hardware"] * (machine == "elsewhere")


def test_a_timing_of_other_hardware_is_no_anchor_even_where_it_is_the_same_number() -> None:
    project = Project(max_relative_drop=0.1)
    for hardware in ("here", "elsewhere"):
        found = Contributions("runs", np.array([0.9, 0.91, 0.92]), (0, 1, 2), hardware=hardware)
        tables = Evaluation({"share": (0.9, 0.91, 0.92)}, contributions={"share": found})
        lost = project.accept(50, tables=tables)
    assert [line.rpartition(": ")[2] for line in lost] == ["it was taken on other hardware"]


def test_a_gain_that_the_machine_may_have_given_surpasses_no_anchor() -> None:
    project = Project(max_relative_drop=0.1)
    for value in (0.90, 0.95):
        runs = (value, value + 0.001, value - 0.001)
        found = Contributions("runs", np.array(runs), (0, 1, 2), hardware="here")
        project.accept(50, tables=Evaluation({"share": runs}, contributions={"share": found}))
    assert project.anchor == pytest.approx(0.90)


def test_what_did_not_change_is_identical_also_where_its_anchor_asks_for_further_looks() -> None:
    project = Project(max_drop=0.01, inconclusive="fail")
    project.accept(50)
    project.luck = 0.04  # a slide within the accepted runs, by chance that another seed may not have
    project.accept(54)
    statuses = project.judge(54)
    assert project.trained > 0, "the anchor did not ask for further looks"
    assert statuses["baseline"] == "identical"
    assert statuses["anchor"] in ("regressed", "inconclusive")


@pytest.mark.parametrize(
    ("rows", "words"), [(55, "(inconclusive, which this gate fails); it sees losses from 0."), (90, "margin")]
)
def test_accepting_says_why_the_anchor_goes_on_failing(rows: int, words: str) -> None:
    project = Project(max_drop=0.012, inconclusive="fail")
    project.luck = 0.02
    project.accept(50)
    (line,) = project.goes_on(rows)
    assert line.startswith(f"e: m-d-e-cpu: share {GOES_ON}: 0.")
    assert ("inconclusive" in line) == (rows == 55)
    assert words in line
