"""Seed every global random generator for a while, and leave all of them as found."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import random
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_mlexp.errors import DeclarationError

if TYPE_CHECKING:
    from torch import Tensor

LARGEST_SEED = 2**32 - 1


@contextlib.contextmanager
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
    python_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global one is meant
    randomness = Randomness(seed, device=device)
    try:
        randomness.reseed()
        yield randomness
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)  # noqa: NPY002 - the global one is meant
        randomness.restore_torch()


class Randomness:
    """The global generators within a ``seeded`` block."""

    __slots__ = ("_found", "_seed", "_torch_seeded")

    def __init__(self, seed: int, *, device: str) -> None:
        self._seed = seed
        if device != "cpu":
            _start(device)
        torch = _torch()
        self._torch_seeded = torch is not None
        self._found = None if torch is None else _torch_states(torch)

    def torch_arrived(self) -> bool:
        """Return whether torch was imported since the last seeding, so that it runs unseeded."""
        return not self._torch_seeded and _torch() is not None

    def reseed(self) -> None:
        """Put all generators back to the start of the block's seed, torch's too where it is imported."""
        random.seed(self._seed)
        np.random.seed(self._seed)  # noqa: NPY002 - the global one is meant
        if (torch := _torch()) is not None:
            self._torch_seeded = True
            # torch.manual_seed would leave a seeding queued for a CUDA that starts only after the block.
            torch.default_generator.manual_seed(self._seed)
            if torch.cuda.is_initialized():
                torch.cuda.manual_seed_all(self._seed)
            if torch.backends.mps.is_available():
                torch.mps.manual_seed(self._seed)

    def restore_torch(self) -> None:
        """Give torch's generators the state they were found in; one that arrived starts from entropy, as imported."""
        if (torch := _torch()) is None:
            return
        if self._found is None:
            torch.default_generator.seed()
            return
        cpu, cuda, mps = self._found
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


def _torch_states(torch: Any) -> tuple[Tensor, list[Tensor], Tensor | None]:
    """Return the states of torch's CPU, CUDA (where started) and MPS (where present) generators."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None
    return torch.default_generator.get_state(), cuda, mps
