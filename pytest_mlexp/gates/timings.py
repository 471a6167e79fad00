"""Timings depend on the machine, and on what else it does: what of a difference that explains."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from pytest_mlexp.gates.rules import OPERATIONAL, SPEED, WAITED
from pytest_mlexp.numerals import text

if TYPE_CHECKING:
    from pytest_mlexp.gates.lock import Accepted, LockedMetric

_CLEARLY = 2.0  # standard deviations of the machine's noise
_WORSE = (
    "{}: {} was {} and is accepted with {}{}: what is accepted on a busy machine hides losses later. Accept it on an "
    "idle one, or say in the commit why it is meant"
)
_PACE = (
    "a fixed piece of work took {:.2g} times as long as when this was accepted: so much may be the machine's, or of "
    "what the model leaves running"
)
_FASTER = "a fixed piece of work took {:.2g} times as long as when this was accepted: so large a loss may be hidden"
_SLOWER = " (a fixed piece of work beside it took {:.2g} times as long)"


def noise_of_machine(name: str, accepted: Accepted, pace: float | None = None, *, of_a_loss: bool = False) -> float:
    """Variance of the difference of timings from two sessions: no machine is equally fast and equally idle in both.

    What runs in a row are spread by says nothing of it. Zero for what does not depend on the hardware.

    Args:
        name: of the timing; what an evaluator makes of timings may have any unit, and waits for no seconds.
        accepted: its baseline.
        pace: how many times as long a fixed piece of work took beside the candidate; None where nobody knows. A
            machine that is so much slower, or faster, explains a difference of as much.
        of_a_loss: only what may explain a loss: that is no faster machine.
    """
    if accepted.hardware is None:
        return 0.0
    speed = SPEED if pace is None else max(SPEED, pace - 1 if of_a_loss else abs(pace - 1))
    return 2 * ((speed * accepted.typical) ** 2 + (WAITED if name in OPERATIONAL else 0.0) ** 2)


def pace_of(accepted: Accepted, taken: Sequence[float | None]) -> float | None:
    """How many times as long a fixed piece of work took as when this was accepted; None where one is missing.

    By the median: one stall beside one of several runs excuses none of them.
    """
    seconds = [one for one in taken if one]
    return float(np.median(seconds)) / accepted.pace if seconds and accepted.pace else None


def told_of_pace(pace: float | None) -> str:
    """What the pace of the machine explains or hides, where that is more than its usual noise; empty otherwise."""
    if pace is None or abs(pace - 1) <= SPEED:
        return ""
    return (_PACE if pace > 1 else _FASTER).format(pace)


def worse(where: str, before: Mapping[str, LockedMetric], now: Mapping[str, LockedMetric]) -> list[str]:
    """One line for each timing that is accepted although it is clearly worse than it was on the same hardware."""
    lines = []
    for name, metric in now.items():
        old, new = (before[name].accepted if name in before else None), metric.accepted
        if old is None or new.hardware is None or old.hardware != new.hardware or not old.finite:
            continue
        lost = (old.typical - new.typical) * (1 if metric.maximize else -1)
        if lost > _CLEARLY * math.sqrt(noise_of_machine(name, old)):
            pace = pace_of(old, (new.pace,))
            slower = _SLOWER.format(pace) if pace is not None and pace > 1 + SPEED else ""
            lines.append(_WORSE.format(where, name, text(old.typical), text(new.typical), slower))
    return lines
