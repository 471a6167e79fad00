from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    train_test_split,
)

from pytest_mlexp.blocks.splitting import Split, make_splits, row_count, take
from pytest_mlexp.errors import DataError

X = np.arange(40).reshape(20, 2)
Y = np.arange(20) % 2
GROUPS = np.repeat(np.arange(5), 4)


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.33, np.float32(0.5)])
def test_a_fraction_gives_the_rows_of_train_test_split(fraction: float) -> None:
    (split,) = make_splits(fraction, X)
    train, test = train_test_split(np.arange(20), test_size=float(fraction), random_state=0)
    assert split.name == "holdout"
    np.testing.assert_array_equal(split.train, train)
    np.testing.assert_array_equal(split.test, test)


def test_a_fraction_keeps_groups_together() -> None:
    (split,) = make_splits(0.4, X, groups=GROUPS)
    assert not set(GROUPS[split.train]) & set(GROUPS[split.test])


@pytest.mark.parametrize(
    ("splitter", "folds"),
    [
        (KFold(4), 4),
        (KFold(3, shuffle=True, random_state=1), 3),
        (StratifiedKFold(5), 5),
        (RepeatedKFold(n_splits=2, n_repeats=3, random_state=0), 6),
        (TimeSeriesSplit(3), 3),
    ],
)
def test_a_splitter_gives_its_own_folds(splitter: Any, folds: int) -> None:
    splits = make_splits(splitter, X, y=Y)
    assert [split.name for split in splits] == [f"fold{number}" for number in range(1, folds + 1)]
    for split, (train, test) in zip(splits, splitter.split(X, Y), strict=True):
        np.testing.assert_array_equal(split.train, train)
        np.testing.assert_array_equal(split.test, test)


def test_a_group_splitter_gets_the_groups() -> None:
    for split in make_splits(GroupKFold(5), X, y=Y, groups=GROUPS):
        assert not set(GROUPS[split.train]) & set(GROUPS[split.test])


@pytest.mark.parametrize(
    "splitter",
    [ShuffleSplit(2), KFold(4, shuffle=True), ShuffleSplit(2, random_state=np.random.RandomState(0))],
)
def test_a_shuffling_splitter_without_seed_is_refused(splitter: Any) -> None:
    with pytest.raises(DataError, match="random_state=0"):
        make_splits(splitter, X, y=Y)


def test_the_global_random_state_is_left_as_found() -> None:
    np.random.seed(7)  # noqa: NPY002
    expected = np.random.random_sample()  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    with pytest.raises(DataError):
        make_splits(ShuffleSplit(2), X)
    assert np.random.random_sample() == expected  # noqa: NPY002


def test_the_error_of_a_splitter_stays_and_learns_its_place() -> None:
    with pytest.raises(ValueError, match="n_splits=30") as caught:
        make_splits(KFold(30), X)
    assert not isinstance(caught.value, DataError)
    assert "KFold(n_splits=30" in caught.value.__notes__[0]


@pytest.mark.parametrize(
    ("split", "names"),
    [
        (([0, 1], [2]), ["holdout"]),
        (([0, 1], [2, 3]), ["holdout"]),
        ((np.array([0, 1]), range(2, 20)), ["holdout"]),
        ([([0, 1], [2])], ["holdout"]),
        ([([0, 1], [2]), ([2], [0, 1])], ["fold1", "fold2"]),
        ([([0], [1]), ([1], [2]), ([0, 1, 2], [3])], ["fold1", "fold2", "fold3"]),
    ],
)
def test_explicit_pairs_are_kept(split: Any, names: list[str]) -> None:
    assert [made.name for made in make_splits(split, X)] == names


def test_the_generator_of_a_splitter_is_a_list_of_pairs() -> None:
    assert len(make_splits(KFold(4).split(X), X)) == 4


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (0.0, "between 0 and 1"),
        (1.0, "between 0 and 1"),
        (-0.2, "between 0 and 1"),
        (float("nan"), "between 0 and 1"),
        (0.99, "leaves a part empty"),
        (5, r"KFold\(5\)"),
        (True, "no way to split"),
        (None, "no way to split"),
        ("a fraction", "no way to split"),
        (KFold, "not its class"),
        ([], "no way to split"),
        ([(1, 2, 3)], "no way to split"),
        (([], [1]), "train part is empty"),
        (([1], []), "test part is empty"),
        (([0], [20]), "rows 20 are not there"),
        (([-1], [0]), "rows -1 are not there"),
        (([0, 1, 2], [2, 3]), r"both the train and the test part \(2\)"),
        (([0, 1], [2, 2]), r"more than once in the test part \(2\)"),
        (([0.0, 1.0], [2.0]), "float64"),
        ((np.ones(20, bool), np.zeros(20, bool)), "flatnonzero"),
        ([([0], [1]), ([1], [1])], "fold2"),
    ],
)
def test_an_unusable_split_is_refused_with_the_reason(split: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make_splits(split, X)


def test_a_fraction_of_one_group_is_refused() -> None:
    with pytest.raises(DataError, match="by whole groups"):
        make_splits(0.5, X, groups=np.zeros(20))


def test_positions_are_copied_and_cannot_be_changed() -> None:
    mine = np.array([0, 1])
    split = Split("holdout", mine, np.array([2]))
    mine[0] = 7
    assert split.train.tolist() == [0, 1]
    with pytest.raises(ValueError, match="read-only"):
        split.train[0] = 7


def test_explicit_splits_import_neither_sklearn_nor_pandas() -> None:
    code = (
        "import sys, numpy as np; from pytest_mlexp.blocks.dataset import Dataset\n"
        "d = Dataset.from_arrays(np.ones((4, 2)), [0, 1, 0, 1], split=([0, 1], [2, 3]))\n"
        "d.digest, d.schema, d.train(d.splits[0])\n"
        "print([m for m in ('sklearn', 'pandas', 'scipy', 'torch') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@given(st.integers(2, 200), st.floats(0.01, 0.99))
def test_the_parts_of_a_fraction_are_all_rows_once_or_refused(rows: int, fraction: float) -> None:
    try:
        (split,) = make_splits(fraction, np.zeros((rows, 1)))
    except DataError:
        assert int((1 - fraction) * rows + 1e-9) == 0
    else:
        assert sorted([*split.train.tolist(), *split.test.tolist()]) == list(range(rows))


@given(st.lists(st.integers(0, 9), min_size=1), st.sampled_from(["array", "frame", "series", "sparse", "list"]))
def test_take_gives_the_rows_in_the_order_asked(rows: list[int], kind: str) -> None:
    base = np.arange(10)
    table = base.reshape(10, 1) + 1
    values = {
        "array": base + 1,
        "frame": pd.DataFrame(table, index=base[::-1]),
        "series": pd.Series(base + 1, index=base[::-1]),
        "sparse": sparse.coo_array(table),
        "list": list(range(1, 11)),
    }[kind]
    taken = take(values, np.array(rows))
    assert type(taken) is type(values) or kind == "sparse"
    plain = taken.toarray() if kind == "sparse" else np.asarray(taken)
    assert plain.ravel().tolist() == [row + 1 for row in rows]


def test_what_holds_no_rows_is_refused_by_type() -> None:
    assert take(None, [0]) is None
    for values in ("text", {"a": [1]}, iter([1]), 3, np.array(3)):
        with pytest.raises(DataError, match="X is"):
            row_count(values, what="X")


def test_groups_may_be_there_for_others_than_the_splitter() -> None:
    assert len(make_splits(KFold(2), X, groups=np.arange(len(X)))) == 2
