from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from pytest_mlexp.contracts.report import shown


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
