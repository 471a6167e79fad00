"""The accepted state of a project, as both doors meet it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_mlexp.errors import GateError
from pytest_mlexp.gates.contributions import is_of
from pytest_mlexp.gates.judge import Baseline
from pytest_mlexp.gates.likeness import changes, changes_of_evaluator, described
from pytest_mlexp.gates.lock import read, read_vectors

if TYPE_CHECKING:
    from pytest_mlexp.blocks.dataset import Dataset
    from pytest_mlexp.matrix import Cell


class AcceptedState:
    """A lock and its vectors on disk; a file that is not there is an empty one.

    Raises:
        SettingsError: the file is no lock.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lock = read(path)

    def baseline(self, cell: Cell, dataset: Dataset) -> Baseline | None:
        """What is accepted of a cell, and what of it changed since; None when the cell is new."""
        locked = self.lock.cell(cell.experiment.name, cell.id)
        if locked is None:
            return None
        now = described(cell, dataset)
        found, own = changes(cell, now, locked), changes_of_evaluator(cell, now, locked)
        try:
            vectors = read_vectors(self.path, cell.experiment.name, cell.id, digest=locked.contributions)
        except GateError as error:
            return Baseline(locked, {}, (*found, str(error)), own)
        return Baseline(locked, vectors, found, own)

    def comparisons(self, cell: Cell) -> int:
        """How many comparisons of a cell may fail it: each with the baseline, and with an anchor."""
        locked = self.lock.cell(cell.experiment.name, cell.id)
        if locked is None:
            return 0
        return sum(
            1 + any(m.anchor for name, m in locked.metrics.items() if is_of(name, gate.metric, gate.slices))
            for gate in cell.gates
            if gate.compares and not cell.informs(gate)
        )
