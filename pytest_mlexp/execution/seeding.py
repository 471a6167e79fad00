"""Seed every global random generator for a while, and leave all of them as found."""

from __future__ import annotations

import importlib
import importlib.util
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.execution import legacy

if TYPE_CHECKING:
    from torch import Tensor

    _States = tuple[Tensor, list[Tensor], Tensor | None]

LARGEST_SEED = 2**32 - 1
_open: list[str | None] = []  # blocks that are open: the device of a ``preserved`` one, None of a ``seeded`` one


@contextmanager
def seeded(seed: int, *, device: str = "cpu") -> Iterator[Randomness]:
    """Run a block with Python's, numpy's (legacy) and torch's global generators seeded; restore them after.

    torch counts only if it is imported already; a device other than the CPU imports it and starts the
    device, so that its generator is seeded too. When the block itself imports torch, the result of
    what ran since is not of this seed; seed and do it once more::

        with seeded(seed) as randomness:
            model = build()
            if randomness.torch_arrived():
                randomness.reseed()
                model = build()

    A torch that arrived within the block is left like one freshly imported: seeded from entropy.

    Raises:
        DeclarationError: the seed is not within 0 to 2**32 - 1, the range that all of them take.
    """
    if not 0 <= seed <= LARGEST_SEED:
        raise DeclarationError(f"seed {seed!r} cannot be used: give an integer from 0 to {LARGEST_SEED}")
    is_saved = bool(_open) and _open[-1] is not None and device in {"cpu", _open[-1]}
    with nullcontext() if is_saved else preserved(device=device):
        _open.append(None)
        try:
            randomness = Randomness(seed)
            yield randomness
        finally:
            _open.pop()


@contextmanager
def preserved(*, device: str = "cpu") -> Iterator[None]:
    """Leave all global generators as found, saved once for the many ``seeded`` blocks of one device within."""
    if device != "cpu":
        _start(device)
    torch = _torch()
    python_state, put_numpy_back = random.getstate(), legacy.kept()
    torch_states = None if torch is None else _torch_states(torch)
    _open.append(device)
    try:
        yield
    finally:
        _open.pop()
        random.setstate(python_state)
        put_numpy_back()
        _restore_torch(torch_states)


class Randomness:
    """The global generators within a ``seeded`` block."""

    __slots__ = ("_seed", "_torch_seeded")

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.reseed()

    def torch_arrived(self) -> bool:
        """Return whether torch was imported since the last seeding, so that it runs unseeded."""
        return not self._torch_seeded and _torch() is not None

    def reseed(self) -> None:
        """Put all generators back to the start of the block's seed, torch's too where it is imported."""
        random.seed(self._seed)
        np.random.seed(self._seed)  # noqa: NPY002 - the global one is meant
        torch = _torch()
        self._torch_seeded = torch is not None
        if torch is not None:
            # torch.manual_seed would leave a seeding queued for a CUDA that starts only after the block.
            torch.default_generator.manual_seed(self._seed)
            if torch.cuda.is_initialized():
                torch.cuda.manual_seed_all(self._seed)
            if torch.backends.mps.is_available():
                torch.mps.manual_seed(self._seed)


def _restore_torch(states: _States | None) -> None:
    """Give torch's generators the state they were found in; one that arrived starts from entropy, as imported."""
    if (torch := _torch()) is None:
        return
    if states is None:
        torch.default_generator.seed()
        return
    cpu, cuda, mps = states
    torch.default_generator.set_state(cpu)
    if cuda:
        torch.cuda.set_rng_state_all(cuda)
    if mps is not None:
        torch.mps.set_rng_state(mps)


def load_torch() -> None:
    """Import torch where it is installed, so that it is seeded also for a model that imports it only in ``fit``."""
    if importlib.util.find_spec("torch") is not None:
        importlib.import_module("torch")


def _torch() -> Any:
    return sys.modules.get("torch")


def _start(device: str) -> None:
    torch = importlib.import_module("torch")
    if device.startswith("cuda") and torch.cuda.is_available():
        torch.cuda.init()


def _torch_states(torch: Any) -> _States:
    """Return the states of torch's CPU, CUDA (where started) and MPS (where present) generators."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    return torch.default_generator.get_state(), cuda, mps
