"""Laws of the verdict on numbers a run, with the noise of the machine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pytest_mlexp.gates.comparing import Terms, against
from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.verdicts import Verdict
from tests.gates.judging import FROM_WORST, Table, accepted, runs

timings = st.integers(3, 5).flatmap(lambda size: arrays(float, size, elements=st.floats(0.01, 4)))


def timed(values: Any) -> Contributions:
    return replace(runs(*values), hardware="here")


def judged_timing(before: Any, now: Any, *, maximize: bool = False) -> Verdict:
    kept = replace(accepted(timed(before))[0], hardware="here")
    return against(Gate("m", max_relative_drop=0.1), "m", timed(now), (kept, None, maximize), Terms())


@settings(deadline=None)
@given(timings, timings, st.floats(0.01, 3))
def test_faster_runs_get_no_worse_verdict(before: Table, now: Table, gain: float) -> None:
    worse, better = (judged_timing(before, now - shift).status for shift in (0.0, gain))
    assert FROM_WORST.index(worse) <= FROM_WORST.index(better)


@settings(deadline=None)
@given(timings, timings)
def test_the_verdict_on_runs_is_the_same_when_direction_and_values_turn(before: Table, now: Table) -> None:
    straight, turned = judged_timing(before, now), judged_timing(-before, -now, maximize=True)
    assert straight.status == turned.status == judged_timing(before[::-1], now[::-1]).status
    assert straight.comparison is not None
    assert turned.comparison is not None
    assert straight.comparison.p == turned.comparison.p
