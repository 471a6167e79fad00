"""How fast the machine is here and now: the seconds that a fixed piece of work takes."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]

_ROUNDS = 60
_SIZE = 8_000


def pace() -> float:
    """Seconds (wall clock) that sorting, adding and counting take now, some 10 ms on an idle machine.

    One thread, and long enough for other processes to get in between where they compete for its core: a wait is what
    is to be seen, so that the mean of several counts and not the least. No random generator is touched.
    """
    values = _values()
    started = time.perf_counter()
    for _ in range(_ROUNDS):
        np.sort(values).cumsum()
        sum(range(_SIZE))
    return time.perf_counter() - started


@lru_cache(maxsize=1)
def _values() -> FloatArray:
    """Numbers out of order; made once, with one round of work, for first ones take longer."""
    values = np.arange(_SIZE, dtype=np.float64) * 0.618033988749895 % 1.0
    np.sort(values).cumsum()
    return values
