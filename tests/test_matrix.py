from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.matrix import expand, left_out

NAMES = st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True), min_size=1, max_size=4, unique=True)


def declared(
    datasets: list[str], models: list[str], evaluators: list[str], seeds: tuple[int, ...] = (0,)
) -> Experiment:
    experiment = Experiment("e", seeds=seeds)
    for name in datasets:
        experiment.dataset(lambda: Dataset.from_arrays(np.zeros((4, 1)), None, split=0.5), name=name)
    for name in models:
        experiment.model(lambda: len, name=name)
    for name in evaluators:
        experiment.evaluator(lambda y_pred: 0.0, name=name, maximize=name)
    return experiment


@given(NAMES, NAMES, NAMES)
def test_there_is_one_cell_for_each_combination_with_an_id_of_its_own(
    datasets: list[str], models: list[str], evaluators: list[str]
) -> None:
    cells = expand(declared(datasets, models, evaluators), ["cpu"])
    expected = {f"{m}-{d}-{e}-cpu" for d in datasets for m in models for e in evaluators}
    assert {cell.id for cell in cells} == expected
    assert len(cells) == len(expected)


@given(NAMES, st.randoms())
def test_ids_stay_when_blocks_are_reordered_or_added(models: list[str], random: Any) -> None:
    shuffled = [*models, "one_more"]
    random.shuffle(shuffled)
    before = {cell.id for cell in expand(declared(["d"], models, ["e"]), ["cpu"])}
    after = {cell.id for cell in expand(declared(["d"], shuffled, ["e"]), ["cpu"])}
    assert after == before | {"one_more-d-e-cpu"}


def test_evaluators_of_one_model_and_dataset_stand_together() -> None:
    ids = [cell.id for cell in expand(declared(["d1", "d2"], ["m1", "m2"], ["e1", "e2"]), ["cpu"])]
    assert ids[:4] == ["m1-d1-e1-cpu", "m1-d1-e2-cpu", "m2-d1-e1-cpu", "m2-d1-e2-cpu"]


def test_models_without_a_cell_are_counted_and_named_with_what_to_do() -> None:
    experiment = declared(["d"], ["a", "b"], ["e"])
    experiment.model(lambda device: len, name="moved")
    experiment.model(lambda k: len, name="grid", params={"k": [1, 2]})
    assert left_out(experiment, ["auto"]) == left_out(experiment, ["cuda", "cpu"]) == ""
    told = left_out(experiment, ["cuda", "mps"])
    assert told.startswith("not run on cuda,mps: 3 models of experiment 'e' (a, b, grid), for ")
    assert told.endswith("ask for cpu too, as in cuda,mps,cpu, or let the factory take `device`")


def test_only_a_model_that_asks_for_a_device_runs_on_others() -> None:
    experiment = declared(["d"], ["plain"], ["e"])
    experiment.model(lambda device: len, name="moved")
    assert [cell.id for cell in expand(experiment, ["cpu", "cuda:0"])] == [
        "plain-d-e-cpu",
        "moved-d-e-cpu",
        "moved-d-e-cuda:0",
    ]
    assert [cell.id for cell in expand(experiment, ["cuda:0"])] == ["moved-d-e-cuda:0"]


def test_trials_are_one_a_seed_and_split_and_shared_by_evaluators() -> None:
    first, second = expand(declared(["d"], ["m"], ["e1", "e2"], seeds=(3, 1)), ["cpu"])
    assert [(t.seed, t.split) for t in first.trials(["fold1", "fold2"])] == [
        (3, "fold1"),
        (3, "fold2"),
        (1, "fold1"),
        (1, "fold2"),
    ]
    assert first.trials(["fold1"]) == second.trials(["fold1"])
    assert len({trial.id for trial in first.trials(["fold1", "fold2"])}) == 4


def test_a_cell_has_the_gates_on_its_own_metrics() -> None:
    experiment = declared(["d"], ["m"], ["e1", "e2"])
    gate = experiment.gate("e2", at_least=0.5)
    assert [cell.gates for cell in expand(experiment, ["cpu"])] == [(), (gate,)]


FIRST, SECOND = {"max_drop": 0.01}, {"max_relative_drop": 0.02}


@pytest.mark.parametrize(
    ("gates", "informs"),
    [
        ([("e1", FIRST), ("e1", SECOND)], [False, True]),
        ([("e1", FIRST), ("e1", {**SECOND, "inconclusive": "fail"})], [False, False]),
        ([("fit_seconds", SECOND), ("e1", FIRST)], [True, False]),
        ([("fit_seconds", SECOND), ("predict_seconds", SECOND)], [False, True]),
        ([("fit_seconds", {**SECOND, "primary": True}), ("e1", FIRST)], [False, False]),
        ([("fit_seconds", SECOND), ("e1", {**FIRST, "primary": True}), ("e1", SECOND)], [True, False, True]),
        ([("fit_seconds", SECOND), ("e1", {**FIRST, "primary": False})], [True, True]),
        ([("e1", {"at_least": 0.5}), ("fit_seconds", SECOND)], [False, False]),
    ],
)
def test_one_margin_fails_by_default_and_no_timing_silences_it(gates: Any, informs: list[bool]) -> None:
    experiment = declared(["d"], ["m"], ["e1"])
    declares = [experiment.gate(metric, **options) for metric, options in gates]
    (cell,) = expand(experiment, ["cpu"])
    assert [cell.informs(gate) for gate in declares] == informs


def test_an_experiment_that_is_not_complete_has_no_cells() -> None:
    with pytest.raises(DeclarationError, match="declares no dataset"):
        expand(Experiment("e"), ["cpu"])


@pytest.mark.parametrize("mixed", [False, True])
def test_what_an_evaluator_makes_of_timings_silences_no_margin(mixed: bool) -> None:
    experiment = declared(["d"], ["m"], ["e1"])
    if mixed:
        experiment.evaluator(lambda y_true, y_pred, timings: 0.0, name="speed", minimize="cost")
    else:
        experiment.evaluator(lambda timings: 0.0, name="speed", minimize="cost")
    declares = [experiment.gate(metric, max_drop=0.01) for metric in ("fit_seconds", "cost", "e1")]
    cell = expand(experiment, ["cpu"])[0]
    assert [cell.informs(gate) for gate in declares] == [True, True, False]


def test_of_an_evaluator_that_makes_timings_and_more_the_name_decides_and_one_alone_fails() -> None:
    for metrics, informs in ((("p95_latency", "share"), [True, False]), (("p95_latency",), [False])):
        experiment = declared(["d"], ["m"], [])
        directions = {"minimize": "p95_latency", "maximize": "share"}
        experiment.evaluator(lambda y_true, y_pred, timings: {"share": 1.0, "p95_latency": 1.0}, name="e", **directions)
        declares = [experiment.gate(metric, max_drop=0.01) for metric in metrics]
        cell = expand(experiment, ["cpu"])[0]
        assert [cell.informs(gate) for gate in declares] == informs


ON = ["d1", "d2", "m1", "m2", "m2-d1-e-cpu", "m1-d2-e-cpu"]


@given(st.lists(st.sampled_from(ON), unique=True))
def test_a_gate_shares_a_dataset_with_a_cell_where_it_covers_one_on_it(on: list[str]) -> None:
    experiment = declared(["d1", "d2"], ["m1", "m2"], ["e"])
    gate = experiment.gate("e", at_least=0.5, on=on)
    cells = expand(experiment, ["cpu"])
    for cell in cells:
        covered = [other for other in cells if other.dataset is cell.dataset and other.is_covered(gate)]
        assert cell.shares_dataset_with(gate) is bool(covered)
