"""Cells that a session without ``--mlexp`` left out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

REASON = "a benchmark cell: run with --mlexp"


def say_skipped(reporter: pytest.TerminalReporter, reports: Iterable[Any]) -> None:
    """Say in one line how many cells were skipped, and how to run them; nothing under ``-q``."""
    told = (getattr(report, "longrepr", None) for report in reports)
    count = sum(isinstance(words, tuple) and words[-1] == f"Skipped: {REASON}" for words in told)
    if count and reporter.config.get_verbosity() >= 0:
        reporter.write_line(f"{count} cells of experiments were skipped: --mlexp runs them")
