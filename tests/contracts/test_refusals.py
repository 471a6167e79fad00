"""Which errors are a clear refusal, and which a crash."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from pytest_mlexp.contracts import refusals
from pytest_mlexp.contracts.law import Broken
from pytest_mlexp.contracts.refusals import Refused, attempt, is_refusal
from pytest_mlexp.errors import ModelError


def raised_by(call: Callable[[], Any]) -> Exception:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is, is the question
        call()
    return caught.value


def refuse(error: Exception) -> Callable[[], Any]:
    def call() -> None:
        raise error

    return call


CLEAR = [
    refuse(ValueError("Input X contains NaN")),
    refuse(TypeError("labels must be numbers or texts")),
    refuse(NotFittedError("call fit first")),
    refuse(ModelError("Net gave NaN logits")),
    refuse(np.linalg.LinAlgError("the covariance matrix of class 0 is not of full rank: remove a column")),
    refuse(RuntimeError("mat1 and mat2 shapes cannot be multiplied (5x3 and 4x2)")),
    lambda: np.ones((2, 3)) @ np.ones((2, 3)),
    lambda: float("abc"),
]
CRASHES = [
    lambda: list("ab")[5],
    lambda: {"a": 1}["b"],
    lambda: 1 / 0,
    lambda: None.predict,  # type: ignore[attr-defined]
    lambda: None + 1,  # type: ignore[operator]
    lambda: np.array([True]) - np.array([True]),
    lambda: np.linalg.inv(np.zeros((2, 2))),
    lambda: np.array([]).max(),
    lambda: max([]),
    refuse(ValueError("")),
    refuse(RuntimeError("something happened")),
]


@pytest.mark.parametrize("call", CLEAR, ids=range(len(CLEAR)))
def test_words_about_the_data_are_a_refusal(call: Callable[[], Any]) -> None:
    assert is_refusal(raised_by(call))
    assert isinstance(attempt(call, doing="a fit"), Refused)


@pytest.mark.parametrize("call", CRASHES, ids=range(len(CRASHES)))
def test_a_stumble_is_a_crash_and_says_where(call: Callable[[], Any]) -> None:
    assert not is_refusal(raised_by(call))
    with pytest.raises(Broken, match=r"a fit works, or is refused(.|\n)*test_refusals.py:|a fit works(.|\n)*\.py:"):
        attempt(call, doing="a fit")


@pytest.mark.parametrize(
    ("X", "is_untrue"),
    [
        (np.ones((3, 2)), True),
        (np.array([[1.0, np.nan]]), False),
        (np.array([[1.0, np.inf]]), False),
        (np.full((3, 2), 1e300), False),
        (np.full((3, 2), 1e-300), False),
        (np.array([["a", "b"]], dtype=object), False),
    ],
)
def test_a_refusal_of_gaps_where_there_are_none_is_untrue(X: Any, *, is_untrue: bool) -> None:
    error = ValueError("Input X contains NaN")
    assert refusals.is_untrue(error, X, np.arange(len(X))) is is_untrue
    assert not refusals.is_untrue(ValueError("three rows are too few"), X)
