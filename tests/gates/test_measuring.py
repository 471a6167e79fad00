"""What a flow leaves for gates: contributions by example, by block, or by run."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import LeaveOneGroupOut, RepeatedKFold

from pytest_mlexp import Dataset, Evaluation, Experiment
from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.flow import Flow
from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.measuring import BLOCKS
from pytest_mlexp.matrix import Cell, expand

ROWS = 120


def frame(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=ROWS)
    return pd.DataFrame(
        {
            "x": x,
            "region": np.where(np.arange(ROWS) % 3 == 0, "north", "south"),
            "patient": np.arange(ROWS) // 4,
            "y": (x + rng.normal(size=ROWS) > 0).astype(int),
        },
        index=rng.permutation(ROWS) + 1000,
    )


class OnX:
    """A model that reads one column, so that others may be text; noisy, so that seeds differ."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def fit(self, X: Any, y: Any) -> None:
        self.inner = LogisticRegression().fit(X[["x"]], y)
        self.classes_ = self.inner.classes_

    def predict_proba(self, X: Any) -> Any:
        noise = np.random.default_rng(self.seed).normal(0, 0.05, len(X))
        up = np.clip(self.inner.predict_proba(X[["x"]])[:, 1] + noise, 0.01, 0.99)
        return np.column_stack([1 - up, up])

    def predict(self, X: Any) -> Any:
        return (self.predict_proba(X)[:, 1] > 0.5).astype(int)


def experiment(*, split: object = 0.5, groups: str | None = None, seeds: tuple[int, ...] = (0, 1)) -> Experiment:
    declared = Experiment("e", seeds=seeds)

    @declared.dataset
    def d() -> Dataset:
        return Dataset.from_frame(frame(), target="y", split=split, groups=groups)

    declared.model(OnX)
    return declared


def evaluated(declared: Experiment) -> tuple[Cell, Evaluation]:
    flow = Flow(OutcomeStore(), record=lambda *_: None, keep_files=False)
    cell = expand(declared, ["cpu"])[0]
    return cell, flow.evaluate(cell)


def only(declared: Experiment) -> Contributions:
    (found,) = evaluated(declared)[1].contributions.values()
    return found


def test_without_a_margin_nothing_is_kept() -> None:
    declared = experiment()
    declared.evaluator(accuracy_score)
    declared.gate("accuracy", at_least=0.1)
    assert not evaluated(declared)[1].contributions


def test_a_metric_of_scikit_learn_is_kept_by_example_in_the_order_of_identities() -> None:
    declared = experiment()
    declared.evaluator(accuracy_score)
    declared.gate("accuracy", max_drop=0.1)
    _, evaluation = evaluated(declared)
    found = evaluation.contributions["accuracy"]
    assert found.kind == "examples"
    assert found.table is not None
    assert found.table.shape == (2, ROWS // 2)
    assert found.runs == pytest.approx(evaluation.values("accuracy"))
    assert found.examples is not None
    assert (np.diff(found.examples) > 0).all()
    assert set(found.examples.tolist()) <= set(frame().index)


def test_a_metric_of_ones_own_function_is_known_by_name_and_value() -> None:
    declared = experiment()

    @declared.evaluator(maximize="auc")
    def ranking(y_true: Any, y_score: Any) -> dict[str, float]:
        return {"auc": roc_auc_score(y_true, y_score)}

    declared.gate("auc", max_drop=0.1)
    assert only(declared).kind == "examples"


def test_scores_that_average_to_the_metric_serve_as_they_are() -> None:
    declared = experiment()

    @declared.evaluator(minimize="cost")
    def costs(y_true: Any, y_pred: Any) -> Evaluation:
        scores = np.where(y_true == y_pred, 0.0, 3.0)
        return Evaluation({"cost": scores.mean()}, scores={"cost": scores})

    declared.gate("cost", max_drop=0.1)
    found = only(declared)
    assert found.kind == "examples"
    assert found.table is not None
    assert set(np.unique(found.table)) <= {0.0, 3.0}


def test_scores_that_do_not_average_to_the_metric_are_left_aside() -> None:
    declared = experiment()

    @declared.evaluator(minimize="cost")
    def costs(y_true: Any, y_pred: Any) -> Evaluation:
        scores = np.where(y_true == y_pred, 0.0, 3.0)
        return Evaluation({"cost": np.sqrt(scores.mean())}, scores={"cost": scores})

    declared.gate("cost", max_drop=0.1)
    assert only(declared).kind == "blocks"


@pytest.mark.parametrize("groups", [None, "patient"])
def test_a_metric_that_can_only_be_called_is_kept_by_block(groups: str | None) -> None:
    declared = experiment(groups=groups)

    @declared.evaluator(maximize="median")
    def typical(y_true: Any, y_score: Any) -> float:
        return float(np.median(np.abs(y_true - y_score)))

    declared.gate("median", max_drop=0.1)
    _, evaluation = evaluated(declared)
    found = evaluation.contributions["median"]
    assert found.kind == "blocks"
    assert found.table is not None
    assert found.table.shape[1] <= BLOCKS
    assert found.runs == pytest.approx(evaluation.values("median"))


def test_of_folds_of_one_group_each_group_is_kept() -> None:
    declared = experiment(groups="region", split=LeaveOneGroupOut())

    @declared.evaluator(maximize="median")
    def typical(y_true: Any, y_score: Any) -> float:
        return float(np.median(np.abs(y_true - y_score)))

    declared.gate("median", max_drop=0.1)
    _, evaluation = evaluated(declared)
    found = evaluation.contributions["median"]
    assert (found.kind, found.table is not None and found.table.shape[1]) == ("blocks", 2)
    assert found.runs == pytest.approx(np.reshape(evaluation.values("median"), (2, 2)).mean(axis=1))


def test_a_metric_that_cannot_be_called_on_a_part_is_a_number_a_run() -> None:
    declared = experiment()

    @declared.evaluator(minimize="seconds")
    def speed(timings: Any) -> float:
        return float(timings["fit_seconds"])

    declared.gate("seconds", max_drop=0.1)
    found = only(declared)
    assert found.kind == "runs"
    assert found.hardware


def test_a_metric_by_example_does_not_depend_on_the_hardware() -> None:
    declared = experiment()

    @declared.evaluator(maximize=["accuracy"])
    def both(y_true: Any, y_pred: Any, timings: Any) -> dict[str, float]:
        return {"accuracy": float(accuracy_score(y_true, y_pred))}

    declared.gate("accuracy", max_drop=0.1)
    found = only(declared)
    assert (found.kind, found.hardware) == ("examples", None)


def test_only_what_a_slower_machine_changes_is_a_timing() -> None:
    declared, calls = experiment(), count()

    @declared.evaluator(maximize=["share", "unsteady", "budget"], minimize=["slow", "ms"])
    def right(y_true: Any, y_pred: Any, timings: Any) -> dict[str, float]:
        seconds = timings["fit_seconds"]
        found = {"share": float(np.sqrt(np.mean(y_true == y_pred))), "unsteady": next(calls)}
        return {**found, "budget": seconds < 60, "slow": seconds, "ms": round(seconds, 2)}

    for metric in ("share", "unsteady", "budget", "slow", "ms"):
        declared.gate(metric, max_drop=0.01)
    found = evaluated(declared)[1].contributions
    assert {name for name, one in found.items() if one.hardware} == {"slow", "ms"}
    assert (found["share"].kind, found["slow"].kind) == ("blocks", "runs")


def test_an_evaluator_that_refuses_slower_timings_gives_no_timing() -> None:
    declared, first = experiment(seeds=(0,)), []

    @declared.evaluator(maximize="share")
    def right(y_true: Any, y_pred: Any, timings: Any) -> float:
        first.append(timings["fit_seconds"])
        assert timings["fit_seconds"] == first[0]
        return float(np.sqrt(np.mean(y_true == y_pred)))

    declared.gate("share", max_drop=0.01)
    assert only(declared).hardware is None


def test_timings_carry_the_hardware() -> None:
    declared = experiment()
    declared.evaluator(accuracy_score)
    declared.gate("fit_seconds", max_relative_drop=0.1)
    found = only(declared)
    assert found.kind == "runs"
    assert found.hardware
    assert (found.runs > 0).all()


def test_repeated_folds_leave_one_row_an_example() -> None:
    declared = experiment(split=RepeatedKFold(n_splits=3, n_repeats=2, random_state=0))
    declared.evaluator(accuracy_score)
    declared.gate("accuracy", max_drop=0.1)
    found = only(declared)
    assert found.table is not None
    assert found.table.shape == (2, ROWS)
    assert set(np.unique(found.table)) <= {0.0, 0.5, 1.0}


def test_groups_number_the_examples() -> None:
    declared = experiment(groups="patient")
    declared.evaluator(accuracy_score)
    declared.gate("accuracy", max_drop=0.1)
    found = only(declared)
    assert found.groups is not None
    assert found.examples is not None
    patients = frame().loc[found.examples, "patient"]
    assert (pd.crosstab(patients, found.groups) > 0).sum(axis=1).eq(1).all()


def test_slices_are_measured_apart() -> None:
    declared = experiment()
    declared.evaluator(accuracy_score)
    declared.gate("accuracy", at_least=0.0, slices="region")
    _, evaluation = evaluated(declared)
    north, south = (evaluation.contributions[f"accuracy[region={where}]"] for where in ("north", "south"))
    assert north.table is not None
    assert south.table is not None
    sizes = north.table.shape[1], south.table.shape[1]
    assert sum(sizes) == ROWS // 2
    assert np.average([north.runs, south.runs], axis=0, weights=sizes) == pytest.approx(evaluation.values("accuracy"))


def test_other_seeds_give_other_runs_of_the_same_examples() -> None:
    declared = experiment()
    declared.evaluator(accuracy_score)
    declared.gate("accuracy", max_drop=0.1)
    flow = Flow(OutcomeStore(), record=lambda *_: None, keep_files=False)
    cell = expand(declared, ["cpu"])[0]
    first, more = flow.evaluate(cell).contributions["accuracy"], flow.again(cell, [7, 8]).contributions["accuracy"]
    joined = first.joined(more)
    assert joined.seeds == (0, 1, 7, 8)
    assert joined.columns == first.columns == more.columns
    assert joined.runs.size == 4
