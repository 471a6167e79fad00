"""``--mlexp-baseline`` and ``mlexp_baseline``: another accepted state than ``mlexp.lock``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_mlexp.cli import main
from pytest_mlexp.tracking._mlflow import accepted as module

if TYPE_CHECKING:
    from tests.plugin.gates.conftest import Project


def test_another_lock_is_written_and_met(project: Project) -> None:
    project.run("--mlexp-accept", "--mlexp-baseline=other.lock").assert_outcomes(passed=1)
    assert not (project.path / "mlexp.lock").exists()
    project.run("--mlexp-baseline=other.lock").stdout.fnmatch_lines(["gates: passing: 1 identical"])


def test_a_lock_in_a_folder_is_named_with_it(project: Project) -> None:
    (project.path / "kept of it").mkdir()
    accepted = project.run("--mlexp-accept", "--mlexp-baseline=kept of it/other.lock")
    accepted.stdout.fnmatch_lines(["*mlexp: accepted into kept of it/other.lock*"])
    text = (project.path / "kept of it" / "other.lock").read_text(encoding="utf-8")
    (command,) = [line for line in text.splitlines() if "--mlexp-accept" in line]
    assert command == "#     pytest --mlexp --mlexp-accept '--mlexp-baseline=kept of it/other.lock'"
    project.edit("def guess(", "def renamed(")
    gone = project.run("--mlexp-baseline=kept of it/other.lock")
    gone.stdout.fnmatch_lines([f"VANISHED kept of it/other.lock expects {project.cell}, *"])


def test_a_lock_that_is_not_there_is_refused(project: Project) -> None:
    refused = project.run("--mlexp-baseline=other.lock")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*--mlexp-baseline: there is no file *other.lock*"])


def test_a_lock_in_the_ini_file_that_is_not_there_is_refused_until_it_is_made(project: Project) -> None:
    project.run("--mlexp-accept")
    project.settings("mlexp_baseline = mlexp.lok")
    refused = project.run()
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["ERROR: *ini: mlexp_baseline: there is no file *.lok*did you mean 'mlexp.lock'*"])
    project.run("--mlexp-accept").assert_outcomes(passed=1)
    project.run().stdout.fnmatch_lines(["gates: passing: 1 identical"])


def test_mlflow_in_the_ini_file_is_refused(project: Project) -> None:
    project.settings("mlexp_baseline = mlflow:abc")
    refused = project.run()
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["ERROR: *ini: mlexp_baseline: only the option takes *: --mlexp-baseline=mlflow:abc"])


def test_a_new_cell_is_told_under_quiet_too(project: Project) -> None:
    project.run("-q").stdout.fnmatch_lines(["next: accept what is new of 1 cell *", "gates: passing: 1 new"])


def test_a_torn_lock_is_refused(project: Project) -> None:
    (project.path / "mlexp.lock").write_text("<<<<<<< HEAD\n", encoding="utf-8")
    refused = project.run()
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*mlexp.lock cannot be read *: restore it from git*"])


def test_what_a_run_accepted_is_met_again_from_mlflow(
    project: Project, store: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlflow import MlflowClient

    accepted = project.run("--mlexp-accept", tracking=store)
    (where,) = [line for line in accepted.outlines if line.startswith("to judge against it elsewhere: --mlexp-base")]
    for path in ("mlexp.lock", "mlexp.lock.d"):
        (project.path / path).rename(project.path / f"away-{path}")
    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("toy")
    assert experiment is not None
    cell = next(run for run in client.search_runs([experiment.experiment_id]) if "mlexp.cell" in run.data.tags)
    session = cell.data.tags["mlflow.parentRunId"]
    client.create_registered_model("guess")
    client.create_model_version("guess", "nowhere", cell.info.run_id)
    client.set_registered_model_alias("guess", "champion", "1")
    own = client.get_run(session).data.tags["mlexp.session"]
    assert where.endswith(f"--mlexp-baseline=mlflow:{own}")
    for name in (session, own, "guess@champion"):
        found = project.run(f"--mlexp-baseline=mlflow:{name}", tracking=store)
        found.stdout.fnmatch_lines(["gates: passing: 1 identical"])
    monkeypatch.chdir(project.path)
    assert main(["compare", f"mlflow:{session}", session, f"--tracking-uri={store}"]) == 0
    assert "unchanged: 1 metric of 1 cell" in capsys.readouterr().out
    monkeypatch.setattr(module, "_LOOKED_AT", 4)  # as many as there are sessions; cells are as many again
    for name, meant in (
        ("nobody", f"known: {session} (session {own}, 20"),
        ("guess@champ", "did you mean 'guess@champion'?"),
    ):
        assert main(["compare", session, f"mlflow:{name}", f"--tracking-uri={store}"]) == 2
        told = capsys.readouterr().err
        assert f"no accepted state '{name}' in MLflow" in told
        assert meant in told
    workers = project.run(f"--mlexp-baseline=mlflow:{session}", "-n", "2", tracking=store)
    workers.stdout.fnmatch_lines(["gates: passing: 1 identical"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--mlexp-baseline=mlflow:0123456789abcdef0123456789abcdef"], "no accepted state '0123*"),
        (["--mlexp-baseline=mlflow:model@nobody"], "no accepted state 'model@nobody' in MLflow: *"),
        (["--mlexp-baseline=mlflow:abc", "--mlexp-accept"], "--mlexp-accept writes to a file"),
        (["--mlexp-baseline=mlflow:abc", "--mlexp-tracking-uri=off"], "there is no store with *"),
    ],
)
def test_what_mlflow_does_not_have_is_refused(project: Project, store: str, options: list[str], words: str) -> None:
    refused = project.run(*options, tracking=store)
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines([f"ERROR: --mlexp-baseline=mlflow:*: {words}"])
