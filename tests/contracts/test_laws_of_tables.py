"""Laws on units, orders and gaps of tables: each finds its fault and spares the healthy twin."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.driver import check_law, check_model
from pytest_mlexp.contracts.laws.degenerate import alike
from pytest_mlexp.errors import ContractError
from tests.contracts import columns, spreads, tables
from tests.contracts.centroids import Centroids

FRAMES = {"requires_frame": True}


@pytest.mark.parametrize(
    ("broken", "sound", "law", "declares"),
    [
        (spreads.SmallIsConstant(), spreads.InTheirSpread(), "small_column", {}),
        (tables.SinglePrecision(), tables.Nearest(), "digits_far_from_zero", {}),
        (tables.BinsOfTheHead(), tables.Bins(), "order_hides_nothing", {}),
        (tables.MissingIsLongAgo(), tables.Days(), "missing_dates", FRAMES),
        (
            tables.nearest_of(tables.NothingByNothing()),
            tables.nearest_of(tables.Ranges()),
            "constant_columns",
            {},
        ),
        (columns.HalfThatRises(), columns.HalfOfTheColumns(), "falling_columns_count", {}),
        (columns.EveryDirection(), columns.Line(), "repeated_columns_do_no_harm", {}),
        (columns.Inverted(), columns.Line(), "wide_fits_are_stable", {}),
        (columns.BlendInSample(), columns.Blend(), "learnt_blends_are_no_worse_than_means", {}),
        (columns.OtherWayRound(), columns.Level(), "quantiles_rise", {}),
        (columns.BeyondIsTheOtherEnd(), columns.Ends(), "beyond_is_not_the_other_end", {}),
        (columns.UnseenIsZero(), columns.Places(), "unseen_words_stay_in_range", FRAMES),
        (columns.AlignsByTheIndex(), columns.Places(), "shuffled_rows", FRAMES),
        (columns.CodesOfThisBatch(), columns.Places(), "words_of_the_batch", FRAMES),
        (spreads.WithoutTheNearest(), spreads.Neighbours(), "own_target_counts", {}),
        (spreads.WithoutTheConstants(), spreads.Bayes(), "narrow_class_is_recalled", {}),
        (spreads.RareIsRarer(), spreads.Bayes(), "balanced_weights_help_the_rare", {}),
        (spreads.RobustAgainstHalf(), spreads.Robust(), "outliers_of_both_sides", {}),
        (spreads.BelowIsAbove(), spreads.Steps(), "beyond_is_not_the_other_end", {}),
        (tables.nearest_of(tables.CutsLittleColumns()), tables.nearest_of(tables.Ranges()), "small_units", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_a_fault_in_a_table_is_found_and_its_twin_spared(broken: Any, sound: Any, law: str, declares: Any) -> None:
    (fault,) = check_model(broken, laws=[law], declares=declares)
    assert fault.status == "failed", fault.message
    (twin,) = check_model(sound, laws=[law], declares=declares)
    assert twin.status == "passed", twin.message


@pytest.mark.parametrize(
    "sound",
    [
        tables.Nearest(),
        tables.Bins(),
        tables.nearest_of(tables.Ranges()),
        columns.Line(),
        columns.HalfOfTheColumns(),
        columns.Blend(),
        columns.Level(),
        columns.Ends(),
        spreads.Neighbours(),
        spreads.InTheirSpread(),
        spreads.Bayes(),
        spreads.Robust(),
        spreads.Steps(),
    ],
)
def test_a_sound_model_of_tables_breaks_no_law(sound: Any) -> None:
    broken = {record.law: record.message for record in check_model(sound) if record.status == "failed"}
    assert broken == {}


class Cubic(Centroids):
    """Sound, and with fits that cost the third power of the columns."""

    def fit(self, X: Any, y: Any) -> Any:
        if np.shape(X)[1] >= 100:
            assert np.shape(X)[1] < 400, "this would take minutes"
            started = time.process_time()
            while time.process_time() - started < 0.3:
                np.linalg.svd(np.eye(100))
        return super().fit(X, y)


def test_a_model_whose_fits_are_cubic_is_not_fitted_on_many_columns() -> None:
    (record,) = check_model(Cubic(), laws=["many_columns_are_learnt"], declares={"task": "classification"})
    assert record.status == "not_applicable", record.message
    assert "too long" in record.message


@pytest.mark.parametrize(
    ("model", "why"), [(columns.Hashed(), "by a hash"), (columns.Trimmed(), "a tie decides")], ids=["hashed", "trimmed"]
)
def test_who_chooses_rows_by_their_last_digits_is_not_asked_for_stable_wide_fits(model: Any, why: str) -> None:
    (record,) = check_model(model, laws=["wide_fits_are_stable"])
    assert record.status == "not_applicable", record.message
    assert why in record.message


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("model", [columns.Inverted(), columns.EveryDirection()], ids=["inverted", "every direction"])
def test_what_is_unstable_by_its_numbers_is_found_on_any_wide_rows(model: Any, seed: int) -> None:
    with pytest.raises(ContractError, match="moved by 1e-12"):
        check_law("wide_fits_are_stable", model, Case(seed=seed))


@pytest.mark.parametrize("law", ["far_away", "digits_far_from_zero"])
def test_one_row_that_rounding_moves_across_an_edge_breaks_no_law(law: str) -> None:
    check_law(law, columns.Ends(), Case(seed=22, rows=1))


def test_equal_answers_are_alike_where_rounding_alone_parts_them() -> None:
    plain = np.full(24, 3.3)
    assert alike(plain * (1 + 1e-15), plain, 0.2)
    assert not alike(plain * (1 + 1e-6), plain, 0.2)
