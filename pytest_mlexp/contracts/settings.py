"""Settings of the process and of libraries that a block might change for everyone: read, compared, put back."""

from __future__ import annotations

import csv
import decimal
import gc
import locale
import logging
import multiprocessing
import os
import socket
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np

Accessors = tuple[Callable[[], Any], Callable[[Any], object]]


def settings() -> dict[str, Any]:
    """Settings of the process that a block might change for everyone."""
    return {name: read() for name, (read, _) in _accessors().items()}


@contextmanager
def restored(before: dict[str, Any]) -> Iterator[None]:
    """Put settings back afterwards, so that one block's fault does not become another's."""
    try:
        yield
    finally:
        for name, (read, write) in _accessors().items():
            if name in before and read() != before[name]:
                write(before[name])


def told_difference(before: Any, after: Any) -> tuple[Any, Any]:
    """What is different in a setting before and after; of one that has many parts, those that are."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return before, after
    parts = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    first, second = ({name: found[name] for name in parts if name in found} for found in (before, after))
    return first, second


def _accessors() -> dict[str, Accessors]:
    """How each setting is read and written; those of torch where it is in use."""
    return {**_OF_NUMPY, **_OF_PYTHON, **_of_tables(), **(_of_torch(sys.modules["torch"]) if _torch() else {})}


def _torch() -> bool:
    return hasattr(sys.modules.get("torch"), "is_grad_enabled")


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


def _set_environment(wanted: dict[str, str]) -> None:
    for name in set(_environment()) - set(wanted):
        del os.environ[name]
    os.environ.update(wanted)


def _logging() -> tuple[Any, ...]:
    root = logging.getLogger()
    return root.level, root.manager.disable, list(root.handlers)


def _set_logging(wanted: tuple[Any, ...]) -> None:
    root = logging.getLogger()
    root.setLevel(wanted[0])
    logging.disable(wanted[1])
    root.handlers[:] = wanted[2]


def _set_decimal(wanted: tuple[int, str]) -> None:
    context = decimal.getcontext()
    context.prec, context.rounding = wanted


def _set_streams(wanted: tuple[Any, ...]) -> None:
    sys.stdout, sys.stderr, sys.excepthook = wanted


_OF_NUMPY: dict[str, Accessors] = {
    "numpy.geterr()": (np.geterr, lambda wanted: np.seterr(**wanted)),
    "numpy.get_printoptions()": (np.get_printoptions, lambda wanted: np.set_printoptions(**wanted)),
}
_OF_PYTHON: dict[str, Accessors] = {
    "os.environ": (_environment, _set_environment),
    "the working folder": (os.getcwd, os.chdir),
    "warnings.filters": (
        lambda: list(warnings.filters),
        lambda wanted: cast("list[Any]", warnings.filters).__setitem__(slice(None), wanted),
    ),
    "sys.getrecursionlimit()": (sys.getrecursionlimit, sys.setrecursionlimit),
    "sys.getswitchinterval()": (sys.getswitchinterval, sys.setswitchinterval),
    "sys.path": (lambda: list(sys.path), lambda wanted: sys.path.__setitem__(slice(None), wanted)),
    "sys.stdout, sys.stderr and sys.excepthook": (lambda: (sys.stdout, sys.stderr, sys.excepthook), _set_streams),
    "logging's level, disabled level and handlers": (_logging, _set_logging),
    "locale.setlocale()": (
        lambda: locale.setlocale(locale.LC_ALL),
        lambda wanted: locale.setlocale(locale.LC_ALL, wanted),
    ),
    "decimal.getcontext()": (lambda: (decimal.getcontext().prec, decimal.getcontext().rounding), _set_decimal),
    "gc.isenabled()": (gc.isenabled, lambda wanted: gc.enable() if wanted else gc.disable()),
    "gc.get_threshold()": (gc.get_threshold, lambda wanted: gc.set_threshold(*wanted)),
    "socket.getdefaulttimeout()": (socket.getdefaulttimeout, socket.setdefaulttimeout),
    "csv.field_size_limit()": (csv.field_size_limit, csv.field_size_limit),
    "multiprocessing.get_start_method()": (
        # What nobody has chosen yet is the first of those there are.
        lambda: multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0],
        lambda wanted: multiprocessing.set_start_method(wanted, force=True),
    ),
}


def _of_tables() -> dict[str, Accessors]:
    from sklearn import get_config, set_config

    return {
        "sklearn.get_config()": (get_config, lambda wanted: set_config(**wanted)),
        "pandas.options": (_pandas_options, _set_pandas_options),
    }


def _pandas_options() -> dict[str, Any]:
    import pandas as pd

    return dict(_flat(cast("dict[str, Any]", pd.options.d), ""))


def _flat(options: dict[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in options.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _set_pandas_options(wanted: dict[str, Any]) -> None:
    import pandas as pd

    for name, value in _pandas_options().items():
        if name in wanted and value != wanted[name]:
            pd.set_option(name, wanted[name])


def _of_torch(torch: Any) -> dict[str, Accessors]:
    cudnn = torch.backends.cudnn

    def set_cudnn(wanted: tuple[bool, ...]) -> None:
        cudnn.enabled, cudnn.benchmark, cudnn.deterministic = wanted

    return {
        "torch.is_grad_enabled()": (torch.is_grad_enabled, torch.set_grad_enabled),
        "torch.get_default_dtype()": (torch.get_default_dtype, torch.set_default_dtype),
        "torch.get_num_threads()": (torch.get_num_threads, torch.set_num_threads),
        "torch.are_deterministic_algorithms_enabled()": (
            torch.are_deterministic_algorithms_enabled,
            torch.use_deterministic_algorithms,
        ),
        "torch.get_float32_matmul_precision()": (
            torch.get_float32_matmul_precision,
            torch.set_float32_matmul_precision,
        ),
        "torch.is_anomaly_enabled()": (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
        "torch.backends.cudnn": (lambda: (cudnn.enabled, cudnn.benchmark, cudnn.deterministic), set_cudnn),
    }
