"""A project of twelve cells, some of them slow, for the benchmarks that break things; they are no users' concern."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PACKAGE))
CELLS = 12
BLOCKS = """
import os
import time

import numpy as np
from pytest_mlexp import Dataset, Experiment

slow = Experiment("slow", seeds=(0, 1))


@slow.dataset(version="1")
def numbers():
    X = np.arange(40.0).reshape(-1, 1)
    return Dataset.from_arrays(X, (X[:, 0] > 19).astype(int), split=(range(0, 40, 2), range(1, 40, 2)))


class Threshold:
    def __init__(self, at, seed, seconds):
        self.at, self.seed, self.seconds = at, seed, seconds

    def fit(self, X, y):
        file = os.open(os.environ["FITS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{self.at} {self.seed}\\n".encode())
        os.close(file)
        time.sleep(self.seconds)
        self.noise = np.random.random()

    def predict(self, X):
        return (X[:, 0] > self.at + self.noise).astype(int)


@slow.model(params={"at": [16, 17, 18, 19, 20, 21]})
def threshold(at, seed):
    return Threshold(at, seed, SECONDS if at % 2 else 0.0)


@slow.evaluator(maximize="accuracy")
def hits(y_true, y_pred):
    return float(np.mean(y_true == y_pred))


@slow.evaluator(minimize=["misses", "false_alarms"])
def mistakes(y_true, y_pred):
    return {"misses": int(np.sum(y_true > y_pred)), "false_alarms": int(np.sum(y_true < y_pred))}
"""
TESTS = """
import pytest
from blocks import slow


@pytest.mark.mlexp(slow)
def test_quality(evaluation):
    assert evaluation.metrics
"""
IDENTITY = ("-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false")


@dataclass(frozen=True)
class SlowProject:
    """A folder with the project, which is a repository, and what its sessions left."""

    root: Path

    def write(self, *, seconds: float = 0.2) -> None:
        """Write and commit the project; ``seconds`` is what the slow half of its fits take."""
        self.root.mkdir(parents=True)
        (self.root / "blocks.py").write_text(BLOCKS.replace("SECONDS", str(seconds)))
        (self.root / "test_slow.py").write_text(TESTS)
        (self.root / "pytest.ini").write_text("[pytest]\npythonpath = .\n")
        (self.root / ".gitignore").write_text("__pycache__/\n.pytest_cache/\n")
        for command in (["init", "-q"], ["add", "-A"], [*IDENTITY, "commit", "-q", "-m", "all"]):
            subprocess.run(["git", *command], cwd=self.root, check=True, capture_output=True)

    def command(self, workers: int, *more: str) -> list[str]:
        """The command of a session; the same one goes on with a session that was killed."""
        parallel = ["-n", str(workers)] if workers > 1 else []
        return [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "--mlexp",
            "-p",
            "no:randomly",
            "-p",
            "no:cacheprovider",
            *parallel,
            *more,
        ]

    def environment(self, **more: str) -> dict[str, str]:
        """Of every session: our copy of the package, one thread, and where fits are noted."""
        dropped = {"MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", "CI"}
        kept = {name: value for name, value in os.environ.items() if name not in dropped}
        paths = os.pathsep.join([str(PACKAGE), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {**kept, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "FITS": str(self.root.parent / "fits.txt"), **more}

    def run(self, workers: int, *more: str) -> subprocess.CompletedProcess[str]:
        """One whole session."""
        return subprocess.run(
            self.command(workers, *more),
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
        )

    def sync(self) -> None:
        """Write to MLflow what it does not hold yet."""
        script = "import sys; from pytest_mlexp.cli import main; sys.exit(main(['sync']))"
        subprocess.run(
            [sys.executable, "-c", script], cwd=self.root, env=self.environment(), check=True, capture_output=True
        )

    def fits(self) -> Counter[str]:
        """How often each trial was fitted."""
        path = self.root.parent / "fits.txt"
        return Counter(path.read_text().splitlines() if path.exists() else [])

    def sessions(self) -> list[Path]:
        """The folders of the sessions, the latest last."""
        return sorted(path.parent for path in (self.root / ".mlexp" / "sessions").glob("*/journal.jsonl"))

    def results(self) -> dict[str, Any]:
        """The result table of the last session, without timings."""
        from pytest_mlexp.tracking.journal import read

        cells = read(self.sessions()[-1]).cells
        return {
            cell.cell: [cell.dataset.digest, *((name, metric.values) for name, metric in sorted(cell.metrics.items()))]
            for cell in sorted(cells, key=lambda cell: cell.cell)
        }

    def runs(self, uri: str | None = None) -> Mapping[str, list[str]]:
        """The statuses of all runs in the store by their names."""
        from mlflow import MlflowClient

        from pytest_mlexp.tracking.embedded import default_uri

        client = MlflowClient(uri or default_uri(self.root))
        found = client.get_experiment_by_name("slow")
        named: dict[str, list[str]] = {}
        for run in client.search_runs([found.experiment_id]) if found is not None else ():
            named.setdefault(str(run.info.run_name), []).append(run.info.status)
        return named
