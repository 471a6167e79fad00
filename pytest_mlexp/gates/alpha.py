"""The error rate of a session: what it may be, and whether it asks for less than was accepted."""

from __future__ import annotations

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.gates.comparing import ALPHA, SCREEN
from pytest_mlexp.verdicts import Verdict

# Only a cell that the first look finds suspicious is looked at again and may fail: with a larger alpha, losses that
# should fail would end at the screen.
LARGEST = SCREEN[0]
# Below it gates hardly ever fail, whatever is lost: there a margin is better taken away, in a reviewed line.
SMALLEST = 0.001


def check_alpha(alpha: float) -> float:
    """Return the error rate when it may be one.

    Raises:
        SettingsError: it is no number from the smallest to the largest that makes sense.
    """
    if SMALLEST <= alpha <= LARGEST:  # NaN is not
        return alpha
    raise SettingsError(
        f"alpha {alpha!r} must be a number from {SMALLEST} to {LARGEST}, {ALPHA} for instance: the share of sessions "
        "that may accuse a model which is as good as it was"
    )


def loosened(alpha: float, accepted: float | None) -> tuple[Verdict, ...]:
    """A verdict where a smaller error rate than the accepted one lets larger losses pass; by default that is 0.05."""
    before = ALPHA if accepted is None else accepted
    if alpha >= before:
        return ()
    reason = f"gates were accepted at alpha {before:g}, now it is {alpha:g}: larger losses pass"
    return (Verdict("alpha", "", "loosened", reason),)
