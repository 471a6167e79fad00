from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from pytest_mlexp.gates.statistics import Side, compare, mid_p, quantile

Rng = np.random.Generator
Table = npt.NDArray[np.float64]


def table(rng: Rng, runs: int, examples: int, *, between: float = 0.0, within: float = 0.1) -> Table:
    rows = rng.normal(0.8, 0.3, examples)
    return rows + rng.normal(0, between, (runs, 1)) + rng.normal(0, within, (runs, examples))


def one(values: list[float] | Table) -> Side:
    return Side.of(np.atleast_2d(np.asarray(values, dtype=float)))


def test_one_run_on_each_side_is_the_paired_t_test(rng: Rng) -> None:
    before, now = table(rng, 2, 300)
    found = compare(one(before), one(now))
    expected = stats.ttest_rel(now, before, alternative="less")
    assert found.p == pytest.approx(expected.pvalue)
    assert found.df == expected.df
    assert found.interval() == pytest.approx(tuple(stats.ttest_rel(now, before).confidence_interval()))


def test_without_examples_it_is_the_t_test_of_the_runs(rng: Rng) -> None:
    before, now = rng.normal(5, 1, 5), rng.normal(5, 1, 3)
    expected = stats.ttest_ind(now, before, alternative="less")
    assert compare(Side(before), Side(now)).p == pytest.approx(expected.pvalue)


def test_a_single_number_on_each_side_shows_nothing() -> None:
    assert compare(Side(np.array([5.0])), Side(np.array([1.0]))).p == 0.5


def test_the_spread_between_runs_is_found_beside_the_residual(rng: Rng) -> None:
    estimates = []
    for _ in range(300):
        rows = rng.normal(0.8, 0.3, 200)
        runs = rows + rng.normal(0, 0.02, (6, 1)) + rng.normal(0, 0.2, (6, 200))
        found = compare(Side.of(runs[:5]), Side.of(runs[5:]))
        estimates.append((found.between, found.within * 200))
    between, residual = np.mean(estimates, axis=0)
    assert between == pytest.approx(0.02**2, rel=0.25)
    assert residual == pytest.approx(0.2**2, rel=0.05)


def test_a_third_side_helps_to_say_how_much_runs_are_spread(rng: Rng) -> None:
    before, now, third = rng.normal(5, 1, 5), rng.normal(5, 1, 1), rng.normal(9, 1, 4)
    found = compare(Side(before), Side(now), lender=Side(third))
    assert (found.value, found.df, found.lent) == (now.mean() - before.mean(), 7, 3)
    assert found.spread == pytest.approx((4 * before.var(ddof=1) + 3 * third.var(ddof=1)) / 7)


def test_joined_sides_are_the_side_of_all_their_runs(rng: Rng) -> None:
    values = table(rng, 8, 50)
    joined, whole = Side.of(values[:5]).joined(Side.of(values[5:])), Side.of(values)
    assert joined.mean is not None
    assert whole.mean is not None
    np.testing.assert_allclose(joined.runs, whole.runs)
    np.testing.assert_allclose(joined.mean, whole.mean)
    assert joined.residual == pytest.approx(whole.residual, rel=0.1)
    assert Side(np.ones(2)).joined(Side(np.ones(3))).mean is None


def test_runs_that_differ_no_more_than_their_rows_explain_add_nothing(rng: Rng) -> None:
    runs = table(rng, 6, 200, within=0.2)
    runs -= runs.mean(axis=1, keepdims=True) - runs.mean()
    assert compare(Side.of(runs[:5]), Side.of(runs[5:])).between == 0.0


@pytest.mark.parametrize(("groups", "size"), [(100, 10), (20, 50)])
def test_rows_of_a_group_count_as_one_draw(rng: Rng, groups: int, size: int) -> None:
    labels = np.repeat(np.arange(groups), size)
    alarms = {True: 0, False: 0}
    for _ in range(400):
        effect = rng.normal(0, 0.45, groups)[labels]
        change = effect + rng.normal(0, 0.9, labels.size)
        zeros = one(np.zeros(labels.size))
        alarms[True] += compare(zeros, one(change), groups=labels).p < 0.05
        alarms[False] += compare(zeros, one(change)).p < 0.05
    assert 8 <= alarms[True] <= 36  # 5 % of 400, and about four standard errors
    assert alarms[False] > 45


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (3, 0), (0, 3), (12, 5), (5, 12), (40, 40)])
def test_mid_p_is_half_of_what_is_seen_and_all_beyond(lost: int, gained: int) -> None:
    seen = stats.binom.pmf(gained, lost + gained, 0.5)
    beyond = sum(stats.binom.pmf(k, lost + gained, 0.5) for k in range(gained))
    assert mid_p(lost, gained) == pytest.approx(beyond + seen / 2)


def test_scores_of_0_and_1_take_the_more_careful_of_two_tests() -> None:
    before, now = np.ones(50), np.ones(50)
    now[:3] = 0
    found = compare(one(before), one(now))
    assert found.p == pytest.approx(max(mid_p(3, 0), stats.ttest_rel(now, before, alternative="less").pvalue))


def test_errors_to_minimize_meet_the_same_two_tests() -> None:
    before, now = np.zeros(50), np.zeros(50)
    now[:3] = 1
    errors = compare(one(before).oriented(-1.0), one(now).oriented(-1.0))
    right = compare(one(1 - before), one(1 - now))
    assert (errors.p, errors.examples, errors.df) == (right.p, right.examples, right.df)
    assert errors.p == pytest.approx(max(mid_p(3, 0), stats.ttest_rel(before, now, alternative="less").pvalue))


def test_no_flipped_example_does_not_prove_that_there_is_no_difference() -> None:
    found = compare(one(np.ones(100)), one(np.ones(100)))
    assert found.error == pytest.approx(0.5 / 100)
    assert found.p == 0.5


def test_a_single_example_shows_nothing() -> None:
    found = compare(one([1.0]), one([0.0]))
    assert math.isinf(found.error)
    assert found.p == 0.5


def test_quantiles_are_those_of_scipy() -> None:
    assert quantile(0.95, 7.5) == pytest.approx(stats.t.ppf(0.95, 7.5))
    assert quantile(0.95, math.inf) == pytest.approx(stats.norm.ppf(0.95))


numbers = st.floats(-10, 10, allow_subnormal=False).map(lambda x: round(x, 3))
tables = st.integers(3, 8).flatmap(lambda rows: arrays(float, (3, rows), elements=numbers))
bits = st.integers(4, 30).flatmap(lambda rows: arrays(float, (2, rows), elements=st.sampled_from([0.0, 1.0])))


@settings(deadline=None)
@given(tables)
def test_turning_the_direction_and_the_values_changes_nothing(values: Table) -> None:
    straight = compare(Side.of(values[:2]).oriented(1.0), Side.of(values[2:]).oriented(1.0))
    turned = compare(Side.of(-values[:2]).oriented(-1.0), Side.of(-values[2:]).oriented(-1.0))
    assert straight == turned


@settings(deadline=None)
@given(tables, st.floats(0.001, 5))
def test_a_better_candidate_is_never_more_suspicious(values: Table, gain: float) -> None:
    baseline = Side.of(values[:2])
    assert compare(baseline, Side.of(values[2:] + gain)).p >= compare(baseline, Side.of(values[2:])).p - 1e-9


@settings(deadline=None)
@given(bits, st.data())
def test_one_more_right_answer_is_never_more_suspicious(values: Table, data: st.DataObject) -> None:
    row = data.draw(st.integers(0, values.shape[1] - 1))
    better = values[1].copy()
    better[row] = 1.0
    assert compare(one(values[0]), one(better)).p >= compare(one(values[0]), one(values[1])).p - 1e-12


@settings(deadline=None)
@given(tables, st.randoms(use_true_random=False))
def test_the_order_of_examples_does_not_matter(values: Table, random: object) -> None:
    order = np.random.default_rng(random.randrange(99)).permutation(values.shape[1])  # type: ignore[attr-defined]
    straight = compare(Side.of(values[:2]), Side.of(values[2:]))
    shuffled = compare(Side.of(values[:2, order]), Side.of(values[2:, order]))
    assert shuffled.p == pytest.approx(straight.p, abs=1e-6)


def test_a_floor_that_is_given_and_a_spread_that_is_estimated_share_their_degrees_of_freedom() -> None:
    before, now = Side(np.array([1.0, 1.3, 0.8, 1.1])), Side(np.array([1.2, 0.9]))
    of_runs = (3 * before.runs.var(ddof=1) + now.runs.var(ddof=1)) / 4 * (1 / 4 + 1 / 2)
    found = compare(before, now, floor=0.02)
    assert found.df == pytest.approx((0.02 + of_runs) ** 2 / (of_runs**2 / 4))
    assert found.p == pytest.approx(stats.t.cdf(found.value / math.sqrt(0.02 + of_runs), found.df))


def test_a_spread_of_nothing_is_judged_as_one_of_next_to_nothing() -> None:
    even, uneven = (
        compare(Side(np.array([1.0, 1.0 + d, 1.0, 1.0, 1.0, 1.0])), Side(np.array([0.5])), floor=0.02).p
        for d in (0.0, 1e-9)
    )
    assert even == pytest.approx(uneven, rel=1e-4)


some_runs = st.integers(2, 6).flatmap(lambda size: arrays(float, size, elements=numbers))
floors = st.floats(1e-4, 9)


@settings(deadline=None)
@given(some_runs, some_runs, floors, st.floats(0.001, 5))
def test_better_runs_are_never_more_suspicious(before: Table, now: Table, floor: float, gain: float) -> None:
    worse, better = (compare(Side(before), Side(now + shift), floor=floor).p for shift in (0.0, gain))
    assert better >= worse - 1e-9


@settings(deadline=None)
@given(some_runs, some_runs, floors)
def test_turning_runs_and_direction_changes_nothing(before: Table, now: Table, floor: float) -> None:
    straight = compare(Side(before), Side(now), floor=floor)
    assert straight == compare(Side(-before).oriented(-1.0), Side(-now).oriented(-1.0), floor=floor)


@settings(deadline=None)
@given(some_runs, some_runs, floors, st.randoms(use_true_random=False))
def test_the_order_of_runs_does_not_matter(before: Table, now: Table, floor: float, random: object) -> None:
    rng = np.random.default_rng(random.randrange(99))  # type: ignore[attr-defined]
    straight = compare(Side(before), Side(now), floor=floor)
    shuffled = compare(Side(rng.permutation(before)), Side(rng.permutation(now)), floor=floor)
    assert shuffled.p == pytest.approx(straight.p, abs=1e-6)
