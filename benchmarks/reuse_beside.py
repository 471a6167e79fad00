"""The same edits of the same small benchmark, written for benchopt and for pytest-mlexp: who runs what again?

Run ``python benchmarks/reuse_beside.py [PYTHON]``, where PYTHON is the interpreter of an environment of its own::

    python -m venv .venv-benchopt && .venv-benchopt/bin/pip install benchopt==1.10.0

Each fit writes a line into a file. Both are run, edited in one place of a copy, and run again. Without PYTHON only
our side is shown.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from tabulate import tabulate

HERE = Path(__file__).resolve().parent
NOTE = """
import os

def note():
    file = os.open(os.environ["FITS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, b"fitted\\n")
    os.close(file)
"""
HELPER = """
def scale(x, by=2.0):
    # as agreed
    return x * by
"""
DATA = "".join(f"{number},{number % 2}\n" for number in range(12))
THEIRS = {
    "objective.py": """
from benchopt import BaseObjective

class Objective(BaseObjective):
    name = "toy"
    sampling_strategy = "run_once"

    def set_data(self, X, y):
        self.X, self.y = X, y

    def get_objective(self):
        return dict(X=self.X, y=self.y)

    def evaluate_result(self, predicted):
        return dict(value=float(((predicted - self.y) ** 2).mean()))

    def get_one_result(self):
        return dict(predicted=self.y)
""",
    "datasets/rows.py": """
from pathlib import Path

import numpy as np
from benchopt import BaseDataset

class Dataset(BaseDataset):
    name = "rows"

    def get_data(self):
        table = np.loadtxt(Path(__file__).parent.parent / "data.csv", delimiter=",")
        return dict(X=table[:, :1], y=table[:, 1])
""",
    "solvers/plain.py": """
from benchmark_utils.helper import scale
from benchmark_utils.notes import note
from benchopt import BaseSolver

class Solver(BaseSolver):
    name = "plain"
    # fitted once
    sampling_strategy = "run_once"

    def set_objective(self, X, y):
        self.X, self.y = X, y

    def run(self, _):
        note()
        self.predicted = scale(self.X[:, 0]) + 1.0

    def get_result(self):
        return dict(predicted=self.predicted)
""",
    "benchmark_utils/__init__.py": "",
    "benchmark_utils/helper.py": HELPER,
    "benchmark_utils/notes.py": NOTE,
    "data.csv": DATA,
}
OURS = {
    "shop.py": """
from pathlib import Path

import numpy as np
from helper import scale
from notes import note

from pytest_mlexp import Dataset, Experiment

shop = Experiment("shop")

@shop.dataset(version="1")
def rows():
    table = np.loadtxt(Path(__file__).parent / "data.csv", delimiter=",")
    return Dataset.from_arrays(table[:, :1], table[:, 1], split=(list(range(6)), list(range(6, 12))))

class Plain:
    # fitted once
    def fit(self, X, y):
        note()
        return self

    def predict(self, X):
        return scale(X[:, 0]) + 1.0

@shop.model
def plain():
    return Plain()

@shop.evaluator(minimize="value")
def objective(y_true, y_pred):
    return float(((np.asarray(y_pred) - y_true) ** 2).mean())
""",
    "test_shop.py": """
import pytest
from shop import shop

@pytest.mark.mlexp(shop)
def test_shop(evaluation):
    assert evaluation["value"] >= 0
""",
    "helper.py": HELPER,
    "notes.py": NOTE,
    "data.csv": DATA,
    "pytest.ini": "[pytest]\npythonpath = .\n",
}
# What is edited, whether that must be fitted again, and where: in theirs, in ours.
EDITS = (
    ("helper", True, "benchmark_utils/helper.py", "helper.py", "x * by", "x + by"),
    ("default of a helper's parameter", True, "benchmark_utils/helper.py", "helper.py", "by=2.0", "by=3.0"),
    ("data file", True, "data.csv", "data.csv", "3,1", "3,0"),
    ("model", True, "solvers/plain.py", "shop.py", "+ 1.0", "+ 2.0"),
    ("comment beside the model", False, "solvers/plain.py", "shop.py", "# fitted once", "# fitted a single time"),
    ("comment in a helper", False, "benchmark_utils/helper.py", "helper.py", "# as agreed", "# as was agreed"),
    ("nothing", False, "data.csv", "data.csv", "", ""),
)


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def run(command: list[str], folder: Path, *paths: Path) -> int:
    """Run a benchmark; how often it fitted."""
    fits = folder.parent / "fits.txt"
    fits.write_text("")
    environment = {**os.environ, "FITS": str(fits), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    return len(fits.read_text().split())


def edited(folder: Path, file: str, old: str, new: str) -> None:
    """Edit where the project stands, as people do: benchopt keeps its cache beside it."""
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text, (file, old)
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def again(command: list[str], place: Path, files: Mapping[str, str], edits: list[tuple[str, str, str]]) -> list[bool]:
    """For each edit, made in a fresh project that ran once, whether its model is fitted again."""
    found = []
    for file, old, new in edits:
        folder = place / "project"
        write(folder, files)
        paths = [] if "benchopt" in command else [HERE.parent]
        assert run(command, folder, *paths), "the first run fits"
        edited(folder, file, old, new)
        found.append(run(command, folder, *paths) > 0)
        shutil.rmtree(folder)
    return found


def told(must: bool, did: bool | None) -> str:
    if did is None:
        return "-"
    return "right" if must == did else "STALE" if must else "needless"


def main(python: str | None) -> int:
    mlexp = [sys.executable, "-m", "pytest", "--mlexp", "--mlexp-tracking-uri=off", "-q", "-p", "no:cacheprovider"]
    benchopt = [python or "", "-m", "benchopt", "run", ".", "-r", "1", "--no-plot", "--no-display"]
    with tempfile.TemporaryDirectory(prefix="mlexp-beside-") as folder:
        ours = again(mlexp, Path(folder), OURS, [(mine, old, new) for _, _, _, mine, old, new in EDITS])
        theirs: list[bool | None] = [None] * len(EDITS)
        if python is not None:
            edits = [(their, old, new) for _, _, their, _, old, new in EDITS]
            theirs = list(again(benchopt, Path(folder), THEIRS, edits))
    rows = [
        (name, "again" if must else "reuse", told(must, their), told(must, our))
        for (name, must, *_), their, our in zip(EDITS, theirs, ours, strict=True)
    ]
    print(tabulate(rows, headers=["edit", "right is", "benchopt", "pytest-mlexp"]))
    return 0 if all(row[3] == "right" for row in rows) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1] if len(sys.argv) > 1 else None))
