from __future__ import annotations

import pickle
import traceback
from typing import Any

import cloudpickle
import pytest

from pytest_mlexp.execution.outcome import Failure


class PickyError(Exception):
    """Cannot be made again from its arguments, as many exceptions in the wild."""

    def __init__(self, what: str, *, where: str) -> None:
        super().__init__(f"{what} at {where}")


def failing() -> None:
    raise ValueError("no convergence")


def caught(call: Any) -> Failure:
    try:
        call()
    except BaseException as error:  # noqa: BLE001 - as the flow does
        return Failure.of(error)
    raise AssertionError("nothing was raised")


def test_it_is_raised_again_as_it_was_and_no_longer_each_time() -> None:
    failure = caught(failing)
    lengths = set()
    for _ in range(3):
        with pytest.raises(ValueError, match="no convergence") as info:
            failure.again()
        assert info.value is failure.error
        lengths.add(len(traceback.extract_tb(info.value.__traceback__)))
    assert len(lengths) == 1


def test_another_process_shows_where_it_came_from() -> None:
    copy = pickle.loads(cloudpickle.dumps(caught(failing)))
    for _ in range(2):
        with pytest.raises(ValueError, match="no convergence") as info:
            copy.again()
    (note,) = info.value.__notes__
    assert "first raised in another process" in note
    assert "in failing" in note


def test_an_exception_that_cannot_travel_keeps_its_words() -> None:
    def call() -> None:
        raise PickyError("lost", where="sea")

    copy = pickle.loads(cloudpickle.dumps(caught(call)))
    with pytest.raises(RuntimeError, match="PickyError: lost at sea"):
        copy.again()


def test_an_error_of_ours_ends_in_the_teams_line() -> None:
    from pytest_mlexp.blocks.dataset import Dataset

    def load() -> Dataset:
        return Dataset.from_records("text", split=0.5)

    failure = caught(load)
    assert [frame.name for frame in traceback.extract_tb(failure.origin)] == ["caught", "load"]
