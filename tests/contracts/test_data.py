"""Data are built to the declarations, the same each time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings

from pytest_mlexp.contracts.cases import structures
from pytest_mlexp.contracts.data import Case, Recipe, make, odd_texts
from pytest_mlexp.contracts.declarations import Declarations

CLASSES = Declarations(task="classification")
NUMBERS = Declarations(task="regression")


@given(case=structures())
@settings(max_examples=40, deadline=None)
def test_the_seed_and_the_structure_decide_everything(case: Case) -> None:
    for declares in (CLASSES, NUMBERS):
        one, other = make(declares, case), make(declares, case)
        assert np.array_equal(one.X, other.X)
        assert np.array_equal(one.y, other.y)
        assert one.X.shape == (case.train_rows, case.columns)
        assert one.X_test.shape == (case.rows, case.columns)
        assert np.array_equal(one.X.astype(np.float32).astype(np.float64), one.X)


@given(case=structures())
@settings(max_examples=40, deadline=None)
def test_declarations_are_kept(case: Case) -> None:
    positive = make(replace(NUMBERS, positive_only=True, positive_target=True), case)
    assert positive.X.min() >= 0
    assert positive.y.min() > 0
    assert len(np.unique(make(replace(CLASSES, binary_only=True), replace(case, classes=3)).y)) <= 2
    assert make(replace(NUMBERS, columns=1), case).X.shape[1] == 1
    assert make(replace(NUMBERS, targets=2), case).y.shape == (case.train_rows, 2)
    whole = make(replace(CLASSES, categorical=True, positive_only=True), case).X
    assert np.array_equal(whole, np.rint(whole))


def test_frames_have_names_categories_truth_values_and_gaps_only_where_allowed() -> None:
    frame = make(replace(CLASSES, requires_frame=True), Case()).X
    assert {str(dtype) for dtype in frame.dtypes} >= {"float64", "category", "bool"}
    assert not frame.isna().to_numpy().any()
    assert make(replace(CLASSES, requires_frame=True, allows_nan=True), Case()).X.isna().to_numpy().any()


def test_labels_keep_the_type_they_were_given() -> None:
    for labels in ((False, True), ("no", "yes"), (2**60 + 1, 2**60 + 3), (1.0, 2.0)):
        y = make(CLASSES, Case(classes=2), Recipe(labels=labels)).y
        assert set(y.tolist()) == set(labels)
        assert {type(value) for value in y.tolist()} == {type(label) for label in labels}


def test_the_last_class_is_the_most_frequent_and_ordered_rows_are_ordered() -> None:
    assert np.bincount(make(CLASSES, Case()).y).argmax() == 2
    y = make(CLASSES, Case(), Recipe(ordered=True)).y
    assert (np.diff(y) >= 0).all()
    assert np.bincount(y).argmax() == 0


def test_given_data_are_sampled_without_sharing_rows() -> None:
    X = np.arange(60.0).reshape(30, 2)
    data = make(Declarations(data=(X, np.arange(30))), Case(train_rows=15, rows=10))
    assert len(data) == 15
    assert not set(map(tuple, data.X.tolist())) & set(map(tuple, data.X_test.tolist()))

    def source(seed: int, rows: int) -> tuple[Any, Any]:
        return [f"text {seed} {i}" for i in range(rows)], np.arange(rows)

    texts = make(Declarations(data=source), Case(seed=7, rows=4))
    assert len(texts.X_test) == 4
    assert all(text.startswith("text 7") for text in texts.X)
    assert "" in odd_texts(texts.X)
