"""What the record of a cell says of where its evaluation came from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier

from pytest_mlexp import flow
from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.flow import Flow
from pytest_mlexp.matrix import expand
from pytest_mlexp.records import CellRecord, EvaluationRecord
from pytest_mlexp.reuse import QUICK, open_store

letters = Experiment("letters")


@letters.dataset
def vowels() -> Dataset:
    return Dataset.from_arrays(np.arange(8.0).reshape(-1, 1), np.arange(8) % 2, split=0.5)


@letters.model
def dummy() -> DummyClassifier:
    return DummyClassifier()


@letters.evaluator(maximize="accuracy")
def hits(y_true: Any, y_pred: Any) -> float:
    return float(np.mean(y_true == y_pred))


(CELL,) = expand(letters, ["cpu"])


def recorded(folder: Path, session: str, *, keep_files: bool = True) -> CellRecord:
    """The record of the cell, evaluated by a session that keeps what it computes."""
    records = []

    def record(cell: CellRecord, _files: Mapping[str, bytes]) -> None:
        records.append(cell)

    kept = open_store(folder, "", session=session)
    Flow(OutcomeStore(kept=kept), record=record, keep_files=keep_files).evaluate(CELL)
    return records[0]


def test_an_evaluation_that_is_kept_is_reused(tmp_path: Path) -> None:
    assert recorded(tmp_path, "one").evaluation == EvaluationRecord(reused=False, why="new")
    assert recorded(tmp_path, "two").evaluation == EvaluationRecord(reused=True, why="unchanged")


def test_a_quick_one_is_made_each_time_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow, "WORTH_KEEPING", math.inf)
    made = [recorded(tmp_path, session, keep_files=False) for session in ("one", "two")]
    assert [record.evaluation for record in made] == [EvaluationRecord(reused=False, why=QUICK)] * 2
    assert [record.reused for record in made] == [0, 1]


def test_what_another_worker_of_the_session_made_is_not_reused(tmp_path: Path) -> None:
    assert recorded(tmp_path, "one").evaluation == EvaluationRecord(reused=False, why="new")
    other = recorded(tmp_path, "one")
    assert other.evaluation == EvaluationRecord(reused=False, why="new")
    assert other.found is False
    assert [(trial.reused, trial.why) for trial in other.trials] == [(False, "new")]


def test_without_a_store_there_is_no_reason(tmp_path: Path) -> None:
    records = []
    Flow(OutcomeStore(), record=lambda cell, _: records.append(cell)).evaluate(CELL)
    assert [record.evaluation for record in records] == [EvaluationRecord()]


def test_further_trials_are_told_of(tmp_path: Path) -> None:
    going = Flow(OutcomeStore(kept=open_store(tmp_path, "", session="one")), record=lambda _, __: None)
    going.evaluate(CELL)
    assert going.further(CELL) == ()
    going.again(CELL, [7])
    assert [(trial.trial, trial.why) for trial in going.further(CELL)] == [
        ("letters-dummy-vowels-cpu-seed=7-holdout", "new")
    ]
