"""A sample project in a folder of its own, run by a pytest of its own."""

from __future__ import annotations

import importlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mlexp.tracking import recorder
from pytest_mlexp.tracking._mlflow.store import quiet
from pytest_mlexp.tracking.journal import JournalContents, read

if TYPE_CHECKING:
    from mlflow.entities import Run

BLOCKS = """
import pathlib
import numpy as np
from pytest_mlexp import Dataset, Experiment

HERE = pathlib.Path(__file__).parent
sample = Experiment("sample", seeds=(0, 1), description="Small or large?")

def note(what):
    with open(HERE / "fits.txt", "a") as file:
        file.write(what + "\\n")

@sample.dataset(version="7")
def numbers():
    X = np.arange(20.0).reshape(-1, 1)
    even, odd = np.arange(0, 20, 2), np.arange(1, 20, 2)
    return Dataset.from_arrays(X, (X[:, 0] > 9).astype(int), split=[(even, odd), (odd, even)])

class Threshold:
    def __init__(self, at):
        self.at = at

    def fit(self, X, y):
        note(f"threshold={self.at}")
        self.noise = np.random.random()

    def predict(self, X):
        return (X[:, 0] > self.at + self.noise / 2).astype(int)

@sample.model(params={"at": [9, 5]})
def threshold(at):
    return Threshold(at)

@sample.evaluator(maximize="accuracy")
def hits(y_true, y_pred):
    return float(np.mean(y_true == y_pred))

@sample.evaluator(minimize=["misses", "false_alarms"])
def mistakes(y_true, y_pred):
    return {"misses": int(np.sum(y_true > y_pred)), "false_alarms": int(np.sum(y_true < y_pred))}
"""
BROKEN = """
class Broken(Threshold):
    def fit(self, X, y):
        note("broken")
        raise RuntimeError("no convergence")

@sample.model
def broken():
    return Broken(0)
"""
TRIALS = 8  # of the blocks: two variants, two seeds, two splits
TESTS = """
import pytest
from blocks import sample

@pytest.mark.mlexp(sample)
def test_quality(evaluation):
    assert evaluation.metrics
"""

# Sessions within this one leave these out: importing them takes a process and each worker longer than what is tested.
WITHOUT_OTHERS = [word for name in ("hypothesispytest", "anyio") for word in ("-p", f"no:{name}")]


def forget_compiled(folder: Path) -> None:
    """Forget what Python compiled there: it would overlook an edit within the same second."""
    shutil.rmtree(folder / "__pycache__", ignore_errors=True)


@dataclass(frozen=True)
class Project:
    """A folder with blocks and tests, and what a pytest run left in it.

    A run in this process mirrors in it as well: MLflow is imported here already, and need not be once more.
    """

    pytester: pytest.Pytester

    @property
    def root(self) -> Path:
        return self.pytester.path

    def write(self, *, blocks: str = "", tests: str = TESTS, **files: str) -> None:
        """Write the project; ``blocks`` are added to those it has anyway."""
        self.pytester.makepyfile(blocks=BLOCKS + blocks, test_it=tests, **files)

    def write_broken(self) -> None:
        """Write the project with a model that raises."""
        self.write(blocks=BROKEN)

    def write_twice(self) -> None:
        """Write the project with a second copy of its blocks and tests."""
        self.write(others=BLOCKS, test_others=TESTS.replace("blocks", "others"))

    def pytest(self, *arguments: str, tracking: str | None = "off", process: bool = False) -> pytest.RunResult:
        """Run the project's tests: unless told otherwise in the order they stand in, and without tracking."""
        order = [] if "randomly" in arguments else ["-p", "no:randomly"]
        options = [*order, *WITHOUT_OTHERS, *arguments]
        forget_compiled(self.root)
        if tracking is not None:
            options.append(f"--mlexp-tracking-uri={tracking}")
        return self.pytester.runpytest_subprocess(*options) if process else self.pytester.runpytest_inprocess(*options)

    def fits(self) -> list[str]:
        path = self.root / "fits.txt"
        return path.read_text().splitlines() if path.exists() else []

    def ready_store(self, template: Path) -> None:
        """Put a store in place, which is made in seconds and copied in none."""
        (self.root / ".mlexp").mkdir()
        shutil.copyfile(template, self.root / ".mlexp" / "mlflow.db")

    def journal(self) -> JournalContents:
        """What the only session wrote; nothing before it began."""
        sessions = list((self.root / ".mlexp" / "sessions").glob("*/journal.jsonl"))
        assert len(sessions) <= 1
        return read(sessions[0].parent) if sessions else JournalContents(None, (), (), None)

    def results(self) -> dict[str, Any]:
        """Every metric value of the only session, by cell."""
        cells = self.journal().cells
        return {cell.cell: {name: metric.values for name, metric in cell.metrics.items()} for cell in cells}

    def runs(self, experiment: str = "sample", *, store: str = ".mlexp/mlflow.db") -> dict[str, Run]:
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{self.root}/{store}")
        found = client.get_experiment_by_name(experiment)
        assert found is not None
        every: Sequence[Run] = client.search_runs([found.experiment_id])
        named = {run.info.run_name: run for run in every}
        assert len(named) == len(every)
        return named

    def artifact(self, run: Run, name: str) -> Any:
        text = (Path(run.info.artifact_uri.removeprefix("file://")) / name).read_text(encoding="utf-8")
        return json.loads(text) if name.endswith(".json") else text


@pytest.fixture(scope="session", autouse=True)
def compiled() -> None:
    """Import what loads once a process only: a pytest inside this one gives back the modules that it found."""
    for name in ("pandas", "pyarrow.parquet", "scipy", "sklearn.metrics", "torch"):
        if find_spec(name.partition(".")[0]) is not None:
            importlib.import_module(name)
    with quiet():
        pass


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.delenv(name, raising=False)  # the last: or each process would compile this package anew
    monkeypatch.setattr(recorder, "needs_this_process", lambda _: True)
    made = Project(pytester)
    made.write()
    return made


def fitted(project: Project, *options: str, expected: int) -> str:
    """Run a session in a process of its own; what it printed, when it fitted so many trials."""
    before = len(project.fits())
    result = project.pytest("--mlexp", *options, process=True)
    result.assert_outcomes(passed=4)
    assert len(project.fits()) - before == expected, result.stdout.str()
    return result.stdout.str()


def rewrite(project: Project, old: str, new: str) -> None:
    file = project.root / "blocks.py"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
