from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pytest_mlexp.gates.comparing import Terms, against
from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.lock import Accepted
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.gates.screening import is_suspicious
from pytest_mlexp.reporting.verdicts import quiet_lines
from pytest_mlexp.verdicts import Status, Verdict

Table = npt.NDArray[np.float64]
GATE = Gate("m", max_drop=0.01)
FROM_WORST = ("regressed", "inconclusive", "pass", "improved")


def table(values: Any, **options: Any) -> Contributions:
    rows = np.atleast_2d(np.asarray(values, dtype=float))
    return Contributions("examples", rows.mean(axis=1), tuple(range(len(rows))), rows, **options)


def runs(*values: float) -> Contributions:
    return Contributions("runs", np.array(values), tuple(range(len(values))))


def accepted(found: Contributions) -> tuple[Accepted, Table | None]:
    side = found.side
    kept = Accepted(side.value, 0.0, tuple(side.runs.tolist()), found.kind, found.columns, side.residual)
    return kept, side.mean


def judged(
    before: Contributions, now: Contributions, *, maximize: bool = True, gate: Gate = GATE, **terms: Any
) -> Verdict:
    return against(gate, "m", now, (*accepted(before), maximize), Terms(**terms))


def bits(right: int, size: int = 1000) -> Contributions:
    return table(np.arange(size) < right)


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


@pytest.mark.parametrize("options", [{"runs": (np.nan,) * 3}, {"value": np.nan}, {"residual": np.inf}, {"runs": ()}])
@pytest.mark.parametrize("gate", [GATE, Gate("m", max_relative_drop=0.1)], ids=str)
def test_what_was_accepted_and_is_no_number_fails(gate: Gate, options: dict[str, Any]) -> None:
    kept, _ = accepted(runs(0.9, 0.91, 0.89))
    verdict = against(gate, "m", runs(0.9), (replace(kept, **options), None, True), Terms())
    assert (verdict.status, bool(verdict)) == ("not_comparable", False)
    kept, vector = accepted(bits(900))
    assert vector is not None
    verdict = against(gate, "m", bits(900), (kept, np.where(vector > 0, np.nan, vector), True), Terms())
    assert (verdict.status, bool(verdict)) == ("not_comparable", False)


@pytest.mark.parametrize("scale", [1e155, 1e200])
def test_a_loss_that_is_too_large_to_square_fails(scale: float) -> None:
    for before, now in (
        (runs(1.0 * scale, 1.1 * scale, 0.9 * scale), runs(100 * scale)),
        (table(np.arange(1, 9) * scale), table(np.arange(1, 9) * 100 * scale)),
    ):
        kept = Accepted(float(before.runs.mean()), 0.0, tuple(before.runs.tolist()), before.kind)
        vector = None if before.table is None else before.table[0]
        verdict = against(Gate("m", max_drop=0.01), "m", now, (kept, vector, False), Terms())
        assert (verdict.status, bool(verdict)) == ("not_finite", False)
        assert "too large to square" in verdict.reason


def test_what_pairing_needs_and_is_not_there_gives_no_other_test() -> None:
    before = replace(table(np.eye(5)[:, :4] < 1), examples=np.arange(4))
    kept, _ = accepted(before)
    verdict = against(GATE, "m", before, (kept, None, True), Terms())
    assert verdict.status == "not_comparable"
    assert "what pairing needs of them is not there: restore the lock and its folder" in verdict.reason


def test_a_later_one_without_its_vector_lends_nothing() -> None:
    anchor, later = accepted(bits(900)), accepted(table(np.arange(1000) < np.array([[850], [950], [900]])))
    paired, alone = (
        against(GATE, "m", bits(895), (*anchor, True), Terms(), later=(later[0], vector)).comparison
        for vector in (later[1], None)
    )
    assert paired is not None
    assert alone is not None
    assert alone.noise[1] == 0.0 < paired.noise[1]


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (table(np.zeros(100), groups=np.zeros(100, dtype=np.intp)), "one group"),
        (table([0.0]), "one example"),
    ],
)
def test_a_gate_that_can_show_no_loss_says_so(now: Contributions, why: str) -> None:
    assert now.table is not None
    before = table(np.ones(now.table.size))
    verdict = judged(before, now)
    assert (verdict.status, bool(verdict)) == ("inconclusive", True)
    assert verdict.reason.endswith(f"this gate can show no loss: {why}")
    (line,) = quiet_lines([("e: c", verdict)])
    assert line.endswith(f"THIS GATE CAN SHOW NO LOSS: {why}")
    assert not judged(before, now, gate=replace(GATE, inconclusive="fail"))
    two = judged(table(np.ones(100)), replace(table(np.zeros(100)), groups=np.arange(100) % 2)).comparison
    assert two is not None
    assert not two.blind


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ("runs", "blocks", "no gate compared m when this cell was accepted"),
        ("runs, gated", "blocks", "its evaluator could not be called on parts of the data then, and now it can"),
        ("blocks", "runs", "the data are the same, but its evaluator cannot be called on parts of them any more"),
        ("examples", "blocks", "m was measured by examples when it was accepted, and is by blocks now"),
        ("blocks", "blocks", "m was accepted on other blocks"),
    ],
)
def test_what_was_measured_otherwise_is_told_from_what_was_measured_on_others(
    before: str, now: Any, words: str
) -> None:
    kind, _, gated = before.partition(", ")
    columns, unchanged = "" if kind == "runs" else "x", ("d",) if gated else ()
    kept = Accepted(0.5, 0.0, (0.5,) * 3, kind, columns, unchanged=unchanged)  # type: ignore[arg-type]
    candidate = runs(0.5) if now == "runs" else replace(table([0.0, 1.0]), kind=now, examples=np.arange(2))
    verdict = against(GATE, "m", candidate, (kept, np.ones(2) if kind != "runs" else None, True), Terms())
    assert verdict.status == "not_comparable"
    assert words in verdict.reason


def test_a_verdict_travels_whole() -> None:
    from pytest_mlexp.records import from_dict, to_dict

    verdict = judged(bits(900), bits(880))
    assert from_dict(to_dict(verdict), Verdict) == verdict


def test_every_status_can_be_told_from_the_others() -> None:
    assert len(set(get_args(Status))) == len(get_args(Status)) == 13


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
