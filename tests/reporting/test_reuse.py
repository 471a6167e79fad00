from __future__ import annotations

from typing import Any

from pytest_mlexp.records import CellRecord, DatasetRecord, EvaluationRecord, TestRecord, TrialRecord
from pytest_mlexp.reporting.reuse import reasons_table, reused_line

UNCHANGED = EvaluationRecord(reused=True, why="unchanged")


def trial(seed: int, split: str = "half", *, model: str = "a", why: str = "new") -> TrialRecord:
    return TrialRecord(f"e-{model}-d-cpu-seed={seed}-{split}", reused=why == "unchanged", why=why)


def cell(*trials: TrialRecord, **changes: Any) -> CellRecord:
    given = {"cell": "a-d-v-cpu", "model": "a", "evaluator": "v", "trials": trials}
    return CellRecord(**{"experiment": "e", "dataset": DatasetRecord("d"), "device": "cpu", **given, **changes})


def further(*trials: TrialRecord) -> TestRecord:
    return TestRecord("a-d-v-cpu", "e", "test_it.py::test", "passed", 0.1, further=trials)


def rows(*cells: CellRecord, tests: list[TestRecord] | None = None, each: bool = False) -> list[str]:
    lines = [line for line in reasons_table(cells, tests or [], each=each).splitlines()[2:] if line[:2] != "-v"]
    return [" | ".join(part.strip() for part in line.split("  ") if part) for line in lines]


def test_what_has_one_reason_is_one_row() -> None:
    assert rows(cell(trial(0), trial(1))) == ["trials of e-a-d-cpu | all 2 | run | new"]
    assert rows(cell(trial(0), trial(1)), each=True) == [
        "trials of e-a-d-cpu | seed=0-half | run | new",
        "seed=1-half | run | new",
    ]


def test_a_seed_stands_for_its_splits() -> None:
    old = [trial(0, split, why="unchanged") for split in ("one", "two")]
    assert rows(cell(*old, trial(1, "one"), trial(1, "two"))) == [
        "trials of e-a-d-cpu | 2 of 4: seed=0 | reused | unchanged",
        "2 of 4: seed=1 | run | new",
    ]
    assert rows(cell(*old, trial(1, "one"), trial(1, "two", why="unchanged"))) == [
        "trials of e-a-d-cpu | 3 of 4: seed=0, seed=1-two | reused | unchanged",
        "1 of 4: seed=1-one | run | new",
    ]


def test_long_lists_are_cut() -> None:
    many = [trial(seed) for seed in range(7)]
    told = rows(cell(*many, trial(9, why="unchanged")))
    assert "7 of 8: seed=0, seed=1, seed=2 and 4 more |" in told[0]


def test_a_trial_of_several_evaluators_counts_once() -> None:
    shared = trial(0)
    evaluators = [cell(shared), cell(trial(0), cell="a-d-w-cpu", evaluator="w")]
    assert rows(*evaluators) == ["trials of e-a-d-cpu | seed=0-half | run | new"]


def test_evaluations_have_their_own_reasons() -> None:
    made = EvaluationRecord(why="code changed: blocks:v")
    cells = [cell(evaluation=UNCHANGED), cell(cell="b-d-v-cpu", model="b", evaluation=made)]
    assert rows(*cells) == [
        "evaluations of e by v | 1 of 2: a-d-v-cpu | reused | unchanged",
        "1 of 2: b-d-v-cpu | made | code changed: blocks:v",
    ]


def test_failed_cells_are_told_as_run() -> None:
    assert rows(cell(error="ValueError: no")) == ["failed cells of e | a-d-v-cpu | run | a failure is never kept"]


def test_further_trials_are_told_apart() -> None:
    told = rows(cell(trial(0, why="unchanged")), tests=[further(trial(7), trial(8)), further(trial(7))])
    assert told == [
        "trials of e-a-d-cpu | seed=0-half | reused | unchanged",
        "further trials of e-a-d-cpu | all 2 | run | new",
    ]


def test_without_a_store_nothing_is_kept() -> None:
    assert rows(cell(trial(0, why=""))) == ["trials of e-a-d-cpu | seed=0-half | run | nothing is kept"]


def test_the_line_counts_further_trials() -> None:
    assert reused_line([cell(trial(0))]) is None
    told = reused_line([cell(trial(0, why="unchanged"))], [further(trial(7))])
    assert told is not None
    assert told.startswith("* 1 of 2 trials reused")
