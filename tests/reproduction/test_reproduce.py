"""``mlexp reproduce``: a real project, logged by two workers, had again from its journal and from MLflow."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_mlexp.cli import main
from pytest_mlexp.tracking.embedded import default_uri
from pytest_mlexp.tracking.journal import ignore_in_git, read
from tests.reproduction.project import FILES, git
from tests.tracking.conftest import flip_bit

if TYPE_CHECKING:
    from mlflow import MlflowClient

EXTRA = FILES["blocks.py"].replace('Experiment("toy"', 'Experiment("extra"')
SCRIPT = "from blocks import toy\nprint(toy.run())\n"
IDENTICAL = "reproduced: 6 identical"
Run = Callable[..., tuple[int, str]]


@dataclass(frozen=True)
class Project:
    """A checkout with a commit, an uncommitted change and an untracked experiment, and what was logged in it."""

    root: Path
    template: Path

    @property
    def session(self) -> str:
        return next(path.parent.name for path in sorted(self.root.glob(".mlexp/sessions/*/journal.jsonl")))

    def python(self, *arguments: str) -> None:
        """Run Python in it."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=self.root, env=clean(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def ready_store(self, folder: Path) -> None:
        """Put a store in place, which is made in seconds and copied in none."""
        ignore_in_git(folder / ".mlexp")
        shutil.copyfile(self.template, folder / ".mlexp" / "mlflow.db")

    def copy(self, target: Path) -> Project:
        shutil.copytree(self.root, target)
        return Project(target, self.template)

    def client(self) -> MlflowClient:
        from mlflow import MlflowClient

        return MlflowClient(default_uri(self.root))


def clean() -> dict[str, str]:
    own = ("PYTEST_", "MLFLOW_", "GIT_")
    found = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return {**found, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Project:
    root = tmp_path_factory.mktemp("logged") / "project"
    root.mkdir()
    for name, text in FILES.items():
        (root / name).write_text(text)
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "first")
    blocks = (root / "blocks.py").read_text().replace("shrink=30.0", "shrink=31.0")
    (root / "blocks.py").write_text(blocks)
    (root / "extra.py").write_text(EXTRA)
    (root / "test_extra.py").write_text(FILES["test_toy.py"].replace("from blocks import toy", "from extra import toy"))
    project = Project(root, template)
    project.ready_store(root)
    project.python("-m", "pytest", "-q", "--mlexp", "-n", "2")
    return project


@pytest.fixture
def reproduce(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], template: Path) -> Run:
    for name in set(os.environ) - set(clean()):
        monkeypatch.delenv(name)
    for name, value in clean().items():
        monkeypatch.setenv(name, value)

    def run(project: Project, name: str, *options: str) -> tuple[int, str]:
        monkeypatch.chdir(project.root)
        project.ready_store(project.root / ".mlexp" / "reproduce" / name.replace("/", "_"))
        status = main(["reproduce", name, *options])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


def test_here_it_is_identical(logged: Project, reproduce: Run) -> None:
    status, told = reproduce(logged, logged.session, "--here")
    assert status == 0, told
    assert "everything is as recorded" in told
    assert told.splitlines()[-1] == IDENTICAL


def test_a_clean_clone_has_it_from_mlflow_alone(logged: Project, reproduce: Run, tmp_path: Path) -> None:
    client = logged.client()
    runs = client.search_runs([e.experiment_id for e in client.search_experiments()])
    cell = next(run for run in runs if run.data.tags.get("mlexp.cell", "").startswith("slope") and _extra(client, run))
    git(tmp_path, "clone", "--quiet", str(logged.root), "clone")
    clone = Project(tmp_path / "clone", logged.template)
    options = (f"--tracking-uri={default_uri(logged.root)}", f"--python={sys.executable}")
    status, told = reproduce(clone, cell.info.run_id, *options)
    assert status == 0, told
    assert "1 file changed (+1 -1): blocks.py" in told
    assert "extra.py, test_extra.py" in told
    assert told.splitlines()[-1] == "reproduced: 1 identical"
    code = tmp_path / "clone" / ".mlexp" / "reproduce" / cell.info.run_id / "code"
    assert "shrink=31.0" in (code / "blocks.py").read_text()
    assert (code / "extra.py").read_text() == EXTRA
    assert git(clone.root, "status", "--porcelain") == ""
    status, told = reproduce(clone, cell.info.run_id, *options)
    assert status == 2
    assert "is there already" in told


def test_what_changed_is_named_and_a_cell_that_is_gone(logged: Project, reproduce: Run, tmp_path: Path) -> None:
    project = logged.copy(tmp_path / "copy")
    text = (project.root / "blocks.py").read_text()
    (project.root / "blocks.py").write_text(text.replace("[0.25, 0.5]", "[0.25]").replace("31.0", "33.0"))
    status, told = reproduce(project, project.session, "--here")
    assert status == 1
    lines = told.splitlines()
    rows = [line for line in lines if line.startswith(("toy:", "extra:"))]
    assert "constant-level=0.5" in rows[0]
    assert "missing" in rows[0]
    assert "different" in rows[1]
    assert "parameters changed: slope: shrink 31.0 -> 33.0" in rows[1]
    assert lines[-1].startswith("not reproduced: 1 missing, 1 different, 4 identical; likely cause: ")


def test_what_a_damaged_record_leaves_is_had_again_and_the_last_line_says_that_it_is_not_all(
    logged: Project, reproduce: Run, tmp_path: Path
) -> None:
    project = logged.copy(tmp_path / "copy")
    journal = project.root / ".mlexp" / "sessions" / project.session / "journal.jsonl"
    flip_bit(journal, b'"cell":"constant-level=0.5-numbers')
    status, told = reproduce(project, project.session, "--here")
    *_, conclusion, last = told.splitlines()
    assert (status, conclusion.startswith("reproduced: ")) == (0, True)
    assert last.startswith("what cannot be read was not compared: line ")
    assert str(journal) in last


def test_a_script_is_started_again(logged: Project, reproduce: Run, tmp_path: Path) -> None:
    project = logged.copy(tmp_path / "copy")
    shutil.rmtree(project.root / ".mlexp" / "sessions")
    (project.root / "script.py").write_text(SCRIPT)
    project.python("script.py")
    status, told = reproduce(project, project.session, f"--python={sys.executable}")
    assert status == 0, told
    assert told.splitlines()[-1] == "reproduced: 3 identical"


def test_code_that_does_not_run_says_why(logged: Project, reproduce: Run, tmp_path: Path) -> None:
    project = logged.copy(tmp_path / "copy")
    (project.root / "helpers.py").write_text("import nothing_of_that_name\n")
    status, told = reproduce(project, f"{project.session}/slope-numbers-distance-cpu", "--here")
    assert status == 2
    assert "nothing_of_that_name" in told


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("{session}/slope-numbers", "did you mean 'slope-numbers-distance-cpu'? Known: constant"),
        ("nothing", "no run 'nothing'"),
        ("nothing", "nor in MLflow at sqlite:///"),
        ("nothing", "(--tracking-uri=URI asks another store)"),
        ("0" * 32, "no run '000"),
        ("", "no run ''"),
    ],
)
def test_an_unknown_run_is_told_with_candidates(name: str, said: str, logged: Project, reproduce: Run) -> None:
    status, told = reproduce(logged, name.format(session=logged.session), "--here")
    assert status == 2
    assert said in told


def test_a_commit_of_another_clone_is_to_be_fetched(logged: Project, reproduce: Run, tmp_path: Path) -> None:
    project = logged.copy(tmp_path / "copy")
    shutil.rmtree(project.root / ".git")
    git(project.root, "init", "--quiet")
    status, told = reproduce(project, project.session)
    assert status == 2
    assert "`git fetch`" in told
    assert "--here" in told


def test_a_diff_that_does_not_apply_leaves_nothing_behind(logged: Project, reproduce: Run, tmp_path: Path) -> None:
    project = logged.copy(tmp_path / "copy")
    path = project.root / ".mlexp" / "sessions" / project.session
    _edit(path, lambda git: {**git, "diff": git["diff"].replace("shrink=30.0", "shrink=29.0")})
    status, told = reproduce(project, project.session)
    assert status == 2
    assert "does not apply" in told
    assert not (project.root / ".mlexp" / "reproduce" / project.session / "code").exists()


def test_only_showing_runs_nothing(logged: Project, reproduce: Run) -> None:
    status, told = reproduce(logged, f"{logged.session}/toy/slope-numbers-distance-cpu", "--show")
    assert status == 0
    assert "running" not in told
    for line in ("commit ", "diff ", "untracked ", "python ", "packages ", "data ", "seeds ", "devices ", "machine "):
        assert f"\n{line}" in told


def _extra(client: MlflowClient, run: object) -> bool:
    return str(client.get_experiment(run.info.experiment_id).name) == "extra"  # type: ignore[attr-defined]


def _edit(folder: Path, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
    """Tamper with what git said in a journal."""
    from dataclasses import replace

    from pytest_mlexp.tracking.journal import Journal

    session = read(folder).session
    assert session is not None
    environment = json.loads(json.dumps(session.environment))
    with Journal(folder) as journal:
        journal.append(replace(session, environment={**environment, "git": change(environment["git"])}))
