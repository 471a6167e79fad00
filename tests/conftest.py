"""A small experiment that counts its fits, and an embedded store, for the tests of the core."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.flow import Flow
from pytest_mlexp.matrix import Cell, expand
from pytest_mlexp.records import CellRecord
from pytest_mlexp.tracking._mlflow.store import build_store

ROWS = 12
EVEN, ODD = np.arange(0, ROWS, 2), np.arange(1, ROWS, 2)


@dataclass
class Toy:
    """Numbers are to be told small from large; every fit is noted, and every record."""

    experiment: Experiment
    fits: list[str] = field(default_factory=list)
    records: list[CellRecord] = field(default_factory=list)
    files: list[Mapping[str, bytes]] = field(default_factory=list)

    def cells(self) -> tuple[Cell, ...]:
        return expand(self.experiment, ["cpu"])

    def cell(self, start: str) -> Cell:
        return next(cell for cell in self.cells() if cell.id.startswith(start))

    def flow(self, store: OutcomeStore | None = None, **options: Any) -> Flow:
        def record(cell: CellRecord, files: Mapping[str, bytes]) -> None:
            self.records.append(cell)
            self.files.append(files)

        return Flow(store or OutcomeStore(), record=record, **options)

    def add(self, name: str, fit: Callable[[Any, Any], Any], predict: Callable[[Any], Any], **methods: Any) -> None:
        """Declare a model that notes its fits."""

        def noted(_self: Any, X: Any, y: Any) -> Any:
            self.fits.append(name)
            return fit(X, y)

        members = {"fit": noted, "predict": lambda _self, X: predict(X)}
        members |= {key: _method(call) for key, call in methods.items()}
        self.experiment.model(type(name, (), members), name=name)


def _method(call: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda _self, X: call(X)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Making a store takes seconds, copying one takes none."""
    database = tmp_path_factory.mktemp("template") / ".mlexp" / "mlflow.db"
    build_store(database)
    return database


@pytest.fixture
def toy() -> Toy:
    found = Toy(Experiment("toy"))
    numbers = np.arange(float(ROWS)).reshape(-1, 1)
    large = (numbers[:, 0] >= ROWS / 2).astype(int)

    @found.experiment.dataset(version="1")
    def numbers_from_zero() -> Dataset:
        return Dataset.from_arrays(numbers, large, split=[(EVEN, ODD), (ODD, EVEN)])

    found.add("half", lambda X, y: None, lambda X: (X[:, 0] >= ROWS / 2).astype(int))

    @found.experiment.evaluator(maximize="accuracy")
    def hits(y_true: Any, y_pred: Any) -> float:
        return float(np.mean(y_true == y_pred))

    return found
