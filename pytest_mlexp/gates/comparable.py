"""Whether one metric can be compared with what was accepted of it, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pytest_mlexp.gates.contributions import Contributions, Kind
from pytest_mlexp.gates.lock import Accepted
from pytest_mlexp.verdicts import Status

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]

FEWEST_RUNS = 3
_UNGATED = (
    "no gate compared {name} when this cell was accepted, so only its value is there (runs: {runs}) and nothing of its "
    "{kind} to pair with: the margin holds from the next --mlexp-accept on"
)
_NO_PARTS_THEN = (
    "{name} had no {kind} to pair with when this cell was accepted, only its value (runs: {runs}): its evaluator could "
    "not be called on parts of the data then, and now it can: accept it anew"
)
_NO_PARTS = (
    "{name} was accepted by {kind}, and now there is only a number a run: the data are the same, but its evaluator "
    "cannot be called on parts of them any more. See what it raises on a part, or accept the cell anew"
)
_NO_TIMING = "was accepted as a timing, and does not depend on timings any more"
_UNPAIRED = (
    "{name} was accepted by {kind}, and what pairing needs of them is not there: restore the lock and its folder from "
    "git, or accept the cell anew"
)
_FEW_RUNS = (
    "{name} is a number a run and was accepted with {runs} of them, which do not say how much runs are spread: accept "
    "it anew with --mlexp-accept, from {fewest} runs or more (mlexp_accept_runs)"
)


def unlike(
    name: str, baseline: tuple[Accepted, FloatArray | None], candidate: Contributions
) -> tuple[Status, str] | None:
    """Why what was accepted and the candidate are not alike, so that one says nothing of the other."""
    accepted, vector = baseline
    if not accepted.finite or (vector is not None and not np.isfinite(vector).all()):
        return "not_comparable", f"what was accepted of {name} is not finite, or nothing: accept it anew"
    if (accepted.hardware is None) != (candidate.hardware is None):
        was = "depends on the hardware, and was accepted without it"
        return "not_comparable", f"{name} {was if accepted.hardware is None else _NO_TIMING}: accept it anew"
    if accepted.hardware != candidate.hardware:
        return "other_hardware", f"{name} was accepted on other hardware: not compared"
    if accepted.kind != candidate.kind:
        return "not_comparable", _other_kind(name, accepted, candidate.kind)
    if accepted.columns != candidate.columns:
        return "not_comparable", f"{name} was accepted on other {accepted.kind}: accept it anew"
    is_missing = accepted.kind != "runs" and vector is None
    return ("not_comparable", _UNPAIRED.format(name=name, kind=accepted.kind)) if is_missing else None


def _other_kind(name: str, accepted: Accepted, now: Kind) -> str:
    if now == "runs":
        return _NO_PARTS.format(name=name, kind=accepted.kind)
    if accepted.kind != "runs":
        return f"{name} was measured by {accepted.kind} when it was accepted, and is by {now} now: accept it anew"
    text = _NO_PARTS_THEN if accepted.unchanged else _UNGATED  # only what a gate compared has them
    return text.format(name=name, runs=len(accepted.runs), kind=now)


def is_paired(accepted: Accepted, later: tuple[Accepted, FloatArray | None]) -> bool:
    """Whether what was accepted later is of the same columns, and has what pairing needs."""
    return later[0].columns == accepted.columns and (accepted.kind == "runs" or later[1] is not None)


def blindness(candidate: Contributions) -> str:
    """Why no loss could show, however large; empty where one could."""
    if candidate.table is None:
        return ""
    if candidate.table.shape[1] < 2:
        return "one example" if candidate.kind == "examples" else "one group, or one block of examples"
    return "one group" if candidate.groups is not None and not np.ptp(candidate.groups) else ""


def unjudged(
    name: str, accepted: Accepted, candidate: Contributions, later: tuple[Accepted, FloatArray | None] | None
) -> tuple[Status, str] | None:
    """Why two that are alike cannot be compared, if so."""
    if not candidate.finite:
        return "not_finite", f"a contribution to {name} is not finite"
    lent = 0 if later is None or later[0].columns != accepted.columns else len(later[0].runs) - 1
    if candidate.kind == "runs" and len(accepted.runs) + lent < FEWEST_RUNS:
        return "not_comparable", _FEW_RUNS.format(name=name, runs=len(accepted.runs), fewest=FEWEST_RUNS)
    return None
