"""The state of numpy's legacy generator, kept and put back by copying its memory.

Asking it for its state and setting that takes a quarter of a millisecond, which is longer than a small trial.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np
from numpy.random import MT19937, BitGenerator
from numpy.random.mtrand import get_bit_generator, set_bit_generator

_SIZE = 625 * 4  # the key, and the position in it
_without_normal = b""  # the memory of a state that is known to keep no second number of a pair of normal ones


def kept() -> Callable[[], None]:
    """Keep numpy's global generator and its state; returns what puts both back."""
    global _without_normal  # noqa: PLW0603 - as the generator is
    bits = get_bit_generator()
    memory = _memory(bits) if type(bits) is MT19937 else b""
    if not memory or memory != _without_normal:
        state = np.random.get_state(legacy=False)  # noqa: NPY002 - the global one is meant
        if not memory or state["has_gauss"]:
            return lambda: _put_back(bits, state)
        _without_normal = memory
    return lambda: _copy_back(bits, memory)


def _memory(bits: BitGenerator) -> bytes:
    with bits.lock:
        return ctypes.string_at(bits.ctypes.state_address, _SIZE)


def _copy_back(bits: BitGenerator, memory: bytes) -> None:
    if get_bit_generator() is not bits:
        set_bit_generator(bits)
    np.random.seed(0)  # noqa: NPY002 - forgets the second number of a pair
    with bits.lock:
        ctypes.memmove(bits.ctypes.state_address, memory, _SIZE)


def _put_back(bits: BitGenerator, state: dict[str, object]) -> None:
    if get_bit_generator() is not bits:
        set_bit_generator(bits)
    np.random.set_state(state)  # noqa: NPY002
