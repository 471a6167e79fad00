"""How far a metric that was had again agrees with the logged one.

Identical
    Every trial gave the same number, bit for bit.
Within noise, by rounding
    Every trial agrees to a relative 1e-7: what NumPy's ``assert_allclose`` and PyTorch's ``assert_close`` grant to
    numbers in double precision by default, for another order of summation on another machine.
Within noise, by repeatability
    Data, split, seeds, parameters and code are as recorded, and the means differ by no more than the repeatability
    limit of ISO 5725-6: two results of the same method on the same material differ by more than
    ``1.96 * sqrt(2) * s`` in one case of twenty only. Here ``s`` is the standard error that the spread between
    seeds within each split gives to the mean over all trials. The smaller spread of the two runs counts, so that
    a run that went astray does not excuse itself, and one seed alone excuses nothing but rounding.
Different
    Anything else.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Literal

import numpy as np

from pytest_mlexp.records import CellRecord, Summary

RELATIVE = 1e-7
REPEATABILITY = 1.96 * math.sqrt(2)

Agreement = Literal["identical", "rounding", "within noise", "different"]


def agree(logged: Sequence[float], again: Sequence[float], *, limit: float) -> Agreement:
    """Compare the values of one metric, trial by trial.

    ``limit`` is granted to the difference of the means; 0 grants nothing, even where the means are equal.
    """
    if [_bits(value) for value in logged] == [_bits(value) for value in again]:
        return "identical"
    if len(logged) != len(again):
        return "different"
    if all(map(_close, logged, again)):
        return "rounding"
    means = _mean(logged), _mean(again)
    return "within noise" if 0 < limit >= abs(means[0] - means[1]) else "different"


def repeatability(logged: CellRecord, again: CellRecord, metric: str) -> float:
    """The repeatability limit of a metric's mean; 0 where no split was run with two seeds."""
    spreads = [_standard_error(cell, cell.metrics[metric]) for cell in (logged, again)]
    return REPEATABILITY * min(spreads)


def _standard_error(cell: CellRecord, metric: Summary) -> float:
    """Of the mean over trials, from the pooled spread between the seeds within each split."""
    by_split: dict[str, list[float]] = {}
    for split, value in zip(cell.splits, metric.values, strict=False):
        by_split.setdefault(split, []).append(value)
    freedom = sum(len(values) - 1 for values in by_split.values())
    if not freedom or not metric.finite:
        return 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        squares = sum(len(values) * float(np.var(values)) for values in by_split.values())
    found = math.sqrt(squares / freedom / len(metric.values))
    return found if math.isfinite(found) else 0.0


def _close(one: float, other: float) -> bool:
    return _bits(one) == _bits(other) or math.isclose(one, other, rel_tol=RELATIVE)


def _bits(value: float) -> bytes:
    return b"nan" if math.isnan(value) else struct.pack("<d", value)


def _mean(values: Sequence[float]) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.mean(values)) if values else math.nan
