"""A script that Python reads from its standard input has no file, and is reused where nothing of it changed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import numpy as np
from pytest_mlexp import Dataset, Experiment

toy = Experiment("toy")
SCALE = 2

def helper(value):
    return value * SCALE

@toy.dataset(version="1")
def numbers():
    return Dataset.from_arrays(np.arange(20.0).reshape(-1, 1), np.arange(20.0), split=0.25)

class Mean:
    def fit(self, X, y):
        self.mean = helper(y.mean())

    def predict(self, X):
        return np.full(len(X), self.mean)

@toy.model
def mean():
    return Mean()

@toy.evaluator(minimize="error")
def distance(y_true, y_pred):
    return {"error": float(np.mean(np.abs(y_true - y_pred)))}

results = toy.run(tracking_uri="off")
assert not results.problems(), results.problems()
print(results)
"""


def reuses(folder: Path, script: str) -> bool:
    done = subprocess.run([sys.executable, "-"], cwd=folder, input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return "mean *" in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "reused"),
    [
        ("", "# harmless\n", True),
        ("value * SCALE", "value * SCALE + 1", False),
        ("SCALE = 2", "SCALE = 3", False),
        ("@toy.model", "Mean.predict = lambda self, X: np.zeros(len(X))\n@toy.model", False),
        ("np.full(len(X), self.mean)", "np.full(len(X), 2 * self.mean)", False),
    ],
    ids=["nothing", "helper", "constant", "patch", "method"],
)
def test_a_script_without_a_file_is_reused_where_it_is_the_same(
    tmp_path: Path, old: str, new: str, *, reused: bool
) -> None:
    (tmp_path / ".git").mkdir()
    assert not reuses(tmp_path, SCRIPT)
    assert reuses(tmp_path, SCRIPT.replace(old, new, 1)) is reused
