from __future__ import annotations

import html
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.errors import DeclarationError, DeviceError, SettingsError
from pytest_mlexp.gates.lock import Accepted, Lock, LockedCell, LockedExperiment, LockedMetric, write
from pytest_mlexp.tracking.address import how_to_open
from pytest_mlexp.tracking.journal import read

if TYPE_CHECKING:
    from tests.conftest import Toy


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def fail(*_: Any) -> Any:
    raise RuntimeError("no convergence")


def test_results_are_found_by_cell_id(toy: Toy) -> None:
    results = toy.experiment.run(tracking_uri="off")
    assert list(results) == ["half-numbers_from_zero-hits-cpu"]
    assert results["half-numbers_from_zero-hits-cpu"]["accuracy"] == 1.0
    assert len(results) == 1
    with pytest.raises(KeyError, match="did you mean 'half-numbers_from_zero-hits-cpu'"):
        results["half-numbers_from_zero-hit-cpu"]


def test_a_cell_that_fails_is_in_the_records_and_the_rest_goes_on(toy: Toy) -> None:
    toy.add("broken", fail, fail)
    results = toy.experiment.run(tracking_uri="off")
    assert list(results) == ["half-numbers_from_zero-hits-cpu"]
    assert [record.error for record in results.records] == [None, "RuntimeError: no convergence"]
    assert results.to_frame()["error"].dropna().tolist() == ["RuntimeError: no convergence"]
    assert "failed: toy: broken" in results._repr_html_()


def test_gates_are_judged(toy: Toy) -> None:
    toy.experiment.gate("accuracy", at_least=1.5)
    ((verdict,),) = toy.experiment.run(tracking_uri="off").verdicts.values()
    assert (verdict.status, verdict.value) == ("breach", 1.0)


def test_gates_meet_the_accepted_state(toy: Toy, somewhere: Path) -> None:
    toy.experiment.gate("accuracy", max_drop=0.01)
    ((verdict,),) = toy.experiment.run(tracking_uri="off").verdicts.values()
    assert verdict.status == "new"
    (somewhere / "other.lock").write_text("[experiments", encoding="utf-8")
    with pytest.raises(SettingsError, match="cannot be read"):
        toy.experiment.run(tracking_uri="off", baseline="other.lock")


def test_new_and_vanished_cells_and_a_looser_error_rate_are_problems(toy: Toy, somewhere: Path) -> None:
    cell = "half-numbers_from_zero-hits"
    toy.experiment.gate("accuracy", max_drop=0.01)
    (new,) = toy.experiment.run(tracking_uri="off").problems()
    assert new.startswith(f"new: gate 'accuracy max_drop=0.01' of {cell}-cpu: nothing is accepted yet")
    locked = LockedCell("d", "s", "f", 1, metrics={"accuracy": LockedMetric(True, Accepted(1.0, 0.0, (1.0,), "runs"))})
    cells = dict.fromkeys((f"{cell}-cpu", "gone-numbers_from_zero-hits-cpu"), locked)
    write(somewhere / "mlexp.lock", Lock(experiments={"toy": LockedExperiment(cells=cells)}), {})
    problems = toy.experiment.run(tracking_uri="off", alpha=0.01).problems()
    assert any(
        line.startswith("vanished: gone-numbers_from_zero-hits-cpu: mlexp.lock expects gone-") for line in problems
    )
    assert any("alpha 0.05, now it is 0.01" in line for line in problems)
    with pytest.raises(SettingsError, match=r"alpha 0\.5 must be a number from 0\.001 to 0\.1"):
        toy.experiment.run(tracking_uri="off", alpha=0.5)


def test_nothing_is_written_where_nothing_is_to_be_kept(toy: Toy, somewhere: Path) -> None:
    toy.experiment.run(tracking_uri="off", store="off")
    assert list(somewhere.iterdir()) == []


def test_a_run_is_journalled_and_mirrored_by_default(toy: Toy, somewhere: Path, template: Path) -> None:
    from mlflow import MlflowClient

    (somewhere / ".mlexp").mkdir()
    shutil.copyfile(template, somewhere / ".mlexp" / "mlflow.db")
    toy.experiment.gate("accuracy", at_least=0.5)
    results = toy.experiment.run()
    assert results.mirrored is not None
    assert (results.mirrored.failed, results.mirrored.runs_written) == (None, 2)
    (folder,) = (somewhere / ".mlexp" / "sessions").iterdir()
    address = f"sqlite:///{somewhere}/.mlexp/mlflow.db"
    assert (results.session, results.tracking_uri) == (folder.name, address)
    where = [f"session {folder.name}: mlexp reproduce {folder.name}", f"open the runs: {how_to_open(address)}"]
    assert str(results).splitlines()[-2:] == where
    assert all(f"<p>{html.escape(line)}</p>" in results._repr_html_() for line in where)
    journal = read(folder)
    assert [(test.node, test.outcome) for test in journal.tests] == [("run", "passed")]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "<h2>toy: numbers_from_zero, hits</h2>" in page
    assert "<dt>ended</dt><dd>passed, after" in page
    client = MlflowClient(f"sqlite:///{somewhere}/.mlexp/mlflow.db")
    experiment = client.get_experiment_by_name("toy")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert {run.info.status for run in runs} == {"FINISHED"}
    (session,) = [run for run in runs if run.info.run_name == folder.name]
    assert "report.html" in {file.path for file in client.list_artifacts(session.info.run_id)}


def test_a_run_with_a_failing_gate_is_recorded_as_failed(toy: Toy, somewhere: Path) -> None:
    toy.experiment.gate("accuracy", at_least=1.1)
    toy.experiment.run(tracking_uri="http://127.0.0.1:1")
    (folder,) = (somewhere / ".mlexp" / "sessions").iterdir()
    end = read(folder).end
    assert end is not None
    assert end.status == "FAILED"


def test_an_interrupted_run_keeps_what_ran(toy: Toy, somewhere: Path) -> None:
    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    toy.add("slow", interrupt, interrupt)
    with pytest.raises(KeyboardInterrupt):
        toy.experiment.run(tracking_uri="http://127.0.0.1:1")
    (folder,) = (somewhere / ".mlexp" / "sessions").iterdir()
    journal = read(folder)
    assert [cell.model for cell in journal.cells] == ["half"]
    assert journal.end is not None
    assert journal.end.status == "KILLED"


def test_what_cannot_be_is_refused_before_anything_is_fitted(toy: Toy) -> None:
    with pytest.raises(SettingsError, match="did you mean 'cuda'"):
        toy.experiment.run(devices="cude")
    with pytest.raises(SettingsError, match="no address of an MLflow store"):
        toy.experiment.run(tracking_uri="runs")
    toy.experiment.gate("acuracy", at_least=0.5)
    with pytest.raises(DeclarationError, match="did you mean 'accuracy'"):
        toy.experiment.run(tracking_uri="off")
    assert toy.fits == []


def test_a_device_that_is_not_here_is_an_error(toy: Toy) -> None:
    with pytest.raises(DeviceError, match=r"device 'cuda:99' is not here: .*; the devices here are cpu"):
        toy.experiment.run(devices="cuda:99", tracking_uri="off")


def test_models_that_no_device_asked_for_runs_are_a_problem_and_an_error_where_they_are_all(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_mlexp.blocks.device.probe", lambda: ("cpu", "cuda:0"))
    with pytest.raises(DeviceError, match=r"nothing of experiment 'toy' runs: not run on cuda:0: 1 model of .*half"):
        toy.experiment.run(devices="cuda:0", tracking_uri="off")
    toy.experiment.model(lambda device: lambda X: (X[:, 0] > 5).astype(int), name="moved")
    monkeypatch.setattr("pytest_mlexp.runner.Flow.evaluate", lambda *_: None)
    monkeypatch.setattr("pytest_mlexp.runner.Judging.judge", lambda *_: ())
    results = toy.experiment.run(devices="cuda:0", tracking_uri="off")
    assert results.problems() == [results.left_out]
    assert "(half)" in results.left_out


def test_problems_tell_of_failures_gates_and_what_was_not_kept(toy: Toy) -> None:
    toy.add("broken", fail, fail)
    toy.experiment.gate("accuracy", at_least=1.5)
    results = toy.experiment.run(tracking_uri="http://127.0.0.1:1")
    failed, breached, unkept = results.problems()
    assert failed.startswith("failed: toy: broken")
    assert breached.startswith("gate 'accuracy at_least=1.5' of half-numbers_from_zero-hits-cpu: accuracy is 1")
    assert unkept.startswith("MLflow holds 0 of 2 cells: http://127.0.0.1:1: cannot be reached")
    assert breached.replace("'", "&#x27;") in results._repr_html_()


def test_the_environment_names_the_store_where_nobody_else_does(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:1")
    results = toy.experiment.run()
    assert results.mirrored is not None
    assert "127.0.0.1:1" in (results.mirrored.failed or "")
    assert results.session is not None
    assert str(results).splitlines()[-1].startswith(f"session {results.session}: ")  # and nothing to open
    unrecorded = toy.experiment.run(tracking_uri="off")
    assert (unrecorded.mirrored, unrecorded.session, unrecorded.tracking_uri) == (None, None, None)


def test_a_misspelt_off_is_refused_before_anything_is_recorded(toy: Toy) -> None:
    with pytest.raises(SettingsError, match="'of' is no store: did you mean 'off'"):
        toy.experiment.run(store="of")
    assert not Path(".mlexp").exists()


def test_an_empty_variable_names_no_store(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(uri: str | None) -> None:
        raise SettingsError(f"asked for {uri}")

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")
    monkeypatch.setattr("pytest_mlexp.runner.check_uri", check)
    with pytest.raises(SettingsError, match="asked for None"):
        toy.experiment.run()


def test_results_print_as_leaderboards_and_problems(toy: Toy) -> None:
    toy.add("broken", fail, fail)
    shown = str(toy.experiment.run(tracking_uri="off")).splitlines()
    assert shown[0] == "toy: numbers_from_zero, hits"
    assert shown[3].startswith("half")
    assert shown[-1] == "failed: toy: broken-numbers_from_zero-hits-cpu: RuntimeError: no convergence"


def test_a_cell_that_failed_says_so_when_it_is_asked_for(toy: Toy) -> None:
    toy.add("broken", fail, fail)
    results = toy.experiment.run(tracking_uri="off")
    with pytest.raises(KeyError, match="failed, it has no evaluation: RuntimeError: no convergence"):
        results["broken-numbers_from_zero-hits-cpu"]


def test_a_frame_has_the_parameters_in_columns(toy: Toy) -> None:
    toy.experiment.model(lambda k: lambda X: (X[:, 0] > k).astype(int), name="above", params={"k": [1, 5]})
    frame = toy.experiment.run(tracking_uri="off").to_frame()
    assert frame.set_index("model")["params.k"].dropna().to_dict() == {"above-k=1": "1", "above-k=5": "5"}
    assert frame["maximize"].all()


def test_runs_of_a_project_are_in_one_place_wherever_they_start(
    toy: Toy, somewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (somewhere / "pyproject.toml").touch()
    (somewhere / "experiments").mkdir()
    monkeypatch.chdir(somewhere / "experiments")
    toy.experiment.run(tracking_uri="http://127.0.0.1:1")
    assert (somewhere / ".mlexp" / "sessions").is_dir()
    assert not (somewhere / "experiments" / ".mlexp").exists()


def test_notes_on_cells_are_told_too(toy: Toy) -> None:
    class Unweighted:
        def fit(self, X: Any, y: Any) -> None: ...

        def predict(self, X: Any) -> Any:
            return X[:, 0] > 5

    X = np.arange(12.0).reshape(-1, 1)
    data = Dataset.from_arrays(X, X[:, 0] > 5, split=([0, 6], [1, 7]), sample_weight=np.ones(12))
    toy.experiment.dataset(lambda: data, name="weighted")
    toy.experiment.model(Unweighted, name="unweighted")
    told = toy.experiment.run(tracking_uri="off").problems()
    assert "note: unweighted-weighted-hits-cpu: fit takes no sample weights, those of 'weighted' were not used" in told
