"""Timings depend on the machine, and on what else it does."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pytest_mlexp import Dataset, Evaluation, Experiment
from pytest_mlexp.execution.pace import pace
from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.flow import Flow
from pytest_mlexp.gates.comparing import Terms, against
from pytest_mlexp.gates.contributions import Contributions, with_reused
from pytest_mlexp.gates.judge import Baseline, judge
from pytest_mlexp.gates.likeness import changes_of_evaluator
from pytest_mlexp.gates.lock import Accepted, LockedCell, LockedMetric
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.gates.screening import judge_cell
from pytest_mlexp.gates.timings import noise_of_machine, worse
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
        f"evaluator 'e' changed, or code that it calls (fingerprint {before.evaluator[:8]} -> other)",
    )


@pytest.mark.parametrize(
    ("seconds", "pace", "status"),
    [
        (1.9, 0.01, "regressed"),  # on a machine as fast as it was
        (1.9, 0.02, "inconclusive"),  # on one that is half as fast
        (9.0, 0.02, "regressed"),  # which does not explain that
        (1.0, 0.005, "inconclusive"),  # equally fast on a faster machine is not shown to be equally good
        (1.0, 0.01, "pass"),
        (1.9, 0.005, "regressed"),  # a faster machine explains no loss
        (1.05, 0.005, "inconclusive"),  # but may hide one
        (0.5, 0.005, "inconclusive"),  # and no gain is shown by it
    ],
)
def test_what_a_slower_machine_explains_is_no_loss(seconds: float, pace: float, status: str) -> None:
    before = replace(accepted(runs(*[1.0] * 6, hardware="a")), pace=0.01)
    now = replace(runs(*[seconds] * 3, hardware="a"), pace=(pace,) * 3)
    verdict = against(Gate("fit_seconds", max_relative_drop=0.5), "fit_seconds", now, (before, None, False), Terms())
    assert verdict.status == status
    assert ("times as long as when this was accepted" in verdict.reason) == (status == "inconclusive")
    assert verdict.comparison is not None
    assert verdict.comparison.pace == pytest.approx(pace / 0.01)


def test_one_stall_among_several_runs_excuses_nothing() -> None:
    kept = replace(accepted(runs(*[0.1] * 5, hardware="a")), pace=0.01)
    slow = replace(runs(*[0.2] * 5, hardware="a"), pace=(0.01, 0.01, 0.11, 0.01, 0.01))
    gate = Gate("fit_seconds", max_relative_drop=0.1)
    assert against(gate, "fit_seconds", slow, (kept, None, False), Terms()).status == "regressed"


def test_joined_runs_have_a_pace_where_each_of_them_has_one() -> None:
    one, other = (replace(runs(1.0, hardware="a"), pace=(pace,)) for pace in (0.01, 0.03))
    both = one.joined(other)
    assert both.pace == (0.01, 0.03)
    assert both.first(1).pace == (0.01,)
    assert one.joined(runs(1.0, hardware="a")).pace == ()


class Timed(Project):
    """A project that is held to its time alone, on a machine of a pace that is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.seconds, self.pace = 0.02, 0.01
        self.experiment = Experiment("e")
        self.experiment.gate("fit_seconds", max_relative_drop=0.5)

        @self.experiment.dataset(version="1")
        def d() -> Dataset:
            return Dataset.from_arrays(np.ones((4, 1)), np.ones(4), split=([0, 1], [2, 3]))

        @self.experiment.model
        def m(seed: int) -> Timed:
            self.trained += 1
            return self

        @self.experiment.evaluator(maximize="share")
        def e(y_true: Any, y_pred: Any) -> float:
            return float((y_true == y_pred).mean())

        monkeypatch.setattr("pytest_mlexp.execution.trial.pace", lambda: self.pace)

    def fit(self, X: Any, y: Any) -> None:
        time.sleep(self.seconds)

    def predict(self, X: Any) -> Any:
        return np.ones(len(X))


def test_a_busy_session_accuses_no_model_and_a_slow_model_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    project = Timed(monkeypatch)
    project.accept(0)
    assert project.baseline is not None
    assert project.baseline.locked.metrics["fit_seconds"].accepted.pace == 0.01
    project.seconds = 0.2
    assert project.judge(0) == {"baseline": "regressed"}
    project.pace = 0.1
    assert project.judge(0) == {"baseline": "inconclusive"}


def test_timings_of_an_earlier_session_are_taken_anew_before_they_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    project = Timed(monkeypatch)
    project.accept(0)
    flow = Flow(OutcomeStore(), record=lambda *_: None, keep_files=False)
    project.trained, evaluation = 0, flow.evaluate(project.cell)
    for seconds, trained, statuses in ((0.02, 1, {"pass", "inconclusive"}), (0.2, 1 + 4, {"regressed"})):
        project.seconds, project.trained = seconds, 0
        slow = {"fit_seconds": replace(evaluation.contributions["fit_seconds"], runs=np.array([0.5]), reused=(0,))}
        given = replace(evaluation, contributions=slow)
        (verdict,), seen = judge_cell(project.cell, given, flow=flow, baseline=project.baseline, terms=Terms())
        assert (verdict.reused, project.trained) == (0, trained)
        assert verdict.status in statuses
        assert seen.contributions["fit_seconds"].runs.max() < 0.45


def test_further_looks_at_a_reused_timing_are_taken_anew_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    project = Timed(monkeypatch)
    project.accept(0)
    project.seconds = 0.2
    store = OutcomeStore()
    flow = Flow(store, record=lambda *_: None, keep_files=False)
    flow.again(project.cell, range(1, 12))  # what an earlier session's further looks left
    evaluation = flow.evaluate(project.cell)
    given = replace(evaluation, contributions=with_reused(evaluation.contributions, (0,)))
    project.trained = 0
    (verdict,), _ = judge_cell(project.cell, given, flow=flow, baseline=project.baseline, terms=Terms())
    assert (verdict.status, verdict.reused, project.trained) == ("regressed", 0, 1 + 4)


def test_the_pace_of_the_machine_is_taken_where_timings_count_and_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def taken() -> float:
        asked.append(pace())
        return asked[-1]

    monkeypatch.setattr("pytest_mlexp.execution.trial.pace", taken)
    Project().accept(0)
    assert asked == []
    project = Project(max_drop=0.1)
    project.experiment.gate("predict_seconds", at_most=9.0)
    project.accept(0)
    assert len(asked) == 2 * (1 + 5)
    assert min(asked) > 0


def test_a_timing_that_is_accepted_clearly_worse_is_told() -> None:
    def metric(seconds: float, pace: float | None = None, **other: Any) -> dict[str, LockedMetric]:
        found = replace(accepted(runs(*[seconds] * 3, hardware="a")), pace=pace, **other)
        return {"fit_seconds": LockedMetric(False, found)}

    (line,) = worse("e: c", metric(1.0, 0.01), metric(2.0, 0.03))
    assert line.startswith("e: c: fit_seconds was 1.0000 and is accepted with 2.0000 (a fixed piece of work")
    assert "took 3 times as long" in line
    (plain,) = worse("e: c", metric(1.0, 0.01), metric(2.0, 0.01))
    assert "fixed piece" not in plain
    for before, now in (
        (metric(1.0), metric(1.1)),
        (metric(2.0), metric(1.0)),
        (metric(1.0), metric(2.0, hardware="b")),
        ({}, metric(2.0)),
    ):
        assert worse("e: c", before, now) == []
