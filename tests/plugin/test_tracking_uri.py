"""The option ``--mlexp-tracking-uri``, and what stands in the store afterwards."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project


def test_by_default_runs_are_in_a_store_beside_the_project(project: Project, template: Path) -> None:
    project.ready_store(template)
    result = project.pytest("--mlexp", tracking=None)
    result.stdout.fnmatch_lines(
        [f"open the runs: *mlflow ui --backend-store-uri sqlite:///{project.root}/.mlexp/mlflow.db"]
    )
    runs = project.runs()
    cells = [run for name, run in runs.items() if name.startswith("threshold")]
    (parent,) = (run for name, run in runs.items() if not name.startswith("threshold"))
    assert len(cells) == 4
    assert {run.data.tags["mlflow.parentRunId"] for run in cells} == {parent.info.run_id}
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert (parent.data.params["seeds"], parent.data.metrics["cells"]) == ("0, 1", 4)
    environment = project.artifact(parent, "environment.json")
    assert environment["command"][:2] == ["pytest", "-p"]
    assert "scikit-learn" in environment["packages"]
    assert "scikit-learn==" in project.artifact(parent, "requirements.txt")


def test_a_run_holds_what_a_cell_left(project: Project, template: Path) -> None:
    project.ready_store(template)
    project.pytest("--mlexp", "-k", "9 and mistakes", tracking=None)
    run = project.runs()["threshold-at=9-numbers-mistakes-cpu"]
    assert run.data.params["at"] == "9"
    assert run.data.params["seeds"] == "0, 1"
    assert (run.data.metrics["misses"], run.data.metrics["false_alarms"]) == (0, 0)
    assert run.data.tags["mlexp.test"] == "test_it.py::test_quality[threshold-at=9-numbers-mistakes-cpu]"
    assert run.data.tags["mlexp.outcome"] == "passed"
    assert run.data.tags["mlexp.device"] == "cpu"
    assert run.inputs is not None
    (dataset,) = run.inputs.dataset_inputs
    assert (dataset.dataset.name, len(dataset.dataset.digest)) == ("numbers", 32)
    assert run.data.tags["mlexp.dataset.version"] == "7"
    record = project.artifact(run, "evaluation.json")
    assert record["description"] == "Small or large?"
    assert Path(run.info.artifact_uri.removeprefix("file://"), "predictions.parquet").exists()


def test_a_failed_cell_is_a_failed_run_with_the_error(project: Project, template: Path) -> None:
    project.ready_store(template)
    project.write_broken()
    project.pytest("--mlexp", "-k", "broken and hits", tracking=None)
    run = project.runs()["broken-numbers-hits-cpu"]
    assert run.info.status == "FAILED"
    assert run.data.tags["mlexp.error"] == "RuntimeError: no convergence"
    assert "in fit" in project.artifact(run, "traceback.txt")
    assert run.inputs is not None
    assert len(run.inputs.dataset_inputs) == 1


def test_a_breached_gate_is_a_failed_run_with_its_numbers(project: Project, template: Path) -> None:
    project.ready_store(template)
    project.write(blocks="\nsample.gate('accuracy', at_least=0.95)\n")
    project.pytest("--mlexp", "-k", "5 and hits", tracking=None).assert_outcomes(failed=1, deselected=3)
    run = project.runs()["threshold-at=5-numbers-hits-cpu"]
    assert run.info.status == "FAILED"
    assert run.data.metrics["accuracy"] == pytest.approx(0.8)
    (verdict,) = (value for name, value in run.data.tags.items() if name.startswith("mlexp.gate"))
    assert verdict.startswith("breach: accuracy is 0.8, at least 0.95")


@pytest.mark.parametrize("where", ["option", "environment", "ini"])
def test_another_store_can_be_named(
    project: Project, template: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    from mlflow import MlflowClient

    store = project.root / "elsewhere.db"
    store.write_bytes(template.read_bytes())
    uri = f"sqlite:///{store}"
    if where == "environment":
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    if where == "ini":
        project.pytester.makeini(f"[pytest]\nmlexp_tracking_uri = {uri}\n")
    monkeypatch.chdir(project.root)
    project.pytest("--mlexp", "-k", "9 and hits", tracking=uri if where == "option" else None)
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("sample")
    assert experiment is not None
    assert experiment.tags["mlflow.note.content"] == "Small or large?"
    assert len(client.search_runs([experiment.experiment_id])) == 2
    assert not (project.root / ".mlexp" / "mlflow.db").exists()


def test_off_records_nothing(project: Project) -> None:
    result = project.pytest("--mlexp", tracking="off")
    result.assert_outcomes(passed=4)
    assert {path.name for path in (project.root / ".mlexp").iterdir()} == {".gitignore", "store"}
    assert "open the runs" not in result.stdout.str()


@pytest.mark.parametrize("server", ["refused", "mute"])
def test_a_server_that_is_away_changes_no_verdict_and_loses_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    project.write_broken()
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        if server == "mute":
            there.listen()
        uri = f"http://127.0.0.1:{there.getsockname()[1]}"
        result = project.pytest("--mlexp", tracking=uri)
    result.assert_outcomes(passed=4, failed=2)
    result.stdout.fnmatch_lines(
        ["not mirrored to MLflow: *; nothing is lost, `mlexp sync` writes it from the journal *"]
    )
    assert len(project.journal().cells) == 6


def test_the_option_comes_before_the_environment(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    project.pytest("--mlexp", "-k", "9 and hits", tracking="off")
    assert not (project.root / ".mlexp" / "sessions").exists()


def test_a_wrong_address_is_blamed_on_the_place_it_stands_in(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "./mlruns")
    project.pytest("--mlexp", tracking=None).stderr.fnmatch_lines(["ERROR: MLFLOW_TRACKING_URI: './mlruns' is no *"])


@pytest.mark.parametrize("uri", ["runs", "htp://host"])
def test_an_address_that_is_no_stores_is_refused_before_anything_runs(project: Project, uri: str) -> None:
    result = project.pytest("--mlexp", tracking=uri)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --mlexp-tracking-uri: *is no address of an MLflow store*"])
    assert project.fits() == []


def test_a_run_that_is_active_becomes_the_parent(project: Project, template: Path) -> None:
    (project.root / "nightly.db").write_bytes(template.read_bytes())
    project.write(
        conftest="""
        import mlflow, pytest

        @pytest.fixture(scope="session", autouse=True)
        def outer(request):
            mlflow.set_tracking_uri(f"sqlite:///{request.config.rootpath}/nightly.db")
            with mlflow.start_run(run_name="nightly"):
                yield
        """
    )
    project.pytest("--mlexp", "-k", "9 and hits", "-W", "ignore", tracking=None, process=True).assert_outcomes(
        passed=1, deselected=3
    )
    (nightly,) = project.runs("Default", store="nightly.db").values()
    assert nightly.info.status == "FINISHED"
    run = project.runs(store="nightly.db")["threshold-at=9-numbers-hits-cpu"]
    assert run.data.tags["mlflow.parentRunId"] == nightly.info.run_id


def test_a_journal_that_cannot_be_written_changes_no_verdict(project: Project) -> None:
    (project.root / ".mlexp").write_text("a file is in the way")
    result = project.pytest("--mlexp", tracking="http://127.0.0.1:1")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["the journal is not complete: cannot write *"])
