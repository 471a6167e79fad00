"""Of the many laws that one fault breaks, the one that is about the fault is named."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from pytest_mlexp.contracts import cases
from pytest_mlexp.contracts.checks import check_evaluator, likeliest_cause, may_follow
from pytest_mlexp.contracts.driver import check_model
from pytest_mlexp.contracts.report import CheckRecord
from pytest_mlexp.experiment import Experiment
from tests.contracts import centroids, centroids_beside
from tests.zoo import mutations
from tests.zoo.batches import RowAloneGetsMean


class CrashesAtFit(Ridge):  # type: ignore[misc]
    def fit(self, X: Any, y: Any) -> Self:
        raise KeyError("fit")


class CrashesAtPredict(Ridge):  # type: ignore[misc]
    def predict(self, X: Any) -> Any:
        raise KeyError("predict")


class DropsRowsItself(Ridge):  # type: ignore[misc]
    def predict(self, X: Any) -> Any:
        return super().predict(X)[:-1]


class DropsOutAlways(Ridge):  # type: ignore[misc]
    def predict(self, X: Any) -> Any:
        return super().predict(X) * np.random.default_rng().uniform(0.9, 1.1, len(X))


class Drifts(Ridge):  # type: ignore[misc]
    def predict(self, X: Any) -> Any:
        self.calls_ = getattr(self, "calls_", 0) + 1
        return super().predict(X) * 1.01**self.calls_


FAULTS: dict[type[Any], str] = {
    mutations.CentresInputsInPlace: "inputs_unchanged",
    mutations.ShufflesRowsInPlace: "inputs_unchanged",
    mutations.CentresTargetsInPlace: "inputs_unchanged",
    centroids.ChangesItsInputs: "inputs_unchanged",
    CrashesAtFit: "prediction_shape",
    CrashesAtPredict: "prediction_shape",
    DropsRowsItself: "prediction_shape",
    DropsOutAlways: "repeated_predict",
    Drifts: "repeated_predict",
    centroids_beside.Guesses: "same_seed_same_fit",
    centroids.SharesItsMeans: "instances_do_not_share",
    RowAloneGetsMean: "batch_vs_rows",
    centroids.ScalesByTheBatch: "batch_vs_rows",
    centroids.AddsUpFits: "refit_forgets",
    centroids_beside.TunesItself: "params_survive_fit",
    centroids.NotOne: "probabilities",
    centroids_beside.SilencesNumpy: "global_settings",
}


@pytest.mark.parametrize(("model", "law"), FAULTS.items(), ids=[model.__name__ for model in FAULTS])
def test_of_a_model(model: type[Any], law: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases, "SHRINK_SECONDS", -1)  # which law is broken is asked here, not on how little data
    cause = likeliest_cause(check_model(model()))
    assert cause is not None
    assert cause.law == law


def test_of_an_evaluator_that_changes_what_it_is_given_and_of_one_that_guesses() -> None:
    trials = Experiment("trials")

    @trials.evaluator(minimize="changing")
    def changing(y_true: Any, y_pred: Any) -> float:
        y_pred -= y_true
        return float(np.abs(y_pred).mean())

    @trials.evaluator(minimize="guessing")
    def guessing(y_true: Any, y_pred: Any) -> float:
        return float(np.random.default_rng().uniform() + np.abs(y_pred - y_true).mean())

    for name, law in (("changing", "inputs_unchanged"), ("guessing", "repeatable")):
        records = check_evaluator(trials.evaluators[name], declares={"task": "regression"})
        cause = likeliest_cause(records)
        assert cause is not None
        assert cause.law == law


def test_no_law_that_is_only_excused_without_need() -> None:
    excuses = {"inputs_unchanged": "was so once"}
    records = check_model(RowAloneGetsMean(), laws=["inputs_unchanged", "batch_vs_rows"], excuses=excuses)
    assert {record.law for record in records if not record} == {"inputs_unchanged", "batch_vs_rows"}
    cause = likeliest_cause(records)
    assert isinstance(cause, CheckRecord)
    assert cause.law == "batch_vs_rows"
    assert likeliest_cause(record for record in records if record.law == "inputs_unchanged") is None


def broken(law: str, seen: str) -> CheckRecord:
    return CheckRecord("plain", law, "failed", f"{law}: {seen}", seen)


def test_only_what_there_is_reason_for_may_follow() -> None:
    crash, elsewhere = "KeyError: 'a' (team.py:7)", "KeyError: 'b' (team.py:9)"
    unrelated = [broken("refused_before_fit", elsewhere), broken("wrong_width", "it answers array([0])")]
    stops = [broken("labels_keep_their_type", "KeyError: 'c' (team.py:7)"), broken("one_class", crash)]
    quiet = [broken("scales", "other numbers"), broken("duplicates", "shape (1, 2)")]
    every = [*unrelated, *stops, *quiet]
    assert may_follow(broken("refit_forgets", crash), every) == stops
    assert may_follow(broken("refit_forgets", "other answers"), every) == [*stops, *quiet]
    assert may_follow(broken("probabilities", "shape (1, 2)"), every) == quiet[1:]
    assert may_follow(broken("learns", "0.5"), every) == []
