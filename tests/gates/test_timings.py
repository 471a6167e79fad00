"""Timings depend on the machine, and on what else it does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pytest_mlexp import Evaluation
from pytest_mlexp.gates.comparing import Terms, against
from pytest_mlexp.gates.contributions import Contributions, with_reused
from pytest_mlexp.gates.judge import Baseline, judge
from pytest_mlexp.gates.likeness import changes_of_evaluator
from pytest_mlexp.gates.lock import Accepted, LockedCell, LockedMetric
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.gates.timings import noise_of_machine
from pytest_mlexp.reporting.pairs import difference
from pytest_mlexp.verdicts import Verdict
from tests.gates.accepting import Project


def runs(*values: float, hardware: str | None = None) -> Contributions:
    return Contributions("runs", np.array(values), tuple(range(len(values))), hardware=hardware)


def accepted(found: Contributions) -> Accepted:
    return Accepted(found.side.value, 0.0, tuple(found.runs.tolist()), "runs", hardware=found.hardware)


def judged(before: Contributions, now: Contributions) -> Verdict:
    return against(Gate("m", max_drop=0.01), "m", now, (accepted(before), None, False), Terms())


def test_timings_of_other_hardware_are_not_compared_and_do_not_fail() -> None:
    verdict = judged(runs(1.0, 1.1, 0.9, hardware="a"), runs(9.0, hardware="b"))
    assert verdict.status == "other_hardware"
    assert verdict


@pytest.mark.parametrize("hardware", [(None, "b"), ("b", None)])
def test_what_was_no_timing_is_not_compared_with_one(hardware: tuple[str | None, str | None]) -> None:
    verdict = judged(runs(1.0, 1.1, 0.9, hardware=hardware[0]), runs(1.0, hardware=hardware[1]))
    assert verdict.status == "not_comparable"
    assert "accept it anew" in verdict.reason


def test_a_timing_that_was_reused_is_identical_and_one_taken_anew_is_compared() -> None:
    reused, anew = runs(9.0, hardware="a"), runs(9.5, hardware="a")
    kept = accepted(runs(9.0, 1.0, 1.0, 1.1, hardware="a"))
    known = replace(kept, unchanged=reused.run_digests()), None, False
    gate = Gate("m", max_relative_drop=0.1)
    assert against(gate, "m", reused, known, Terms()).status == "identical"
    assert against(gate, "m", anew, known, Terms()).status == "inconclusive"


@pytest.mark.parametrize(
    ("name", "now", "status"),
    [
        ("fit_seconds", (0.010,) * 3, "inconclusive"),  # of 5 ms twice as much is less than a busy machine adds
        ("fit_seconds", (0.2,) * 3, "regressed"),
        ("rows_per_second", (0.010,) * 3, "regressed"),  # in whatever unit: the machine's speed alone is noise
        ("rows_per_second", (0.0056,) * 3, "inconclusive"),
    ],
)
def test_no_machine_is_equally_fast_in_two_sessions(name: str, now: tuple[float, ...], status: str) -> None:
    kept = accepted(runs(*[0.005] * 6, hardware="a"))
    gate = Gate(name, max_relative_drop=0.1)
    verdict = against(gate, name, runs(*now, hardware="a"), (kept, None, False), Terms())
    assert verdict.status == status
    assert verdict.comparison is not None
    assert 0.0 < verdict.comparison.visible < 0.1


def test_one_cold_run_widens_neither_margin_nor_noise() -> None:
    cold, warm = (accepted(runs(first, 1.0, 1.0, 1.1, 0.9, 1.0, hardware="a")) for first in (99.0, 1.0))
    gate = Gate("fit_seconds", max_relative_drop=0.1)
    assert noise_of_machine("fit_seconds", cold) == noise_of_machine("fit_seconds", warm)
    verdict = against(gate, "fit_seconds", runs(1.0, hardware="a"), (cold, None, False), Terms())
    assert verdict.comparison is not None
    assert verdict.comparison.margin == pytest.approx(0.1)


def test_the_noise_of_the_machine_makes_no_slide_suspicious() -> None:
    anchor, later = (accepted(runs(s, s + 0.001, s - 0.001, hardware="a")) for s in (1.0, 1.1))
    gate, now = Gate("fit_seconds", max_relative_drop=0.01), runs(1.1, hardware="a")
    verdict = against(gate, "fit_seconds", now, (anchor, None, False), Terms(), later=(later, None))
    assert verdict.comparison is not None
    assert verdict.comparison.suspicion > 0.1


def test_two_versions_are_compared_with_the_noise_of_the_machine() -> None:
    sides = [LockedMetric(False, accepted(runs(s, s + 0.001, s - 0.001, hardware="a"))) for s in (1.0, 1.1)]
    assert difference("fit_seconds", (sides[0], sides[1]), [None, None], None).p > 0.1


def test_an_evaluator_that_changed_leaves_the_timings_comparable_and_fails_the_cell_all_the_same() -> None:
    metrics = {"fit_seconds": LockedMetric(maximize=False, accepted=accepted(runs(*[1.0] * 6, hardware="a")))}
    locked = LockedCell("d", "s", "e", 1, metrics=metrics)
    now = Evaluation({"share": 0.9}, contributions={"fit_seconds": runs(1.0, hardware="a")})
    gate = Gate("fit_seconds", max_relative_drop=0.5)

    def judged(*changes: str) -> dict[str, str]:
        found = judge(now, [gate], baseline=Baseline(locked, {}, changes, ("the evaluator",)))
        return {verdict.gate: verdict.status for verdict in found}

    assert judged("the evaluator") == {str(gate): "pass", "as accepted": "not_comparable"}
    assert judged("the data") == {str(gate): "not_comparable"}


def test_an_evaluator_that_changed_leaves_the_anchors_of_timings() -> None:
    project = Project(max_drop=0.5)
    project.experiment.gate("fit_seconds", max_relative_drop=0.5)

    def evaluation(*seconds: float) -> Evaluation:
        return Evaluation({"share": 0.9}, contributions={"fit_seconds": runs(*seconds, hardware="a")})

    project.accept(50, tables=evaluation(1.0, 1.1, 1.2))
    project.locked(evaluator="before the change")
    assert project.accept(50, tables=evaluation(1.1, 1.2, 1.3)) == ()
    assert project.baseline is not None
    assert project.baseline.locked.metrics["fit_seconds"].anchor is not None


def test_a_verdict_on_timings_of_an_earlier_session_says_so() -> None:
    first, more = runs(9.0, hardware="a"), runs(9.1, hardware="a")
    gate = Gate("fit_seconds", at_most=1.0)
    for seeds in ((), (0,)):
        found = with_reused({"fit_seconds": first, "share": runs(1.0)}, seeds)
        assert found["share"].reused == ()
        timed = {"fit_seconds": found["fit_seconds"].joined(more)}
        (verdict,) = judge(Evaluation({"share": 1.0}, contributions=timed), [gate])
        assert (verdict.reused, verdict.status) == (len(seeds), "breach")
        assert ("--mlexp-fresh" in verdict.reason) == bool(seeds)


def test_the_direction_of_a_metric_is_its_evaluators_own_and_the_data_are_not() -> None:
    project = Project()
    project.accept(50)
    assert project.baseline is not None
    before = project.baseline.locked
    assert changes_of_evaluator(project.cell, replace(before, dataset="other", evaluator="other"), before) == (
        f"evaluator 'e' changed (fingerprint {before.evaluator[:8]} -> other)",
    )
