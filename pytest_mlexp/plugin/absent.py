"""Cells that cannot run here: skipped with a verdict, or failed where a gate asks for that or none is left."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mlexp.blocks.device import absent_reason
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.gates.state import MissingCell, skipped
from pytest_mlexp.matrix import Cell, left_out
from pytest_mlexp.reporting.notes import skipped as told_of_skipped
from pytest_mlexp.verdicts import Verdict

if TYPE_CHECKING:
    from pytest_mlexp.plugin.gating import Gating


LEFT_OUT = pytest.StashKey[dict[str, str]]()  # experiment -> which of its models have no cell, and why
_TOLD = "mlexp_left_out"


class Absent:
    """Says at the end what did not run for want of a device; workers tell the controlling process."""

    def __init__(self, config: pytest.Config, gating: Gating) -> None:
        self._config = config
        self._gating = gating
        self.left_out: dict[str, str] = {}

    def pytest_collection_finish(self) -> None:
        """Note the models that have no cell on the devices asked for."""
        self.left_out = self._config.stash.get(LEFT_OUT, {})
        if hasattr(self._config, "workeroutput"):
            self._config.workeroutput[_TOLD] = self.left_out

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Learn from a worker which models have none."""
        self.left_out = getattr(node, "workeroutput", {}).get(_TOLD, self.left_out)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how many cells were skipped for want of their device, and which models had no cell at all."""
        for line in (*told_of_skipped(self._gating.absent), *self.left_out.values()):
            terminalreporter.write_line(line, yellow=True)


def why_none(experiment: Experiment, cells: Iterable[Cell], devices: Iterable[str]) -> str:
    """Why nothing of an experiment can run on the devices asked for; empty where something can."""
    reasons = [why_absent(cell) for cell in cells]
    if None in reasons:
        return ""
    told = dict.fromkeys(filter(None, [*reasons, left_out(experiment, devices)]))
    return f"nothing of experiment {experiment.name!r} runs: {'; '.join(told)}"


def why_absent(cell: Cell | MissingCell) -> str | None:
    """Why a cell cannot run here; None when it can, or when it has vanished."""
    if isinstance(cell, MissingCell):
        return None if cell.elsewhere is None else cell.reason
    reason = absent_reason(cell.device)
    return None if reason is None else f"device {cell.device} is not here: {reason}"


def verdicts_of_absent(cell: Cell | MissingCell) -> tuple[Verdict, ...]:
    """What the gates of a cell that cannot run here say; nothing of any other cell."""
    meant = cell.elsewhere if isinstance(cell, MissingCell) else cell
    reason = why_absent(cell)
    return () if meant is None or reason is None else skipped(meant, reason)


def is_skipped_as_absent(cell: Any, told: Any) -> bool:
    """Whether what pytest tells of a skipped test is our reason and not the team's own."""
    is_cell = isinstance(cell, Cell | MissingCell) and isinstance(told, tuple)
    return is_cell and told[-1] == f"Skipped: {why_absent(cell)}"
