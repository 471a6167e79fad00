"""What belongs to the whole process: the global random generators, and the quiet in which checks run."""

from __future__ import annotations

import functools
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
from threadpoolctl import ThreadpoolController

from pytest_mlexp.contracts.settings import restored, settings
from pytest_mlexp.execution.seeding import seeded


def states() -> dict[str, object]:
    """The states of the global random generators."""
    legacy: Any = np.random.get_state()  # noqa: NPY002 - the global one is meant
    found: dict[str, object] = {
        "Python": random.getstate(),
        "numpy": tuple(part.tobytes() if isinstance(part, np.ndarray) else part for part in legacy),
    }
    if (torch := sys.modules.get("torch")) is not None:
        found["torch"] = torch.default_generator.get_state().numpy().tobytes()
    return found


def stocks() -> dict[str, object]:
    """The numbers that the global generators have in stock, one drawn already.

    A generator makes several hundred at a time, so drawing a few more leaves its stock as it is; seeding does not.
    """
    random.random()  # noqa: S311 - no secret
    np.random.random()  # noqa: NPY002 - the global one is meant
    found = states()
    python, numpy = cast("tuple[Any, ...]", found["Python"]), cast("tuple[Any, ...]", found["numpy"])
    return {**found, "Python": python[1][:-1], "numpy": numpy[1]}


def reseed() -> None:
    """Put the global generators to the start of seed 0; :func:`quietly` restores them at its end."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - the global one is meant
    if (torch := sys.modules.get("torch")) is not None:
        torch.default_generator.manual_seed(0)


@contextmanager
def quietly() -> Iterator[None]:
    """Run checks without warnings, seeded, with one thread for linear algebra; leave everything as it was found.

    Small matrices are slower with more threads, and sums in one thread are the same each time.
    """
    with (
        seeded(0),
        restored(settings()),
        warnings.catch_warnings(),
        parameters_validated(wanted=False),
        _controller("torch" in sys.modules).limit(limits=1),
    ):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def parameters_validated(*, wanted: bool) -> Iterator[None]:
    """Have scikit-learn validate parameters at each fit, or not: one model is fitted with the same ones many times."""
    if (sklearn := sys.modules.get("sklearn")) is None:
        yield
        return
    with sklearn.config_context(skip_parameter_validation=not wanted):
        yield


@functools.cache
def _controller(_with_torch: bool) -> ThreadpoolController:  # noqa: FBT001 - torch brings libraries of its own
    return ThreadpoolController()
