"""Every block runs through the whole flow with mocks in the place of the others."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.contracts.checks import Check, check_dataset, check_evaluator, checks_of
from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.mocks import datasets, evaluators


class LosesRows(LogisticRegression):  # type: ignore[misc]
    def predict(self, X: Any) -> Any:
        return super().predict(X)[1:]


def declared() -> Experiment:
    trials = Experiment("trials")
    trials.dataset(datasets.binary)
    trials.model(LogisticRegression)
    trials.model(LosesRows)
    trials.evaluator(evaluators.accuracy, maximize="accuracy")
    trials.evaluator(evaluators.log_loss, minimize="log_loss")
    trials.evaluator(evaluators.no_number, maximize="no_number")
    return trials


def flows() -> dict[str, Check]:
    return {check.block: check for check in checks_of(declared()) if check.law.name.endswith("runs_through")}


@pytest.mark.parametrize("block", ["binary", "LogisticRegression", "accuracy", "log_loss"])
def test_a_sound_block_runs_through(block: str) -> None:
    record = flows()[block].run()
    assert record.status == "passed", record.message


def test_a_model_that_the_flow_cannot_use_is_told_by_the_flow() -> None:
    record = flows()["LosesRows"].run()
    assert record.status == "failed"
    assert "predictions for the" in record.message


def test_a_dataset_without_targets_and_an_evaluator_that_takes_nothing_are_not_applicable() -> None:
    def texts() -> Dataset:
        return Dataset.from_records(["a", "b", "c", "d"], split=0.5)

    (record,) = check_dataset(texts, laws=["dataset_runs_through"])
    assert record.status == "not_applicable"
    (record,) = check_evaluator(declared().evaluators["no_number"], laws=["evaluator_runs_through"])
    assert record.status == "not_applicable"


def test_every_block_is_checked_with_a_readable_id() -> None:
    checks = checks_of(declared())
    assert {check.block for check in checks} == {
        "binary",
        "LogisticRegression",
        "LosesRows",
        "accuracy",
        "log_loss",
        "no_number",
    }
    ids = [check.id for check in checks]
    assert len(set(ids)) == len(ids)
    assert "LosesRows-batch_vs_rows" in ids
    assert np.all([" " not in name for name in ids])


@pytest.mark.parametrize(
    ("notes", "words"),
    [
        ({"declares": {"binry": {}}}, "names the block 'binry'.*binary"),
        ({"excuses": {"accuracy": {"row_ordr": "x"}}}, "there is no law 'row_ordr'.*row_order"),
        ({"declares": {"binary": {"digests": "x"}}}, "no declaration 'digests' of a dataset.*digest"),
        ({"declares": {"accuracy": {"bound": {}}}}, "no declaration 'bound' of an evaluator.*bounds"),
        ({"declares": {"accuracy": "regression"}}, "maps each block to a mapping"),
    ],
    ids=["block", "law", "dataset", "evaluator", "mapping"],
)
def test_unknown_names_are_refused_with_what_was_possible(notes: dict[str, Any], words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        checks_of(declared(), **notes)
