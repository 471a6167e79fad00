from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from pytest_mlexp.contracts.report import shown, start_with


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.array([1.0, 2.0]), "array([1., 2.], dtype=float64)"),
        (pd.DataFrame({"a": [1, 2]}, index=[7, 3]), "DataFrame({'a': [1, 2]})"),
        (pd.Series([1, 2], index=[7, 3]), "Series({7: 1, 3: 2})"),
        (["a"], "['a']"),
    ],
)
def test_data_is_shown_as_what_makes_it_again(value: Any, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize("make", [np.array, pd.Series, pd.DataFrame])
def test_long_data_shows_its_first_rows(make: Any) -> None:
    assert shown(make(range(1000))).endswith("of 1000 rows")


def test_of_several_broken_laws_the_first_in_the_catalogue_comes_first() -> None:
    order = ["shape", "batch", "refit"]
    assert start_with(["refit", "batch", "shape"], order) == "start with shape; 2 others may follow from it"
    assert start_with(["refit", "batch"], order) == "start with batch; 1 other may follow from it"
    assert start_with(["refit"], order) == ""
