from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.records import Summary, TestRecord
from pytest_mlexp.tracking._mlflow import mirror
from pytest_mlexp.tracking.address import experiment_folder
from pytest_mlexp.tracking.journal import read
from pytest_mlexp.tracking.limits import AZURE, limits_of
from pytest_mlexp.tracking.mirror import RunPlan, plan
from pytest_mlexp.verdicts import Verdict
from tests.tracking.rest import Rest

if TYPE_CHECKING:
    from tests.tracking.conftest import Store


def run_plan(store: Store, limits: Any, **changes: Any) -> RunPlan:
    folder = store.write(store.session, store.cell(**changes), store.end)
    (experiment,) = plan(read(folder), folder, limits)
    return experiment.cells[0]


@pytest.mark.parametrize("length", [5_999, 6_000, 6_001])
def test_a_parameter_is_whole_up_to_the_limit_and_in_a_file_beyond(store: Store, length: int) -> None:
    assert store.mirror_cells(store.cell(params={"sql": "x" * length})).failed is None
    run = store.runs()["forest-cpu"]
    assert len(run.data.params["sql"]) == min(length, 6_000)
    if length > 6_000:
        assert json.loads(store.artifact(run, "long_values.json"))["param sql"] == "x" * length


@pytest.mark.parametrize("length", [5_000, 5_001, 8_001])
def test_a_tag_is_whole_up_to_the_limit_and_in_a_file_beyond(store: Store, length: int) -> None:
    assert store.mirror_cells(store.cell(error="e" * length, metrics={})).failed is None
    run = store.runs()["forest-cpu"]
    assert len(run.data.tags["mlexp.error"]) == min(length, 5_000)
    if length > 5_000:
        assert json.loads(store.artifact(run, "long_values.json"))["tag mlexp.error"] == "e" * length


@pytest.mark.parametrize("length", [243, 250, 251, 400])
def test_keys_at_the_limit_arrive(store: Store, length: int) -> None:
    name = "k" * length
    cell = store.cell(params={name: "v"}, metrics={name: Summary(name, (0.5, 1.5), 1.0, 0.7, True)})
    assert store.mirror_cells(cell).failed is None
    run = store.runs()["forest-cpu"]
    assert "v" in run.data.params.values()
    assert {1.0, 0.7, 1.5} <= set(run.data.metrics.values())


def test_a_long_command_line_is_whole_in_a_file(store: Store) -> None:
    from dataclasses import replace

    folder = store.write(replace(store.session, command=("pytest", "x" * 9_000)), store.cell(), store.end)
    assert mirror(folder, store.uri).failed is None
    parent = store.runs()["s1"]
    assert len(parent.data.tags["mlflow.source.name"]) == 5_000
    assert len(json.loads(store.artifact(parent, "long_values.json"))["tag mlflow.source.name"]) == 9_007


def test_azure_gets_no_more_and_no_longer_values_than_it_takes(store: Store) -> None:
    verdicts = tuple(Verdict(f"gate{k}", "max_drop", "pass", "fine") for k in range(60))
    metrics = {f"m{k}": Summary(f"m{k}", (0.5, 1.5), 1.0, 0.7, True) for k in range(30)}
    cell = store.cell(params={"sql": "x" * 501}, metrics=metrics, error="e" * 1_001)
    test = TestRecord(cell.cell, "churn", "test", "failed", 0.1, verdicts=verdicts)
    folder = store.write(store.session, cell, test, store.end)
    assert limits_of("azureml://westeurope.api.azureml.ms/mlflow/v1.0/x") is AZURE
    (experiment,) = plan(read(folder), folder, AZURE)
    run = experiment.cells[0]
    assert len(run.tags) <= 50
    assert max(map(len, run.tags)) <= 100
    assert max(map(len, run.tags.values())) <= 1_000
    assert max(map(len, run.params.values())) <= 500
    keys = {key for key, _, _ in run.series}
    assert len(keys) == 50
    assert {f"m{k}" for k in range(30)} < keys
    assert isinstance(run.files["long_values.json"], bytes)
    whole = json.loads(run.files["long_values.json"])
    assert len(whole["param sql"]) == 501
    assert (
        len([name for name in whole if name.startswith("tag mlexp.gate")])
        + len([name for name in run.tags if name.startswith("mlexp.gate")])
        == 60
    )


def databricks(rest_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", rest_uri)
    monkeypatch.setenv("DATABRICKS_TOKEN", "dapi-token")


def test_databricks_gets_paths_and_small_batches_and_only_calls_that_it_knows(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = Rest(store.root / "files", wants_paths=True)
    metrics = {f"m{k}": Summary(f"m{k}", tuple(map(float, range(300))), 1.0, 1.0, True) for k in range(4)}
    verdicts = tuple(Verdict(f"gate{k}", "max_drop", "pass", "fine") for k in range(120))
    cell = store.cell(params={f"p{k}": "v" for k in range(150)}, metrics=metrics)
    test = TestRecord(cell.cell, "churn", "test", "passed", 0.1, verdicts=verdicts)
    folder = store.write(store.session, cell, test, store.end)
    monkeypatch.setenv("MLEXP_EXPERIMENT_FOLDER", "/Users/me@example.org/")
    with rest.serve() as uri:
        databricks(uri, monkeypatch)
        done = mirror(folder, "databricks")
        again = mirror(folder, "databricks")
    assert (done.failed, done.runs_written) == (None, 2)
    assert (again.failed, again.runs_already_there) == (None, 2)
    assert list(rest.experiments) == ["/Users/me@example.org/churn"]
    assert rest.named() == {"s1": ["FINISHED"], "forest-cpu": ["FINISHED"]}
    data = rest.run("forest-cpu")["data"]
    assert len(data["params"]) >= 150
    assert sum(tag["key"].startswith("mlexp.gate.") for tag in data["tags"]) == 120
    assert "Bearer dapi-token" in rest.headers
    assert set(rest.calls) == {
        "experiments/get-by-name",
        "experiments/create",
        "runs/search",
        "runs/create",
        "runs/log-batch",
        "runs/log-inputs",
        "runs/update",
    }


def test_a_store_without_datasets_of_runs_gets_the_rest(store: Store) -> None:
    rest = Rest(store.root / "files", missing=frozenset({"runs/log-inputs"}))
    with rest.serve() as uri:
        done = mirror(store.write(store.session, store.cell(), store.end), uri)
    assert done.failed is None
    assert "keeps no datasets" in "".join(done.notes)
    assert rest.named() == {"s1": ["FINISHED"], "forest-cpu": ["FINISHED"]}


def test_a_folder_for_experiments_is_asked_for_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.delenv("MLEXP_EXPERIMENT_FOLDER", raising=False)
    assert experiment_folder("https://host", "/Shared") is None
    assert experiment_folder("databricks://work", "/Shared") == "/Shared"
    with pytest.raises(SettingsError, match="set MLEXP_EXPERIMENT_FOLDER, or mlexp_experiment_folder"):
        experiment_folder("databricks")
    with pytest.raises(SettingsError, match="must be a path from the root"):
        experiment_folder("databricks", "Shared")
    monkeypatch.setenv("MLEXP_EXPERIMENT_FOLDER", "/Users/me")
    assert experiment_folder("databricks", "/Shared") == "/Users/me"
