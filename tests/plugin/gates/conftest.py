"""A project with one gated cell, as text: what it gets wrong stands in a file that tests rewrite."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pytest_mlexp.tracking import recorder
from tests.plugin.conftest import forget_compiled

EXPERIMENT = """
from pathlib import Path
import numpy as np
from pytest_mlexp import Dataset, Evaluation, Experiment

ROWS = 400
toy = Experiment("toy")

@toy.dataset(version="1")
def numbers():
    inputs = np.arange(2 * ROWS).reshape(-1, 1)
    return Dataset.from_arrays(inputs, np.ones(2 * ROWS), split=(np.arange(ROWS), np.arange(ROWS, 2 * ROWS)))

class Guess:
    def __init__(self, wrong, seed):
        self.wrong, self.seed = wrong, seed

    def predict(self, X):
        lucky = np.random.default_rng(self.seed).random(len(X)) < 0.02
        return np.where((X[:, 0] - ROWS < self.wrong) | lucky, 0.0, 1.0)

@toy.model
def guess(seed):
    return Guess(int(Path(__file__).with_name("wrong.txt").read_text()), seed)

@toy.evaluator(maximize="share")
def right(y_true, y_pred):
    scores = (y_true == y_pred).astype(float)
    return Evaluation({"share": scores.mean()}, scores={"share": scores})

toy.gate("share", at_least=0.1, max_drop=0.01)
"""
TEST = """
import pytest
from toy_experiment import toy

@pytest.mark.mlexp(toy)
def test_quality(evaluation):
    pass
"""


# Their import takes longer than what is tested here.
OTHERS_OFF = [f"-pno:{name}" for name in ("randomly", "hypothesispytest", "rerunfailures", "timeout", "anyio")]


class Project:
    """The project on disk, and how it is run."""

    cell = "guess-numbers-right-cpu"

    def __init__(self, pytester: pytest.Pytester) -> None:
        self._pytester = pytester
        self.path: Path = pytester.path
        self.settings()
        pytester.makepyfile(toy_experiment=EXPERIMENT, test_toy=TEST)
        self.wrong(20)

    def settings(self, line: str = "") -> None:
        """Write the ini file, with one more setting."""
        self._pytester.makeini(f"[pytest]\npythonpath = .\n{line}\n")

    def wrong(self, rows: int) -> None:
        """Let the model be wrong on so many of the 400 rows, besides its luck."""
        (self.path / "wrong.txt").write_text(str(rows), encoding="utf-8")

    def edit(self, old: str, new: str) -> None:
        """Change the experiment."""
        file = self.path / "toy_experiment.py"
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def write_test(self, text: str) -> None:
        """Write the test file anew."""
        self._pytester.makepyfile(test_toy=text)

    def run(self, *options: str, tracking: str = "off") -> pytest.RunResult:
        """Run the tests with ``--mlexp`` in this process."""
        forget_compiled(self.path)
        every = [*OTHERS_OFF, "--mlexp", f"--mlexp-tracking-uri={tracking}", *options]
        return self._pytester.runpytest_inprocess(*every)


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Project:
    ci = ("CI", "BUILD_NUMBER", "TF_BUILD")
    for name in (*ci, "MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "PYTEST_ADDOPTS", "PYTHONDONTWRITEBYTECODE"):
        monkeypatch.delenv(name, raising=False)  # the last: or each process would compile this package anew
    monkeypatch.setattr(recorder, "needs_this_process", lambda _: True)  # which has imported MLflow already
    return Project(pytester)


@pytest.fixture
def store(project: Project, template: Path) -> str:
    """The address of a store that is there already."""
    (project.path / ".mlexp").mkdir()
    shutil.copyfile(template, project.path / ".mlexp" / "mlflow.db")
    return f"sqlite:///{project.path}/.mlexp/mlflow.db"
