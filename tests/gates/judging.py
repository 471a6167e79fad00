"""Tables and runs that are accepted, and judged against each other."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pytest_mlexp.gates.comparing import Terms, against
from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.lock import Accepted
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.verdicts import Verdict

Table = npt.NDArray[np.float64]
GATE = Gate("m", max_drop=0.01)
FROM_WORST = ("regressed", "inconclusive", "pass", "improved")


def table(values: Any, **options: Any) -> Contributions:
    rows = np.atleast_2d(np.asarray(values, dtype=float))
    return Contributions("examples", rows.mean(axis=1), tuple(range(len(rows))), rows, **options)


def runs(*values: float) -> Contributions:
    return Contributions("runs", np.array(values), tuple(range(len(values))))


def accepted(found: Contributions) -> tuple[Accepted, Table | None]:
    side = found.side
    kept = Accepted(side.value, 0.0, tuple(side.runs.tolist()), found.kind, found.columns, side.residual)
    return kept, side.mean


def judged(
    before: Contributions, now: Contributions, *, maximize: bool = True, gate: Gate = GATE, **terms: Any
) -> Verdict:
    return against(gate, "m", now, (*accepted(before), maximize), Terms(**terms))


def bits(right: int, size: int = 1000) -> Contributions:
    return table(np.arange(size) < right)
