"""Whether a logged run can be had again from its record alone, and whether what was tampered with is named.

Run ``python benchmarks/reproduce.py``: a project with real models is logged, copied and tampered with in many ways,
in its files, its surroundings or its record; ``mlexp reproduce --here`` says what it finds. With ``--environment`` a
virtual environment is made from this checkout, a run is logged in it, and a clean clone gets it back from MLflow: git
worktree, diff, and a second virtual environment from the record. That takes minutes and needs a package index.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tabulate import tabulate

from pytest_mlexp.records import CellRecord
from pytest_mlexp.tracking.embedded import default_uri
from pytest_mlexp.tracking.journal import Journal, read

ROOT = Path(__file__).resolve().parents[1]
HELPERS = "def scaled(X):\n    return X / 10\n"
BLOCKS = """
import pathlib
import numpy as np
from helpers import scaled
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from pytest_mlexp import Dataset, Experiment

flowers = Experiment("flowers", seeds=(0, 1))

@flowers.dataset(version="1")
def iris():
    rows = np.loadtxt(pathlib.Path(__file__).with_name("iris.csv"), delimiter=",")
    return Dataset.from_arrays(rows[:, :4], rows[:, 4].astype(int), split=StratifiedKFold(3))

class Scaled:
    def __init__(self, inner):
        self.inner = inner

    def fit(self, X, y):
        self.inner.fit(scaled(X), y)
        self.classes_ = self.inner.classes_
        return self

    def predict_proba(self, X):
        return self.inner.predict_proba(scaled(X))

    def predict(self, X):
        return self.inner.predict(scaled(X))

@flowers.model
def logistic(C=1.0):
    return Scaled(LogisticRegression(C=C))

@flowers.model
def forest(seed, depth=2):
    return Scaled(RandomForestClassifier(10, max_depth=depth, random_state=seed))

@flowers.evaluator(minimize="loss")
def loss(y_true, y_proba):
    return {"loss": log_loss(y_true, y_proba)}
"""
TESTS = """
import pytest
from blocks import flowers

@pytest.mark.mlexp(flowers)
def test_flowers(evaluation):
    assert evaluation["loss"] > 0
"""
IDENTITY = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
EDITS = {
    "a data byte": ("iris.csv", "5.1,3.5", "5.1,3.6", "data changed"),
    "the split": (
        "blocks.py",
        "StratifiedKFold(3)",
        "StratifiedKFold(3, shuffle=True, random_state=1)",
        "split changed",
    ),
    "a seed": ("blocks.py", "seeds=(0, 1)", "seeds=(0, 2)", "seeds changed"),
    "a hyperparameter": ("blocks.py", "C=2.0", "C=0.5", "parameters changed"),
    "model code": ("blocks.py", "(10, max_depth", "(11, max_depth", "model code changed"),
    "evaluator code": (
        "blocks.py",
        "log_loss(y_true, y_proba)",
        "2 * log_loss(y_true, y_proba)",
        "evaluator code changed",
    ),
    "helper code": ("helpers.py", "X / 10", "X / 11", "code changed: "),
    "the diff, lost from the checkout": ("blocks.py", "C=2.0", "C=1.0", "parameters changed"),
}


@dataclass(frozen=True)
class Project:
    """A checkout with a logged session."""

    root: Path

    @property
    def session(self) -> str:
        return min(path.parent.name for path in self.root.glob(".mlexp/sessions/*/journal.jsonl"))

    def copy(self, target: Path) -> Project:
        shutil.copytree(self.root, target)
        return Project(target)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text()
        if old not in text:
            raise ValueError(f"{name} has no {old!r}")
        (self.root / name).write_text(text.replace(old, new))

    def rewrite(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Tamper with the record: the environment as told, and numbers as another environment might give them."""
        folder = self.root / ".mlexp" / "sessions" / self.session
        contents = read(folder)
        assert contents.session is not None
        (folder / "journal.jsonl").unlink()
        with Journal(folder) as journal:
            journal.append(replace(contents.session, environment=change(contents.session.environment)))
            for cell in contents.cells:
                journal.append(_moved(cell))
            for test in contents.tests:
                journal.append(test)


def _moved(cell: CellRecord) -> CellRecord:
    metrics = {
        name: replace(one, values=tuple(v * 1.01 for v in one.values), mean=one.mean * 1.01)
        for name, one in cell.metrics.items()
    }
    return replace(cell, metrics=metrics)


def _inside(*path: str, value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def change(found: dict[str, Any]) -> dict[str, Any]:
        first, *rest = path
        return {**found, first: _inside(*rest, value=value)(found[first]) if rest else value}

    return change


def _altered_diff(found: dict[str, Any]) -> dict[str, Any]:
    return _inside("git", "diff", value=found["git"]["diff"].replace("C=2.0", "C=3.0"))(found)


WORKTREE = ("--python", sys.executable)
RECORDS: dict[str, tuple[Callable[[dict[str, Any]], dict[str, Any]], tuple[str, ...], str]] = {
    "a package": (_inside("packages", "scikit-learn", value="1.0.1"), (), "package changed: scikit-learn 1.0.1"),
    "Python": (_inside("python", value="3.9.1"), (), "Python changed: CPython 3.9.1"),
    "the processor": (_inside("machine", "cpu", value="Abacus"), (), "hardware changed: CPU Abacus"),
    "a variable": (_inside("variables", value={"OMP_NUM_THREADS": "64"}), (), "environment variable changed: OMP"),
    "the record's diff, lost": (_inside("git", "diff", value=None), WORKTREE, "uncommitted diff missing"),
    "the record's diff, altered": (_altered_diff, WORKTREE, "uncommitted diff altered"),
    "nothing but the numbers": (lambda found: found, (), "nothing recorded differs"),
}


def main() -> None:
    """Log, tamper, reproduce, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--environment", action="store_true", help="the round trip with a real environment instead")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mlexp-") as folder:
        if given.environment:
            round_trip(Path(folder))
            return
        logged = make(Path(folder) / "logged")
        run(logged.root, sys.executable, "-m", "pytest", "-q", "--mlexp")
        print(tabulate(tampered(logged, Path(folder)), headers=["tampered with", "named", "status", "right"]))


def make(root: Path) -> Project:
    """A project with one commit and an uncommitted change."""
    from sklearn.datasets import load_iris

    data = load_iris()
    rows = [",".join(map(str, (*row, label))) for row, label in zip(data.data, data.target, strict=True)]
    files = {
        "helpers.py": HELPERS,
        "blocks.py": BLOCKS,
        "test_flowers.py": TESTS,
        "iris.csv": "\n".join(rows) + "\n",
        "pytest.ini": "[pytest]\npythonpath = .\n",
    }
    root.mkdir()
    for name, text in files.items():
        (root / name).write_text(text)
    for command in (("init", "-q"), ("add", "."), ("commit", "-q", "-m", "first")):
        run(root, "git", *IDENTITY, *command)
    Project(root).edit("blocks.py", "C=1.0", "C=2.0")
    return Project(root)


def tampered(logged: Project, folder: Path) -> list[tuple[str, str, int, str]]:
    """Every tampering, what was named as the likely cause, and whether it was the right one."""
    rows = [reproduced("nothing", logged.copy(folder / "untouched"), "reproduced: 2 identical", "--here")]
    for number, (what, (name, old, new, expected)) in enumerate(EDITS.items()):
        project = logged.copy(folder / f"edit{number}")
        project.edit(name, old, new)
        rows.append(reproduced(what, project, expected, "--here"))
    for number, (what, (change, options, expected)) in enumerate(RECORDS.items()):
        project = logged.copy(folder / f"record{number}")
        project.rewrite(change)
        rows.append(reproduced(what, project, expected, *(options or ("--here",))))
    return rows


def reproduced(what: str, project: Project, expected: str, *options: str) -> tuple[str, str, int, str]:
    """One row: what the last line says."""
    command = "import sys; from pytest_mlexp.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", command, "reproduce", project.session, *options],
        cwd=project.root,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    last = (done.stdout + done.stderr).strip().splitlines()[-1]
    named = last.partition("likely cause: ")[2] or last
    return what, named[:90], done.returncode, "yes" if named.startswith(expected) or expected in named else "NO"


def round_trip(folder: Path) -> None:
    """A run that was logged in an environment of its own, had again in a clean clone, from MLflow alone."""
    python = folder / "environment" / "bin" / "python"
    steps: list[tuple[str, str]] = []

    def timed(what: str, *command: str, where: Path = folder) -> str:
        began = time.perf_counter()
        said = run(where, *command)
        steps.append((what, f"{time.perf_counter() - began:.0f} s"))
        return said

    timed("environment: make", sys.executable, "-m", "venv", str(folder / "environment"))
    timed("environment: install this checkout", str(python), "-m", "pip", "install", "-q", str(ROOT))
    logged = make(folder / "first")
    timed("log", str(python), "-m", "pytest", "-q", "--mlexp", where=logged.root)
    run(folder, "git", "clone", "-q", str(logged.root), "clone")
    mlexp = (str(python.with_name("mlexp")), "reproduce", logged.session, f"--tracking-uri={default_uri(logged.root)}")
    said = timed("reproduce: worktree, environment, cells", *mlexp, where=folder / "clone")
    print(said)
    print(tabulate(steps, headers=["step", "wall"]))


def environment() -> dict[str, str]:
    """The environment of this process, less what other sessions left there."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "MLFLOW_", "GIT_"))} | {
        "PYTHONPATH": str(ROOT)
    }


def run(where: Path, *command: str) -> str:
    """Run a command that must work; an environment of its own is not to see this checkout."""
    variables = environment()
    if command[0] != sys.executable:
        variables.pop("PYTHONPATH")
    done = subprocess.run(command, cwd=where, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    main()
