"""From runs to an entry of the lock, and back to a verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from pytest_mlexp import Dataset, Evaluation, Experiment
from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.flow import Flow
from pytest_mlexp.gates.acceptance import accept, changes, described
from pytest_mlexp.gates.comparing import Terms
from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.judge import Baseline, judge
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.gates.screening import judge_cell, other_seeds
from pytest_mlexp.gates.vectors import unpack
from pytest_mlexp.matrix import Cell, expand

ROWS = 500


class Wrong:
    """Wrong on the first rows, and on some others by luck."""

    def __init__(self, rows: int, luck: float, seed: int) -> None:
        self.rows, self.luck, self.seed = rows, luck, seed

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        unlucky = np.random.default_rng(self.seed).random(len(X)) < self.luck
        return np.where((np.arange(len(X)) < self.rows) | unlucky, 0.0, 1.0)


class Project:
    """One cell that can be made better and worse, and what is accepted of it."""

    def __init__(self, **gate: Any) -> None:
        self.rows, self.luck, self.trained = 50, 0.01, 0
        self.experiment = Experiment("e")
        self.experiment.gate("share", **(gate or {"max_drop": 0.01}))
        self.baseline: Baseline | None = None

        @self.experiment.dataset(version="1")
        def d() -> Dataset:
            both = np.arange(2 * ROWS)
            return Dataset.from_arrays(both.reshape(-1, 1), np.ones(2 * ROWS), split=(both[:ROWS], both[ROWS:]))

        @self.experiment.model
        def m(seed: int) -> Wrong:
            self.trained += 1
            return Wrong(self.rows, self.luck, seed)

        @self.experiment.evaluator(maximize="share")
        def e(y_true: Any, y_pred: Any) -> Evaluation:
            scores = (y_true == y_pred).astype(float)
            return Evaluation({"share": scores.mean()}, scores={"share": scores})

    @property
    def cell(self) -> Cell:
        return expand(self.experiment, ["cpu"])[0]

    def accept(self, rows: int, *, reset: bool = False, tables: Evaluation | None = None) -> tuple[str, ...]:
        self.rows = rows
        flow = Flow(OutcomeStore(), record=lambda *_: None, keep_files=False)
        evaluation, fresh = tables, tables
        if evaluation is None or fresh is None:
            evaluation = flow.evaluate(self.cell)
            fresh = flow.again(self.cell, other_seeds(self.experiment.seeds, 5))
        found = accept(self.cell, flow.dataset(self.cell), evaluation, fresh, None if reset else self.baseline)
        assert found.entry is not None
        digest = found.entry.contributions
        vectors = unpack(found.vectors, digest=digest, where="x") if digest else {}
        self.baseline = Baseline(found.entry, vectors)
        return found.warnings

    def locked(self, **other: Any) -> None:
        """Let the cell have been made of something else when it was accepted."""
        assert self.baseline is not None
        self.baseline = replace(self.baseline, locked=replace(self.baseline.locked, **other), changes=("changed",))

    @property
    def accepted(self) -> float:
        assert self.baseline is not None
        return self.baseline.locked.metrics["share"].accepted.value

    def judge(self, rows: int) -> dict[str, str]:
        self.rows = rows
        flow = Flow(OutcomeStore(), record=lambda *_: None, keep_files=False)
        evaluation = flow.evaluate(self.cell)
        self.trained = 0
        verdicts, _ = judge_cell(self.cell, evaluation, flow=flow, baseline=self.baseline, terms=Terms())
        return {verdict.against: verdict.status for verdict in verdicts}

    @property
    def anchor(self) -> float | None:
        assert self.baseline is not None
        anchor = self.baseline.locked.metrics["share"].anchor
        return None if anchor is None else anchor.value


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


def test_the_oldest_value_stays_until_it_is_surpassed() -> None:
    project = Project()
    project.accept(50)
    assert project.anchor is None
    first = project.judge(50)
    project.accept(52)
    anchor = project.anchor
    assert anchor is not None
    project.accept(54)
    assert project.anchor == anchor
    assert project.judge(54) == {"baseline": "identical", "anchor": "inconclusive"}
    project.accept(20)
    assert project.anchor is None
    assert first == {"baseline": "identical"}


def test_the_anchor_is_judged_too() -> None:
    project = Project(max_drop=0.02)
    project.luck = 0.0
    for rows in (50, 56):
        project.accept(rows)
    assert project.judge(62) == {"baseline": "inconclusive", "anchor": "regressed"}


def test_only_a_reset_takes_an_anchor_away_not_another_margin_gate_or_number_of_seeds() -> None:
    project = Project()
    project.accept(50)
    project.accept(52, reset=True)
    assert project.anchor is None
    oldest = project.accepted
    project.experiment.gates[0] = replace(project.experiment.gates[0], max_drop=0.02)
    project.accept(54)
    assert project.anchor == oldest
    project.experiment.gate("share", max_drop=0.2, primary=False)
    project.accept(56)
    assert project.anchor == oldest
    project.experiment.seeds = (0, 1)
    assert project.accept(58) == ()
    assert project.anchor == oldest


def test_a_refactored_evaluator_keeps_the_anchor_and_one_that_finds_otherwise_loses_it_loudly() -> None:
    project = Project()
    project.accept(50)
    oldest = project.accepted
    project.accept(52)
    project.locked(evaluator="before the refactoring")
    assert project.accept(52) == ()
    assert project.anchor == oldest
    project.locked(evaluator="before the change")
    (lost,) = project.accept(54)
    assert "the evaluator changed, and what it finds is not what it found before" in lost
    assert project.anchor is None


def test_other_data_loses_the_anchor_loudly() -> None:
    project = Project()
    project.accept(50)
    project.locked(dataset="other")
    (lost,) = project.accept(52)
    assert lost.startswith("e: m-d-e-cpu: share: the oldest accepted value 0.")
    assert lost.endswith("no anchor any more, so a slide since then goes unseen: the data or its splits changed")
    assert project.anchor is None


@pytest.mark.parametrize("machine", ["here", "elsewhere"])
def test_timings_keep_their_anchor_on_the_same_hardware_only(machine: str) -> None:
    project = Project(max_relative_drop=0.1)
    for runs, hardware in (([0.9, 0.91, 0.92], "here"), ([0.88, 0.89, 0.9], machine)):
        found = Contributions("runs", np.array(runs), (0, 1, 2), hardware=hardware)
        tables = Evaluation({"share": tuple(runs)}, contributions={"share": found})
        lost = project.accept(50, tables=tables)
    assert (project.anchor is None) == (machine == "elsewhere")
    assert [line.rpartition(": ")[2] for line in lost] == ["it was taken on other hardware"] * (machine == "elsewhere")


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
        ({"dataset": "other"}, "dataset 'd' changed without a new version"),
        ({"dataset": "other", "version": "0"}, "dataset 'd' changed from version 0 to 1"),
        ({"evaluator": "other"}, "evaluator 'e' changed"),
        ({"seeds": 3}, "the experiment has 1 seeds, 3 when it was accepted"),
    ):
        (found,) = changes(project.cell, now, replace(accepted, **other))
        assert words in found
    turned = {"share": replace(accepted.metrics["share"], maximize=False)}
    assert changes(project.cell, now, replace(accepted, metrics=turned)) == ("metric 'share' changed its direction",)


def evaluation(values: dict[str, list[float]]) -> Evaluation:
    tables = {name: np.array([scores]) for name, scores in values.items()}
    found = {n: Contributions("examples", t.mean(axis=1), (0,), t, np.arange(t.size)) for n, t in tables.items()}
    return Evaluation({n: tuple(c.runs.tolist()) for n, c in found.items()}, contributions=found)


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
    assert "share[region=south] is 0.55, at least 0.6 is asked" in verdict.reason


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


@pytest.mark.parametrize("inconclusive", ["pass", "fail"])
def test_timings_of_other_hardware_fail_where_that_is_asked(inconclusive: Any) -> None:
    project = Project()
    project.accept(50)
    assert project.baseline is not None
    share = project.baseline.locked.metrics["share"]
    there = {"share": replace(share, accepted=replace(share.accepted, hardware="there"))}
    baseline = replace(project.baseline, locked=replace(project.baseline.locked, gates=(), metrics=there))
    gate = Gate("share", max_drop=0.01, inconclusive=inconclusive)
    (verdict,) = judge(evaluation({"share": [1.0, 0.0]}), [gate], baseline=baseline)
    assert verdict.status == "other_hardware"
    assert bool(verdict) == (inconclusive == "pass")


def test_a_missing_metric_is_named() -> None:
    (verdict,) = judge(Evaluation({"other": (1.0,)}), Project().cell.gates)
    assert verdict.status == "missing"
    assert not verdict
