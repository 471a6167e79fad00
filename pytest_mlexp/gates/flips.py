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
    BoolArray: TypeAlias = npt.NDArray[np.bool_]


def flips(baseline: FloatArray | None, table: FloatArray | None) -> tuple[BoolArray, BoolArray] | None:
    """Which examples were right by most runs of each side: before and now; None unless scores are 0 or 1."""
    if baseline is None or table is None or baseline.shape != table.shape[1:]:
        return None
    if not np.isin(table, (0.0, 1.0)).all() or baseline.min() < 0 or baseline.max() > 1:
        return None
    return baseline > 0.5, table.mean(axis=0) > 0.5


def count_flips(baseline: FloatArray | None, table: FloatArray | None) -> tuple[int, int] | None:
    """How many examples went from right to wrong, and back."""
    found = flips(baseline, table)
    return None if found is None else (int((found[0] & ~found[1]).sum()), int((~found[0] & found[1]).sum()))


def flips_table(candidate: Mapping[str, Contributions], baseline: Mapping[str, FloatArray]) -> bytes:
    """A CSV of the flipped examples of every metric, with the share of runs that were right; empty without any."""
    rows = []
    for metric, found in candidate.items():
        both = flips(baseline.get(metric), found.table)
        if both is None or found.table is None or found.examples is None:
            continue
        for place in np.flatnonzero(both[0] != both[1]):
            shares = baseline[metric][place], found.table[:, place].mean()
            rows.append([metric, found.examples[place], *(f"{share:.3g}" for share in shares)])
    if not rows:
        return b""
    text = io.StringIO()
    csv.writer(text).writerows([["metric", "example", "right_before", "right_now"], *rows])
    return text.getvalue().encode()
