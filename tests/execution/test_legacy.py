"""Numpy's global generator is left as found, whatever it was found in and whatever was done to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.random import MT19937, PCG64
from numpy.random.mtrand import get_bit_generator, set_bit_generator

from pytest_mlexp.execution import legacy

FOUND: dict[str, Callable[[], Any]] = {
    "fresh": lambda: None,
    "after an even number of normal ones": lambda: np.random.randn(2),  # noqa: NPY002
    "after an odd number of normal ones": lambda: np.random.randn(3),  # noqa: NPY002
    "in the middle of its key": lambda: np.random.random(100),  # noqa: NPY002
    "another generator": lambda: set_bit_generator(PCG64(1)),
    "another of its kind": lambda: set_bit_generator(MT19937(1)),
}
DONE: dict[str, Callable[[], Any]] = {
    "nothing": lambda: None,
    "draws": lambda: np.random.random(1000),  # noqa: NPY002
    "draws an odd number of normal ones": lambda: np.random.randn(701),  # noqa: NPY002
    "draws another normal one": np.random.randn,
    "changes the generator": lambda: set_bit_generator(MT19937(2)),
    "changes its kind": lambda: set_bit_generator(PCG64(2)),
}


@pytest.fixture(autouse=True)
def as_found() -> Iterator[None]:
    bits, state = get_bit_generator(), np.random.get_state(legacy=False)  # noqa: NPY002
    np.random.seed(7)  # noqa: NPY002
    yield
    set_bit_generator(bits)
    np.random.set_state(state)  # noqa: NPY002


@pytest.mark.parametrize("done", DONE)
@pytest.mark.parametrize("found", FOUND)
def test_it_is_left_as_found(found: str, done: str) -> None:
    FOUND[found]()
    for _ in range(2):
        bits, state = get_bit_generator(), np.random.get_state(legacy=False)  # noqa: NPY002
        put_back = legacy.kept()
        DONE[done]()
        put_back()
        assert get_bit_generator() is bits
        assert repr(np.random.get_state(legacy=False)) == repr(state)  # noqa: NPY002
        np.random.randn()  # noqa: NPY002 - a second number of a pair may be there or not the next time
