"""A real MLflow store for each test, and a cell to put in it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mlexp.records import CellRecord, DatasetRecord, EndRecord, SessionRecord, Summary
from pytest_mlexp.tracking._mlflow import mirror
from pytest_mlexp.tracking.embedded import default_uri
from pytest_mlexp.tracking.journal import Journal
from pytest_mlexp.tracking.lines import JournalRecord
from pytest_mlexp.tracking.mirrored import Mirrored

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

ENVIRONMENT = {
    "digest": "e" * 16,
    "python": "3.11.7",
    "platform": "Linux",
    "packages": {"numpy": "2.0", "attrs": "1.0"},
    "git": {"commit": "c0ffee", "branch": "main", "dirty": True, "remote": None, "diff": "-a\n+b\n"},
}


def flip_bit(path: Path, where: bytes) -> None:
    """Damage a file by one bit of the first of these bytes."""
    content = bytearray(path.read_bytes())
    content[content.index(where)] ^= 1
    path.write_bytes(content)


@dataclass(frozen=True)
class Store:
    """An embedded store and the journals beside it."""

    root: Path
    session = SessionRecord("s1", 1_000, ("pytest", "--mlexp"), environment=ENVIRONMENT)
    end = EndRecord(9_000, "FINISHED")

    @property
    def uri(self) -> str:
        return default_uri(self.root)

    @property
    def client(self) -> MlflowClient:
        from mlflow import MlflowClient

        return MlflowClient(self.uri)

    def cell(self, name: str = "forest-cpu", **changes: Any) -> CellRecord:
        given: dict[str, Any] = {
            "experiment": "churn",
            "params": {"n": "100"},
            "dataset": DatasetRecord("telco", "2024-06", "0123456789abcdef", 100, '{"age": "int64"}'),
            "seeds": (0, 1),
            "splits": ("holdout", "holdout"),
            "metrics": {"auc": Summary("auc", (0.75, 0.25), 0.5, 0.35, True)},
            "fit_seconds": (1.0, 3.0),
            "predict_seconds": (0.5, 0.5),
            "fingerprints": {"model": "m1", "evaluator": "e1"},
            "started": 2_000,
            "ended": 3_000,
        }
        return CellRecord(name, model="forest", evaluator="roc", device="cpu", **{**given, **changes})

    def write(self, *records: JournalRecord, session: str = "s1") -> Path:
        folder = self.root / ".mlexp" / "sessions" / session
        with Journal(folder) as journal:
            for record in records:
                journal.append(record)
        return folder

    def mirror_cells(self, *records: JournalRecord) -> Mirrored:
        """Mirror a whole session that holds these records."""
        return mirror(self.write(self.session, *records, self.end), self.uri)

    def runs(self, experiment: str = "churn") -> dict[str, Run]:
        """Every run of an experiment by its name, which no two may share."""
        client = self.client
        found = client.get_experiment_by_name(experiment)
        assert found is not None
        every = client.search_runs([found.experiment_id])
        assert len({run.info.run_name for run in every}) == len(every)
        return {run.info.run_name: run for run in every}

    def artifact(self, run: Run, name: str) -> bytes:
        path = Path(run.info.artifact_uri.removeprefix("file://")) / name
        assert not path.is_symlink()
        return path.read_bytes()


@pytest.fixture
def store(tmp_path: Path, template: Path) -> Store:
    (tmp_path / ".mlexp").mkdir()
    shutil.copyfile(template, tmp_path / ".mlexp" / "mlflow.db")
    return Store(tmp_path)


@pytest.fixture
def unused(tmp_path: Path) -> Store:
    """A place whose store nobody has made yet."""
    return Store(tmp_path)
