"""From runs to an entry of the lock, and back to a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pytest_mlexp import Evaluation
from pytest_mlexp.errors import GateError
from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.flow import Flow
from pytest_mlexp.gates.comparing import Terms
from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.judge import judge
from pytest_mlexp.gates.likeness import changes, described
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.gates.screening import judge_cell
from pytest_mlexp.reporting.verdicts import message, short
from tests.gates.accepting import Project, evaluation


def test_what_did_not_change_is_identical_and_trains_nothing_more() -> None:
    project = Project()
    project.accept(50)
    assert project.judge(50) == {"baseline": "identical"}
    assert project.trained == 0


def test_a_loss_is_looked_at_with_four_more_seeds() -> None:
    project = Project()
    project.accept(50)
    assert project.judge(80) == {"baseline": "regressed"}
    assert project.trained == 4


def test_a_gain_needs_no_second_look() -> None:
    project = Project()
    project.accept(50)
    assert project.judge(20) == {"baseline": "improved"}
    assert project.trained == 0


def test_a_gate_that_informs_trains_nothing_more() -> None:
    project = Project(max_drop=0.01, primary=False)
    project.accept(50)
    project.judge(80)
    assert project.trained == 0


def test_without_a_baseline_a_cell_is_new() -> None:
    assert Project().judge(50) == {"baseline": "new"}


def test_a_new_cell_tells_its_metric_as_it_would_be_accepted() -> None:
    examples = np.array([[0.0, 1.0, 1.0, 1.0]])  # of two folds: one example, and three
    found = Evaluation(
        {"m": (0.0, 1.0)}, contributions={"m": Contributions("examples", examples.mean(axis=1), (0,), examples)}
    )
    (verdict,) = judge(found, [Gate("m", max_drop=0.1)])
    assert (verdict.status, verdict.value) == ("new", 0.75)


def test_like_is_compared_with_like_only() -> None:
    project = Project()
    project.accept(50)
    assert project.baseline is not None
    accepted = project.baseline.locked
    flow = Flow(OutcomeStore(), record=lambda *_: None, keep_files=False)
    now = described(project.cell, flow.dataset(project.cell))
    assert changes(project.cell, now, accepted) == ()
    for other, words in (
        ({"split": "other"}, "the splits of dataset 'd' changed"),
        ({"dataset": "other"}, "dataset 'd' changed without a new version (still 1, "),
        ({"dataset": "other", "version": "0"}, "dataset 'd' changed from version 0 to 1"),
        ({"evaluator": "other"}, "evaluator 'e' changed, or code that it calls"),
        ({"seeds": 3}, "the experiment has 1 seeds, 3 when it was accepted"),
    ):
        (found,) = changes(project.cell, now, replace(accepted, **other))
        assert words in found
    (found,) = changes(project.cell, now, replace(accepted, dataset="other"))
    assert found.endswith("): give it a new version= first")
    (found,) = changes(project.cell, now, replace(accepted, dataset="other", version="0"))
    assert "version=" not in found
    turned = {"share": replace(accepted.metrics["share"], maximize=False)}
    assert changes(project.cell, now, replace(accepted, metrics=turned)) == ("metric 'share' changed its direction",)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_what_is_not_finite_is_named(bad: float) -> None:
    project = Project()
    project.accept(50)
    broken = replace(evaluation({"share": [1.0, 0.0]}), metrics={"share": (bad,)})
    (verdict,) = judge(broken, project.cell.gates, baseline=project.baseline)
    assert verdict.status == "not_finite"
    assert not verdict


def test_the_worst_slice_speaks_for_all() -> None:
    project = Project(at_least=0.6, max_drop=0.02, slices="region")
    before = {"share[region=north]": [1.0] * 90 + [0.0] * 10, "share[region=south]": [1.0] * 80 + [0.0] * 20}
    project.accept(50, tables=evaluation(before))
    (same,) = judge(evaluation(before), project.cell.gates, baseline=project.baseline)
    assert same.status == "identical"
    worse = evaluation({**before, "share[region=south]": [1.0] * 65 + [0.0] * 35})
    (verdict,) = judge(worse, project.cell.gates, baseline=project.baseline)
    assert (verdict.status, verdict.metric) == ("regressed", "share[region=south]")
    low = evaluation({**before, "share[region=south]": [1.0] * 55 + [0.0] * 45})
    (verdict,) = judge(low, project.cell.gates, baseline=project.baseline)
    assert verdict.status == "breach"
    assert "share[region=south] is 0.55, at least 0.6 is asked (100 examples)" in verdict.reason
    assert verdict.metric == "share[region=south]"
    assert verdict.comparison is not None
    assert verdict.comparison.baseline == pytest.approx(0.8)
    assert verdict.comparison.candidate == pytest.approx(0.55)


def test_a_broken_bound_shows_the_loss_as_well_and_trains_nothing_more() -> None:
    project = Project(at_least=0.6, max_drop=0.02)
    project.accept(50)
    assert project.judge(300) == {"baseline": "breach"}
    assert project.trained == 0
    (verdict,) = judge(evaluation({"share": [0.0] * 400 + [1.0] * 100}), project.cell.gates, baseline=project.baseline)
    assert verdict.comparison is None  # on other examples
    assert verdict.reason.endswith("at least 0.6 is asked; accepted was " + f"{project.accepted:.6g}")
    flow = Flow(OutcomeStore(), record=lambda *_: None, keep_files=False)
    (verdict,) = judge(flow.evaluate(project.cell), project.cell.gates, baseline=project.baseline)
    assert verdict.comparison is not None
    told = short(verdict).partition("; ")[2]
    assert told.startswith(f"accepted: share {project.accepted:.4f} -> 0.")


def test_a_broken_bound_alone_shows_what_was_accepted() -> None:
    project = Project(at_least=0.6)
    project.accept(50)
    (verdict,) = judge(replace(evaluation({"share": [0.0]})), project.cell.gates, baseline=project.baseline)
    assert verdict.reason == f"share is 0, at least 0.6 is asked; accepted was {project.accepted:.6g}"


def test_slices_share_the_chance_of_an_alarm_and_one_slice_is_all() -> None:
    slices = {f"share[region={name}]": [1.0] * 90 + [0.0] * 10 for name in "abcd"}
    worse = {**slices, "share[region=a]": [1.0] * 86 + [0.0] * 14}
    chances = []
    for names in (list(slices)[:1], list(slices)):
        project = Project(max_drop=0.02, slices="region")
        project.accept(50, tables=evaluation({name: slices[name] for name in names}))
        now = evaluation({name: worse[name] for name in names})
        (verdict,) = judge(now, project.cell.gates, baseline=project.baseline)
        assert verdict.comparison is not None
        chances.append(verdict.comparison.p)
    assert chances[1] == pytest.approx(4 * chances[0])


def test_the_declared_seeds_are_the_first_look() -> None:
    project = Project(max_drop=0.01)
    object.__setattr__(project.experiment, "seeds", (0, 1, 2))
    project.accept(50)
    project.rows = 51
    flow = Flow(OutcomeStore(), record=lambda *_: None, keep_files=False)
    found = flow.evaluate(project.cell)
    ((verdict,), _) = judge_cell(project.cell, found, flow=flow, baseline=project.baseline, terms=Terms())
    (three,) = judge(found, project.cell.gates, baseline=project.baseline, terms=Terms(first=3))
    assert verdict.comparison == three.comparison
    assert verdict.comparison is not None
    assert verdict.comparison.runs == (5, 3)


def test_groups_are_accepted_with_what_they_group() -> None:
    project = Project()
    tables = evaluation({"share": [1.0, 0.0, 1.0]})
    grouped = replace(tables.contributions["share"], groups=np.array([0, 300, 0]))
    project.accept(50, tables=replace(tables, contributions={"share": grouped}))
    assert project.baseline is not None
    assert project.baseline.vectors["share groups"].tolist() == [0, 300, 0]


def test_a_slice_that_was_not_accepted_is_new() -> None:
    project = Project(max_drop=0.02, slices="region", new="fail")
    project.accept(50, tables=evaluation({"share[region=north]": [1.0, 0.0]}))
    both = evaluation({"share[region=north]": [1.0, 0.0], "share[region=east]": [1.0, 0.0]})
    (verdict,) = judge(both, project.cell.gates, baseline=project.baseline)
    assert verdict.status == "new"
    assert not verdict


def test_a_change_fails_also_a_cell_without_a_margin() -> None:
    project = Project(at_least=0.1)
    project.accept(50)
    assert project.baseline is not None
    changed = replace(project.baseline, changes=("evaluator 'e' changed",))
    bound, cell = judge(evaluation({"share": [1.0, 0.0]}), project.cell.gates, baseline=changed)
    assert bound
    assert cell.status == "not_comparable"
    assert not cell


@pytest.mark.parametrize("primary", [False, None])
def test_a_margin_that_informs_fails_nothing_where_it_was_not_accepted(primary: Any) -> None:
    project = Project()
    project.accept(50)
    assert project.baseline is not None
    share = project.baseline.locked.metrics["share"]
    value = replace(share, accepted=replace(share.accepted, kind="runs", columns=""))
    locked = replace(project.baseline.locked, gates=(), metrics={"share": share, "other": value})
    gates = [Gate("share", max_drop=0.5), Gate("other", max_drop=0.01, primary=primary)]
    found = evaluation({"share": [1.0, 0.0], "other": [1.0, 0.0]})
    baseline = replace(project.baseline, locked=locked)
    _, newer = judge(found, gates, baseline=baseline, informing=gates[1:])
    assert (newer.status, newer.informs, bool(newer)) == ("not_comparable", True, True)
    _, newer = judge(found, [gates[0], replace(gates[1], primary=True)], baseline=baseline)
    assert (newer.status, bool(newer)) == ("not_comparable", False)


def test_a_change_fails_also_a_cell_whose_margins_inform() -> None:
    project = Project()
    project.accept(50)
    assert project.baseline is not None
    changed = replace(project.baseline, changes=("evaluator 'e' changed",))
    gates = [Gate("share", max_drop=0.01, primary=False)]
    verdicts = judge(evaluation({"share": [1.0, 0.0]}), gates, baseline=changed)
    assert [(v.status, bool(v)) for v in verdicts][:2] == [("not_comparable", True), ("not_comparable", False)]


@pytest.mark.parametrize(
    ("gate", "passes"),
    [
        (Gate("fit_seconds", max_drop=0.01), True),
        (Gate("fit_seconds", max_drop=0.01, inconclusive="fail"), False),
        (Gate("share", max_drop=0.01), False),  # what an evaluator made of timings: a model's quality may be in it
        (Gate("share", max_drop=0.01, primary=False), True),
    ],
    ids=str,
)
def test_timings_of_other_hardware_fail_where_that_is_asked_or_a_loss_could_hide(gate: Gate, passes: bool) -> None:
    project = Project()
    seconds = Contributions("runs", np.array([1.0, 1.1, 0.9]), (0, 1, 2), hardware="there")
    timed = Evaluation({gate.metric: (1.0, 1.1, 0.9)}, contributions={gate.metric: seconds})
    project.accept(50, tables=timed)
    assert project.baseline is not None
    baseline = replace(project.baseline, locked=replace(project.baseline.locked, gates=()))
    here = replace(timed, contributions={gate.metric: replace(seconds, hardware="here")})
    (verdict,) = judge(here, [gate], baseline=baseline)
    assert verdict.status == "other_hardware"
    assert bool(verdict) == passes
    assert "OTHER HARDWARE" in message("e", project.cell.id, [verdict])


def test_a_missing_metric_is_named() -> None:
    (verdict,) = judge(Evaluation({"other": (1.0,)}), Project().cell.gates)
    assert verdict.status == "missing"
    assert not verdict


def test_a_further_look_that_could_not_be_measured_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project()
    project.accept(50)
    project.rows = 150
    flow = Flow(OutcomeStore(), record=lambda *_: None, keep_files=False)
    first = flow.evaluate(project.cell)
    monkeypatch.setattr(flow, "again", lambda *_, **__: replace(first, contributions={}))
    (verdict,), _ = judge_cell(project.cell, first, flow=flow, baseline=project.baseline, terms=Terms())
    assert verdict.status == "missing"
    assert not verdict
    assert "a model of another seed" in verdict.reason


def test_an_unchanged_slice_is_never_the_worst() -> None:
    project = Project(max_drop=0.02, slices="region")
    before = {"share[region=north]": [1.0] * 95 + [0.0] * 5, "share[region=south]": [1.0] * 80 + [0.0] * 20}
    now = evaluation({"share[region=north]": [1.0] * 85 + [0.0] * 15, "share[region=south]": [1.0] * 79 + [0.0] * 21})
    project.accept(50, tables=evaluation(before))
    assert project.baseline is not None
    metrics = project.baseline.locked.metrics
    north = metrics["share[region=north]"]
    digests = now.contributions["share[region=north]"].run_digests()
    same = replace(north, accepted=replace(north.accepted, unchanged=digests))
    locked = replace(project.baseline.locked, metrics={**metrics, "share[region=north]": same})
    (verdict,) = judge(now, project.cell.gates, baseline=replace(project.baseline, locked=locked))
    assert (verdict.metric, verdict.status) == ("share[region=south]", "inconclusive")


def test_what_is_too_large_for_a_variance_is_not_accepted() -> None:
    huge = evaluation({"share": [1e200, 9e200]})
    table = np.array([[1e200, 9e200, 1e200], [9e200, 1e200, 3e200]])
    found = Contributions("examples", table.mean(axis=1), (0, 1), table, np.arange(3))
    with np.errstate(over="ignore"), pytest.raises(GateError, match="share cannot be accepted: its numbers are too"):
        Project().accept(50, tables=replace(huge, contributions={"share": found}))
