"""An outcome, and a store that keeps it."""

from __future__ import annotations

from pathlib import Path
from secrets import token_hex
from typing import Any

import numpy as np

from pytest_mlexp.execution.kept import KeptStore
from pytest_mlexp.execution.outcome import Outcome
from pytest_mlexp.execution.store import OutcomeStore, Sought
from pytest_mlexp.provenance.provenance import BlockProvenance, Provenance

OUTCOME = Outcome({"predict": np.arange(5.0)}, offers=("predict", "predict_proba"), fit_seconds=2.0)
BLOCK = BlockProvenance({"code shop:helper": "1", "package numpy": "2.0"})


def sought(block: BlockProvenance = BLOCK, **own: Any) -> Sought:
    return Sought("trial", "shop", Provenance(block, {"seed": "0", **own}))


def store(folder: Path, session: str = "", **options: Any) -> OutcomeStore:
    """A store of a session of its own, unless the session is named."""
    return OutcomeStore(kept=KeptStore(folder, session=session or token_hex(8), **{"machine": "here", **options}))


def never() -> Outcome:
    raise AssertionError("computed again")
