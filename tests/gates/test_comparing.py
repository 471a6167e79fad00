from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pytest_mlexp.gates.comparing import Terms, against
from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.gates.screening import is_suspicious
from pytest_mlexp.verdicts import Status, Verdict
from tests.gates.judging import FROM_WORST, GATE, Table, accepted, bits, judged, runs, table


@pytest.mark.parametrize(
    ("now", "status"),
    [
        (bits(860), "regressed"),
        (bits(880), "regressed"),
        (bits(896), "pass"),  # a loss, but shown to be smaller than the margin
        (bits(900), "pass"),
        (bits(930), "improved"),
    ],
)
def test_one_run_against_another(now: Contributions, status: str) -> None:
    assert judged(bits(900), now).status == status


def test_a_small_test_set_shows_little_and_says_how_much_it_would() -> None:
    verdict = judged(bits(45, 50), bits(44, 50))
    assert verdict.status == "inconclusive"
    assert verdict
    assert verdict.comparison is not None
    assert 0.05 < verdict.comparison.visible < 0.3
    assert f"from a loss of {verdict.comparison.visible:.4f}" in verdict.reason


def test_a_reason_shows_what_small_metrics_lost() -> None:
    before, now = (table((np.arange(1000) < right) * 1e-4 + 1e-9 * (np.arange(1000) % 7)) for right in (900, 860))
    verdict = judged(before, now, gate=Gate("m", max_drop=1e-6))
    assert verdict.status == "regressed"
    assert verdict.reason.startswith("m 0.0000900 -> 0.0000860 (-0.0000040): a loss of at least 1e-06")


def test_a_gate_may_fail_what_shows_nothing() -> None:
    assert not judged(bits(45, 50), bits(44, 50), gate=Gate("m", max_drop=0.01, inconclusive="fail"))


def test_a_loss_that_is_shown_but_below_the_margin_is_no_regression() -> None:
    before, now = bits(9000, 10_000), bits(8950, 10_000)
    assert judged(before, now, gate=Gate("m", max_drop=0.001)).status == "regressed"
    assert judged(before, now).status == "pass"


def test_more_gates_ask_for_more_evidence() -> None:
    before, now = bits(900), bits(888)
    assert judged(before, now).status == "regressed"
    many = judged(before, now, gates=1000)
    assert many.status == "inconclusive"
    assert many.comparison is not None
    assert many.comparison.limit == pytest.approx(0.05 / 1000)


def test_slices_share_the_chance_of_an_alarm() -> None:
    one, ten = (judged(bits(900), bits(895), slices=slices).comparison for slices in (1, 10))
    assert one is not None
    assert ten is not None
    assert ten.p == pytest.approx(min(1.0, 10 * one.p))
    assert ten.visible > one.visible


def test_flips_are_counted_each_way() -> None:
    before = table(np.arange(100) < 90)
    now = table((np.arange(100) >= 5) & (np.arange(100) < 92))
    found = judged(before, now).comparison
    assert found is not None
    assert found.flips == (5, 2)


@pytest.mark.parametrize(("wrong", "runs_before"), [(5, 1), (3, 1), (0, 1), (5, 5)])
def test_errors_to_minimize_are_judged_as_right_answers_to_maximize(wrong: int, runs_before: int) -> None:
    before = np.tile(np.arange(100) < 90, (runs_before, 1)).astype(float)
    now = ((np.arange(100) >= wrong) & (np.arange(100) < 91)).astype(float)
    right = judged(table(before), table(now)).comparison
    errors = judged(table(1 - before), table(1 - now), maximize=False).comparison
    assert right is not None
    assert errors is not None
    assert right.flips == errors.flips == (wrong, 1)
    assert errors.p == pytest.approx(right.p)
    assert errors.noise == pytest.approx(right.noise)
    assert errors.visible == pytest.approx(right.visible)
    assert errors.difference == pytest.approx(-right.difference)


def test_scores_that_are_no_bits_have_no_flips(rng: np.random.Generator) -> None:
    found = judged(table(rng.random(50)), table(rng.random(50))).comparison
    assert found is not None
    assert found.flips is None


def test_the_same_scores_are_identical_whatever_the_gate() -> None:
    same = bits(900)
    kept, vector = accepted(same)
    known = replace(kept, unchanged=same.run_digests())
    verdict = against(Gate("m", max_drop=0), "m", same, (known, vector, True), Terms())
    assert verdict.status == "identical"
    assert verdict


def test_the_same_numbers_a_run_are_identical_whatever_the_gate() -> None:
    same = runs(2 / 3)
    kept, _ = accepted(runs(*[2 / 3] * 5))
    known = replace(kept, runs=(0.666666667,) * 5, unchanged=same.run_digests())
    verdict = against(Gate("m", max_drop=0), "m", same, (known, None, False), Terms())
    assert verdict.status == "identical"
    assert verdict.reason == "m is the same for every run"
    assert verdict.comparison is not None
    assert verdict.comparison.values == tuple(same.runs)
    assert not is_suspicious(replace(verdict, comparison=replace(verdict.comparison, suspicion=0.0)), 0.1, whole=False)


def test_a_gain_below_the_margin_is_no_improvement() -> None:
    before, now = bits(9000, 10_000), bits(9050, 10_000)
    assert judged(before, now, gate=Gate("m", max_drop=0.001)).status == "improved"
    assert judged(before, now).status == "pass"


def test_other_examples_are_not_compared() -> None:
    before = table(np.ones(4), examples=np.arange(4))
    now = table(np.ones(4), examples=np.arange(1, 5))
    assert judged(before, now).status == "not_comparable"
    assert not judged(before, now)


@pytest.mark.parametrize(
    ("before", "now", "status"),
    [
        ((1.0, 1.1, 0.9, 1.0, 1.0), 2.0, "regressed"),
        ((1.0, 1.1, 0.9, 1.0, 1.0), 1.05, "inconclusive"),
        ((1.0, 1.1, 0.9, 1.0, 1.0), 0.5, "improved"),
        ((1.0, 1.0, 1.0), 1.0, "pass"),
        ((1.0, 1.0, 1.0), 1.5, "regressed"),
        ((1.0, 1.1, 0.9), 9.0, "regressed"),
    ],
)
def test_numbers_a_run_meet_the_noise_floor(before: tuple[float, ...], now: float, status: str) -> None:
    gate = Gate("m", max_relative_drop=0.02)
    assert judged(runs(*before), runs(now), maximize=False, gate=gate).status == status


@pytest.mark.parametrize("before", [(0.9,), (0.9, 0.91)])
@pytest.mark.parametrize("now", [0.2, 0.95])
def test_too_few_numbers_a_run_are_not_compared(before: tuple[float, ...], now: float) -> None:
    verdict = judged(runs(*before), runs(now))
    assert verdict.status == "not_comparable"
    assert verdict.comparison is None
    assert f"was accepted with {len(before)} of them" in verdict.reason
    assert "--mlexp-accept, from 3 runs or more" in verdict.reason


def test_what_was_accepted_later_says_the_spread_for_an_anchor_of_one_run() -> None:
    anchor = (*accepted(runs(0.9)), True)
    status = [
        against(GATE, "m", runs(0.2), anchor, Terms(), later=accepted(runs(*later))).status
        for later in ((0.9, 0.91, 0.89), (0.9, 0.91))
    ]
    assert status == ["regressed", "not_comparable"]


def test_a_verdict_travels_whole() -> None:
    from pytest_mlexp.records import from_dict, to_dict

    verdict = judged(bits(900), bits(880))
    assert from_dict(to_dict(verdict), Verdict) == verdict


def test_every_status_can_be_told_from_the_others() -> None:
    assert len(set(get_args(Status))) == len(get_args(Status)) == 14


numbers = st.floats(-4, 4).map(lambda x: round(x, 2))
tables = st.integers(3, 12).flatmap(lambda size: arrays(float, (3, size), elements=numbers))
bit_tables = st.integers(3, 40).flatmap(lambda size: arrays(float, (3, size), elements=st.sampled_from([0.0, 1.0])))


@settings(deadline=None)
@given(tables)
def test_the_verdict_is_the_same_when_direction_and_values_turn(values: Table) -> None:
    straight = judged(table(values[:2]), table(values[2]))
    turned = judged(table(-values[:2]), table(-values[2]), maximize=False)
    assert straight.status == turned.status
    assert straight.comparison is not None
    assert turned.comparison is not None
    assert straight.comparison.p == turned.comparison.p
    assert straight.comparison.difference == -turned.comparison.difference


@settings(deadline=None)
@given(tables, st.floats(0.01, 3))
def test_a_candidate_that_is_better_on_every_example_gets_no_worse_verdict(values: Table, gain: float) -> None:
    worse, better = (judged(table(values[:2]), table(values[2] + shift)).status for shift in (0.0, gain))
    assert FROM_WORST.index(worse) <= FROM_WORST.index(better)


@settings(deadline=None)
@given(bit_tables, st.data())
def test_one_more_right_answer_does_not_make_a_regression(values: Table, data: st.DataObject) -> None:
    better = values[2].copy()
    better[data.draw(st.integers(0, better.size - 1))] = 1.0
    before = table(values[:1])
    if judged(before, table(better)).status == "regressed":
        assert judged(before, table(values[2])).status == "regressed"


def test_what_was_accepted_since_the_anchor_makes_a_slide_suspicious_but_not_regressed(
    rng: np.random.Generator,
) -> None:
    def lost(rows: int, runs: int) -> Contributions:
        return table((np.arange(1000) < 900 - rows) & (rng.random((runs, 1000)) < 0.98))

    anchor, later, now = lost(0, 5), lost(12, 5), lost(14, 1)
    alone = against(GATE, "m", now, (*accepted(anchor), True), Terms())
    known = against(GATE, "m", now, (*accepted(anchor), True), Terms(), later=accepted(later))
    assert alone.comparison is not None
    assert known.comparison is not None
    assert alone.comparison.suspicion == alone.comparison.p
    assert known.comparison.suspicion < known.comparison.p
    level = (known.comparison.suspicion + known.comparison.p) / 2
    assert is_suspicious(known, level, whole=False)
    assert not is_suspicious(alone, min(level, alone.comparison.p), whole=False)
    same = replace(accepted(later)[0], unchanged=now.run_digests()), accepted(later)[1]
    unchanged = against(GATE, "m", now, (*accepted(anchor), True), Terms(), later=same)
    assert unchanged.comparison is not None
    assert unchanged.comparison.suspicion == unchanged.comparison.p
