"""Cells that cannot run here: skipped with a verdict, or failed where a gate asks for that."""

from __future__ import annotations

from typing import Any

from pytest_mlexp.blocks.device import absent_reason
from pytest_mlexp.gates.state import MissingCell, skipped
from pytest_mlexp.matrix import Cell
from pytest_mlexp.verdicts import Verdict


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
