"""The accepted state of a project, as both doors meet it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_mlexp.errors import GateError
from pytest_mlexp.gates.alpha import loosened
from pytest_mlexp.gates.contributions import is_of
from pytest_mlexp.gates.differences import instead, vanished
from pytest_mlexp.gates.judge import Baseline
from pytest_mlexp.gates.likeness import changes, changes_of_evaluator, described
from pytest_mlexp.gates.lock import read, read_vectors
from pytest_mlexp.matrix import Cell, expand
from pytest_mlexp.verdicts import Verdict

if TYPE_CHECKING:
    from pytest_mlexp.blocks.dataset import Dataset
    from pytest_mlexp.experiment import Experiment


@dataclass(frozen=True)
class MissingCell:
    """Stands for an accepted cell that is not there: not declared any more, or only for a device elsewhere.

    Attributes:
        id: as it was accepted; ``device``: where.
        elsewhere: the cell, where it is declared still, for a device that is none of those asked for.
        instead: what it may be called now.
    """

    experiment: Experiment
    id: str
    device: str
    elsewhere: Cell | None
    instead: str = ""

    @property
    def reason(self) -> str:
        """Why it is not there."""
        if self.elsewhere is not None:
            return f"accepted on {self.device}, which is no device of this session: not judged"
        return f"the experiment does not declare this cell any more: {self.instead}"


def expected(name: str, reason: str, *, lock: str) -> Verdict:
    """The verdict on what is accepted and not there."""
    return Verdict("expected", "", "vanished", f"{lock} expects {name}, but {reason}")


def skipped(cell: Cell, reason: str) -> tuple[Verdict, ...]:
    """The verdicts on a cell that cannot run here: a gate with ``inconclusive="fail"`` does not let that pass."""
    return tuple(
        Verdict(str(g), g.metric, "skipped", reason, informs=cell.informs(g), strict=g.inconclusive == "fail")
        for g in cell.gates
    )


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

    def missing(self, experiment: Experiment, here: Iterable[Cell]) -> list[MissingCell]:
        """The accepted cells of an experiment that are not among these."""
        locked = self.lock.experiments.get(experiment.name)
        devices = {cell.rpartition("-")[2] for cell in locked.cells} if locked else set()
        anywhere = {cell.id: cell for cell in expand(experiment, sorted({"cpu", *devices}))}
        present = [cell.id for cell in here]
        return [
            MissingCell(
                experiment,
                cell,
                cell.rpartition("-")[2],
                anywhere.get(cell),
                instead(self.lock, experiment.name, cell, present),
            )
            for cell in vanished(self.lock, experiment.name, present)
        ]

    def loosened(self, cell: Cell, alpha: float) -> tuple[Verdict, ...]:
        """The verdict on an error rate that asks a cell's gates for less than was accepted, if so."""
        return loosened(alpha, self.lock.alpha) if self.comparisons(cell) else ()

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
