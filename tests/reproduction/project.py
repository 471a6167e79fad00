"""A small project in a git checkout, whose cells run in this process and leave real records."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.flow import Flow
from pytest_mlexp.matrix import expand
from pytest_mlexp.records import CellRecord, DatasetRecord, Summary
from pytest_mlexp.reproduction.comparing import Compared, compare
from pytest_mlexp.tracking.environment import capture

HELPERS = "def halved(X):\n    return X / 2\n"
BLOCKS = """
import pathlib
import numpy as np
from helpers import halved
from pytest_mlexp import Dataset, Experiment

toy = Experiment("toy", seeds=(0, 1))

@toy.dataset(version="1")
def numbers():
    X = np.loadtxt(pathlib.Path(__file__).with_name("numbers.csv")).reshape(-1, 1)
    return Dataset.from_arrays(X, (X[:, 0] > 9.5).astype(float), split=(range(0, 20, 2), range(1, 20, 2)))

class Slope:
    def __init__(self, shrink):
        self.shrink = shrink

    def fit(self, X, y):
        noise = 1 + np.random.random() / 100
        self.slope = noise * np.mean(halved(X)[:, 0] * y) / self.shrink

    def predict(self, X):
        return X[:, 0] * self.slope

@toy.model
def slope(shrink=30.0):
    return Slope(shrink)

@toy.model(params={"level": [0.25, 0.5]})
def constant(level):
    return lambda X: np.full(len(X), level)

@toy.evaluator(minimize="error")
def distance(y_true, y_pred):
    return {"error": float(np.mean(np.abs(y_true - y_pred)))}
"""
TESTS = """
import pytest
from blocks import toy

@pytest.mark.mlexp(toy)
def test_toy(evaluation):
    assert evaluation["error"] >= 0
"""
FILES = {
    "helpers.py": HELPERS,
    "blocks.py": BLOCKS,
    "test_toy.py": TESTS,
    "numbers.csv": "".join(f"{number}\n" for number in range(20)),
    # Importing these plugins takes a session longer than its cells.
    "pytest.ini": "[pytest]\npythonpath = .\naddopts = -p no:hypothesispytest -p no:anyio -p no:randomly\n",
}


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass(frozen=True)
class Recorded:
    """The cells of a run, and what they ran on."""

    cells: tuple[CellRecord, ...]
    environment: dict[str, Any]

    def against(self, again: Recorded) -> Compared:
        imported = frozenset({"numpy", "pytest-mlexp"})  # looking them up takes a while
        return compare(self.cells, again.cells, (self.environment, again.environment), imported=imported)


@dataclass(frozen=True)
class Checkout:
    """A project with one commit."""

    root: Path

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / name).read_text()
        assert old in text
        (self.root / name).write_text(text.replace(old, new))

    def record(self) -> Recorded:
        """Run every cell in this process, from the files as they are."""
        for name in ("blocks", "helpers"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        cells: list[CellRecord] = []
        flow = Flow(OutcomeStore(), record=lambda cell, _: cells.append(cell), keep_files=False)
        for cell in expand(importlib.import_module("blocks").toy, ["cpu"]):
            flow.evaluate(cell)
        return Recorded(tuple(cells), msgspec.to_builtins(capture(self.root, ["pytest", "--mlexp"])))


def a_cell(*values: float, seeds: tuple[int, ...] = (), splits: tuple[str, ...] = (), **changes: Any) -> CellRecord:
    """A cell with one metric, ``error``; unless told otherwise of as many seeds as there are values."""
    mean = sum(values) / len(values)
    given: dict[str, Any] = {
        "experiment": "toy",
        "model": "slope",
        "dataset": DatasetRecord("numbers", "1", "d" * 32, 20, None, "c" * 16, "s" * 16),
        "evaluator": "distance",
        "device": "cpu",
        "seeds": seeds or tuple(range(len(values))),
        "splits": splits or ("holdout",) * len(values),
        "metrics": {"error": Summary("error", values, mean, 0.0, maximize=False)},
        "fingerprints": {"model": "m", "evaluator": "e"},
    }
    return CellRecord("slope-numbers-distance-cpu", **{**given, **changes})
