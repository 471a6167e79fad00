from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_mlexp.records import CellRecord, DatasetRecord, SessionRecord, Summary, TestRecord
from pytest_mlexp.tracking._mlflow import mirror
from pytest_mlexp.tracking.journal import Journal
from pytest_mlexp.tracking.lines import JournalRecord
from pytest_mlexp.verdicts import Status, Verdict

if TYPE_CHECKING:
    from tests.tracking.conftest import Store


def passed(cell: CellRecord) -> TestRecord:
    return TestRecord(cell.cell, cell.experiment, f"test_quality[{cell.cell}]", "passed", 0.5)


def test_a_cell_becomes_one_run_under_the_run_of_its_session(store: Store) -> None:
    cell = store.cell()
    done = store.mirror_cells(cell, passed(cell))
    assert (done.runs_written, done.runs_already_there, done.experiments, done.failed) == (2, 0, ("churn",), None)
    found = store.runs()
    assert set(found) == {"s1", "forest-cpu"}
    run, parent = found["forest-cpu"], found["s1"]
    assert (run.info.status, run.info.start_time, run.info.end_time) == ("FINISHED", 2_000, 3_000)
    assert (parent.info.status, parent.info.start_time, parent.info.end_time) == ("FINISHED", 1_000, 9_000)
    wanted = {
        "mlflow.parentRunId": parent.info.run_id,
        "mlflow.source.git.commit": "c0ffee",
        "mlexp.uid": "s1/churn/forest-cpu",
        "mlexp.session": "s1",
        "mlexp.cell": "forest-cpu",
        "mlexp.model": "forest",
        "mlexp.dataset": "telco",
        "mlexp.evaluator": "roc",
        "mlexp.device": "cpu",
        "mlexp.test": "test_quality[forest-cpu]",
        "mlexp.outcome": "passed",
        "mlexp.fingerprint.model": "m1",
        "mlexp.environment": "e" * 16,
    }
    assert run.data.tags.items() >= wanted.items()
    assert run.data.params.items() >= {"n": "100", "seeds": "0, 1", "splits": "holdout"}.items()


def test_metrics_hold_mean_spread_and_the_value_of_each_trial(store: Store) -> None:
    store.mirror_cells(store.cell())
    run = store.runs()["forest-cpu"]
    assert run.data.metrics == {
        "auc": 0.5,
        "auc.std": 0.35,
        "auc.trials": 0.25,
        "fit_seconds": 2.0,
        "predict_seconds": 0.5,
    }
    history = store.client.get_metric_history(run.info.run_id, "auc.trials")
    assert [(point.step, point.value) for point in history] == [(0, 0.75), (1, 0.25)]


def test_the_dataset_is_an_input_with_digest_version_and_schema(store: Store) -> None:
    store.mirror_cells(store.cell())
    inputs = store.client.get_run(store.runs()["forest-cpu"].info.run_id).inputs
    assert inputs is not None
    (entry,) = inputs.dataset_inputs
    assert entry.dataset.profile is not None
    assert (entry.dataset.name, entry.dataset.digest) == ("telco", "0123456789abcdef")
    assert entry.dataset.schema == '{"age": "int64"}'
    assert json.loads(entry.dataset.source)["version"] == "2024-06"
    assert json.loads(entry.dataset.profile) == {"num_rows": 100}


def test_the_session_run_tells_the_environment(store: Store) -> None:
    store.mirror_cells(store.cell())
    parent = store.runs()["s1"]
    wanted = {
        "mlflow.source.git.commit": "c0ffee",
        "mlflow.source.git.branch": "main",
        "mlflow.source.git.dirty": "true",
        "python": "3.11.7",
        "platform": "Linux",
        "mlexp.environment": "e" * 16,
    }
    assert parent.data.tags.items() >= wanted.items()
    assert store.artifact(parent, "requirements.txt") == b"attrs==1.0\nnumpy==2.0\n"
    assert store.artifact(parent, "uncommitted.diff") == b"-a\n+b\n"
    assert json.loads(store.artifact(parent, "environment.json"))["git"]["branch"] == "main"


def test_artifacts_of_a_cell_are_copied_beside_its_evaluation(store: Store) -> None:
    folder = store.root / ".mlexp" / "sessions" / "s1"
    with Journal(folder) as journal:
        path = journal.write_artifact("forest/predictions.parquet", b"PAR1")
        for record in (store.session, store.cell(artifacts={"predictions.parquet": path}), store.end):
            journal.append(record)
    mirror(folder, store.uri)
    run = store.runs()["forest-cpu"]
    assert store.artifact(run, "predictions.parquet") == b"PAR1"
    assert json.loads(store.artifact(run, "evaluation.json"))["metrics"]["auc"]["values"] == [0.75, 0.25]
    assert Path(run.info.artifact_uri.removeprefix("file://")).is_relative_to(store.root / ".mlexp" / "artifacts")


def test_sessions_and_experiments_stay_apart(store: Store) -> None:
    other = CellRecord("svm-cpu", "fraud", "svm", DatasetRecord("cards"), "roc", "cpu")
    done = store.mirror_cells(store.cell(), other)
    second = SessionRecord("s2", 1, ("pytest",))
    mirror(store.write(second, store.cell("next"), store.end, session="s2"), store.uri)
    assert done.experiments == ("churn", "fraud")
    assert set(store.runs()) == {"s1", "s2", "forest-cpu", "next"}
    assert set(store.runs("fraud")) == {"s1", "svm-cpu"}


def test_an_active_run_is_the_parent_and_stays_open(store: Store) -> None:
    client = store.client
    outer = client.create_run(client.create_experiment("mine"), run_name="outer")
    session = SessionRecord(
        "s1", 1_000, ("pytest",), parent_run=outer.info.run_id, environment=store.session.environment
    )
    folder = store.write(session, store.cell(), store.end)
    assert mirror(folder, store.uri).failed is None
    assert mirror(folder, store.uri).runs_written == 0
    found = store.runs()
    assert set(found) == {"forest-cpu"}
    assert found["forest-cpu"].data.tags["mlflow.parentRunId"] == outer.info.run_id
    after = client.get_run(outer.info.run_id)
    assert after.info.status == "RUNNING"
    files = client.list_artifacts(outer.info.run_id, "mlexp/s1")
    names = {"environment.json", "requirements.txt", "session.json", "uncommitted.diff"}
    assert {Path(file.path).name for file in files} == names


def test_a_parent_run_that_is_gone_is_replaced_by_a_run_of_the_session(store: Store) -> None:
    session = SessionRecord("s1", 1_000, ("pytest",), parent_run="0" * 32)
    assert mirror(store.write(session, store.cell(), store.end), store.uri).failed is None
    assert set(store.runs()) == {"s1", "forest-cpu"}


def test_names_mlflow_refuses_are_mapped_and_kept_apart(store: Store) -> None:
    names = ("f1[class=a]", "f1_class=a]", "p@5", "../up", "a//b", "k" * 300, "é")
    metrics = {name: Summary(name, (float(k), k + 1.0), k + 0.5, 0.5, True) for k, name in enumerate(names)}
    params = dict.fromkeys(names, "v")
    done = store.mirror_cells(store.cell(metrics=metrics, params=params))
    assert done.failed is None
    run = store.runs()["forest-cpu"]
    means = sorted(v for key, v in run.data.metrics.items() if v % 1 == 0.5 and key != "predict_seconds" and v != 0.35)
    assert set(means) == {k + 0.5 for k in range(len(names))}
    assert sum(value == "v" for value in run.data.params.values()) == len(names)


def test_values_too_long_for_mlflow_are_whole_in_an_artifact(store: Store) -> None:
    params, error = {"sql": "x" * 20_000}, "e" * 20_000
    store.mirror_cells(store.cell(params=params, error=error))
    run = store.runs()["forest-cpu"]
    assert run.data.params["sql"] == "x" * 5_997 + "..."
    assert run.data.tags["mlexp.error"].endswith("...")
    assert json.loads(store.artifact(run, "long_values.json")) == {"param sql": params["sql"], "tag mlexp.error": error}


def test_numbers_that_are_not_finite_arrive_and_are_named(store: Store) -> None:
    metrics = {
        "nan": Summary("nan", (math.nan, math.nan), math.nan, math.nan, True),
        "inf": Summary("inf", (math.inf, -math.inf), math.nan, math.nan, True),
    }
    folder = store.write(store.session, store.cell(metrics=metrics), store.end)
    assert mirror(folder, store.uri).failed is None
    run = store.runs()["forest-cpu"]
    assert math.isnan(run.data.metrics["nan"])
    assert run.data.tags["mlexp.not_finite"] == "inf, nan"


def test_more_points_than_one_request_may_hold_all_arrive(store: Store) -> None:
    metrics = {f"m{k}": Summary(f"m{k}", tuple(map(float, range(300))), 1.0, 1.0, True) for k in range(4)}
    params = {f"p{k}": str(k) for k in range(150)}
    assert store.mirror_cells(store.cell(metrics=metrics, params=params)).failed is None
    run = store.runs()["forest-cpu"]
    assert len(run.data.params) >= 150
    assert len(store.client.get_metric_history(run.info.run_id, "m3.trials")) == 300


@pytest.mark.parametrize("why", ["error", "test"])
def test_a_failed_cell_is_a_failed_run_that_says_why(store: Store, why: str) -> None:
    if why == "error":
        cell = store.cell(error="ValueError: bad shape", traceback="Traceback: in fit", metrics={})
        records: tuple[JournalRecord, ...] = (cell,)
    else:
        cell = store.cell()
        records = (cell, TestRecord(cell.cell, "churn", "test_quality", "failed", 0.5, "auc 0.5 < 0.8"), passed(cell))
    store.mirror_cells(*records)
    run = store.runs()["forest-cpu"]
    assert run.info.status == "FAILED"
    if why == "error":
        assert run.data.tags["mlexp.error"] == "ValueError: bad shape"
        assert store.artifact(run, "traceback.txt") == b"Traceback: in fit"
    else:
        assert (run.data.tags["mlexp.outcome"], run.data.tags["mlexp.message"]) == ("failed", "auc 0.5 < 0.8")


def test_the_session_run_names_cells_that_have_a_verdict_and_no_run(store: Store) -> None:
    def absent(cell: str, status: Status, experiment: str = "churn") -> TestRecord:
        verdicts = (Verdict("auc", "auc", status, "why"), Verdict("f1", "f1", status, "why"))
        return TestRecord(cell, experiment, f"t.py::{cell}", "skipped", 0.0, verdicts=verdicts)

    cell = store.cell()
    tests = [passed(cell), absent("forest-mps", "skipped"), absent("gone", "vanished"), absent("x", "skipped", "other")]
    store.mirror_cells(cell, *tests)
    assert store.runs()["s1"].data.tags["mlexp.absent"] == "forest-mps: skipped; gone: vanished"
    assert "mlexp.absent" not in store.runs()[cell.cell].data.tags


def test_of_a_test_that_was_run_again_the_last_time_counts(store: Store) -> None:
    first, second = (TestRecord("forest-cpu", "churn", "test_a", outcome, 0.1) for outcome in ("failed", "passed"))
    store.mirror_cells(store.cell(), first, second)
    run = store.runs()["forest-cpu"]
    assert (run.info.status, run.data.tags["mlexp.outcome"]) == ("FINISHED", "passed")
    assert run.data.tags["mlexp.test"] == "test_a"


def test_the_parameters_of_the_estimator_are_parameters_of_the_run(store: Store) -> None:
    store.mirror_cells(store.cell(model_parameters={"logistic__C": "3.25", "n": "other"}))
    params = store.runs()["forest-cpu"].data.params
    assert (params["logistic__C"], params["n"]) == ("3.25", "100")  # what was declared comes first
