"""The examples that went from right to wrong, or back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from pytest_mlexp.gates.contributions import Contributions

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]


def right(baseline: FloatArray | None, table: FloatArray | None, *, maximize: bool) -> tuple[FloatArray, ...]:
    """The share of runs in which each example was right: before and now; empty unless scores are 0 or 1.

    Args:
        baseline: the accepted scores averaged over runs, shape ``(examples,)``, in the metric's own direction.
        table: the candidate's scores, shape ``(runs, examples)``.
        maximize: whether 1 is right; else it is an error.
    """
    if baseline is None or table is None or baseline.shape != table.shape[1:]:
        return ()
    if not np.isin(table, (0.0, 1.0)).all() or baseline.min() < 0 or baseline.max() > 1:
        return ()
    shares = baseline, table.mean(axis=0)
    return shares if maximize else tuple(1.0 - share for share in shares)


def count_flips(baseline: FloatArray | None, table: FloatArray | None, *, maximize: bool) -> tuple[int, int] | None:
    """How many examples went from right to wrong by most runs, and back; None unless scores are 0 or 1."""
    if not (shares := right(baseline, table, maximize=maximize)):
        return None
    before, now = (share > 0.5 for share in shares)
    return int((before & ~now).sum()), int((~before & now).sum())


def flips_table(
    candidate: Mapping[str, Contributions], baseline: Mapping[str, FloatArray], maximize: Mapping[str, bool]
) -> bytes:
    """A CSV of the flipped examples of every metric, with the share of runs that were right; empty without any."""
    rows = []
    for metric, found in candidate.items():
        shares = right(baseline.get(metric), found.table, maximize=maximize.get(metric, True))
        if not shares or found.examples is None:
            continue
        before, now = shares
        rows += [
            [metric, found.examples[place], f"{before[place]:.3g}", f"{now[place]:.3g}"]
            for place in np.flatnonzero((before > 0.5) != (now > 0.5))
        ]
    if not rows:
        return b""
    text = io.StringIO()
    csv.writer(text).writerows([["metric", "example", "right_before", "right_now"], *rows])
    return text.getvalue().encode()
