"""What belongs to the whole process: the global random generators, and settings that a block might change."""

from __future__ import annotations

import functools
import os
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

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
    legacy: Any = np.random.get_state()  # noqa: NPY002 - as above
    return {**states(), "Python": random.getstate()[1][:-1], "numpy": legacy[1].tobytes()}


def settings() -> dict[str, Any]:
    """Settings of the process that a block might change for everyone."""
    from sklearn import get_config

    found: dict[str, Any] = {
        "numpy.geterr()": np.geterr(),
        "numpy.get_printoptions()": np.get_printoptions(),
        "os.environ": {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "the working folder": os.getcwd(),  # noqa: PTH109 - what os says is compared
        "warnings.filters": list(warnings.filters),
        "sys.getrecursionlimit()": sys.getrecursionlimit(),
        "sys.path": list(sys.path),
        "sklearn.get_config()": get_config(),
    }
    if (torch := sys.modules.get("torch")) is not None:
        found["torch.is_grad_enabled()"] = torch.is_grad_enabled()
        found["torch.get_default_dtype()"] = torch.get_default_dtype()
        found["torch.get_num_threads()"] = torch.get_num_threads()
    return found


@contextmanager
def restored(before: dict[str, Any]) -> Iterator[None]:
    """Put settings back afterwards, so that one block's fault does not become another's."""
    try:
        yield
    finally:
        _restore(before)


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
        _controller("torch" in sys.modules).limit(limits=1),
    ):
        warnings.simplefilter("ignore")
        yield


@functools.cache
def _controller(_with_torch: bool) -> ThreadpoolController:  # noqa: FBT001 - torch brings libraries of its own
    return ThreadpoolController()


def _restore(before: dict[str, Any]) -> None:
    from sklearn import set_config

    np.seterr(**before["numpy.geterr()"])
    np.set_printoptions(**before["numpy.get_printoptions()"])
    os.chdir(before["the working folder"])
    sys.setrecursionlimit(before["sys.getrecursionlimit()"])
    sys.path[:] = before["sys.path"]
    warnings.filters[:] = before["warnings.filters"]  # type: ignore[index]
    for name in set(os.environ) - set(before["os.environ"]):
        if not name.startswith("PYTEST_"):
            del os.environ[name]
    os.environ.update(before["os.environ"])
    set_config(**before["sklearn.get_config()"])
    if "torch.is_grad_enabled()" in before:
        import torch

        torch.set_grad_enabled(before["torch.is_grad_enabled()"])
        torch.set_default_dtype(before["torch.get_default_dtype()"])
        torch.set_num_threads(before["torch.get_num_threads()"])
