"""What belongs to a model itself and not to a library: its lines of Python, and the places where its state can be.

An installed package is a library, but for the one that a model under check comes from: a team may have installed its
own. Where that is a package that many take their models from, it is a library too.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
import sysconfig
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, FunctionType
from typing import Any

import numpy as np

from pytest_mlexp.blocks.splitting import take
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.subject import Subject

_INSTALLED = (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
_LIBRARIES = (
    sysconfig.get_path("stdlib"),
    "<frozen ",
    "<__array_function__",
    str(Path(__file__).parent),
    str(Path(__file__).parent.parent / "execution"),
)
_COMMON = {
    *("numpy", "scipy", "pandas", "joblib", "sklearn", "statsmodels", "lightgbm", "xgboost", "catboost", "ngboost"),
    *("imblearn", "category_encoders", "mapie", "sktime", "skorch", "torch", "tensorflow", "keras", "jax"),
    "pytest_mlexp",
}
_CONTAINERS = (list, dict, set, bytearray, deque, np.ndarray)


def homes_of(model: Any) -> frozenset[str]:
    """The top-level packages that a model, its class and its parameters come from, less those that many use."""
    params = model.get_params() if callable(getattr(model, "get_params", None)) else {}
    things = [model, *type(model).__mro__, *params.values()]
    names = {str(getattr(thing, "__module__", "builtins")).partition(".")[0] for thing in things}
    return frozenset(names - _COMMON - sys.stdlib_module_names)


@functools.cache
def is_library(path: str, homes: frozenset[str]) -> bool:
    """Whether a source file belongs to Python, to these checks or to an installed package outside ``homes``."""
    for folder in _INSTALLED:
        if path.startswith(folder + os.sep):
            return Path(path).relative_to(folder).parts[0].removesuffix(".py") not in homes
    return path.startswith(_LIBRARIES)


def own_code(frame: FrameType, homes: frozenset[str]) -> bool:
    """Whether a frame runs code that belongs to no library."""
    code = frame.f_code
    written = code.co_filename == "<string>" and code.co_name.startswith("__")  # methods that dataclasses write
    return not written and not is_library(code.co_filename, homes)


def runs_own_code(subject: Subject) -> bool:
    """Whether anything of the model's own, not of a library, runs in Python when it predicts; found out once.

    Raises:
        NotApplicable: the model refuses ordinary data, clearly.
        Broken: it crashes on them.
    """
    if subject.own_code is None:
        subject.own_code = not _all_of_libraries(subject.build()) and _runs_lines(subject)
    return subject.own_code


def _runs_lines(subject: Subject) -> bool:
    data = subject.data(Case())
    model = subject.fitted(data)
    with counted_lines(homes_of(model)) as count:
        subject.answers(model, take(data.X_test, [0]), methods=("predict",))
    return count() > 0


def _all_of_libraries(model: Any) -> bool:
    """Whether the class and all parameters, also of nested models, come from libraries."""
    if not callable(getattr(model, "get_params", None)):
        return False
    homes, things = homes_of(model), [model, *model.get_params().values()]
    return not any(own_module(str(getattr(thing, "__module__", "builtins")), homes) for thing in things)


@contextmanager
def counted_lines(homes: frozenset[str]) -> Iterator[Callable[[], int]]:
    """Count the lines that run outside libraries."""
    lines = 0

    def local(_frame: FrameType, event: str, _argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return local

    before = sys.gettrace()
    sys.settrace(lambda frame, _event, _argument: local if own_code(frame, homes) else None)
    try:
        yield lambda: lines
    finally:
        sys.settrace(before)


def state_size(model: Any) -> int:
    """Bytes of what the model keeps: in itself, in its own classes, and in the module that these stand in.

    What cannot be pickled counts as nothing; another law judges that.
    """
    return len(pickled(model)) + sum(map(_pickled_or_count, _places(model)))


def _places(model: Any) -> Iterator[Any]:
    """Containers outside the model in which code of its own may keep something."""
    homes = homes_of(model)
    function = model if isinstance(model, FunctionType) else getattr(type(model), "predict", None)
    classes = [cls for cls in type(model).__mro__ if own_module(cls.__module__, homes)]
    modules = {cls.__module__ for cls in classes}
    if isinstance(model, FunctionType):
        modules |= {model.__module__} if own_module(model.__module__, homes) else set()
    for name in list(modules):  # what a module of its own brings in from others of its own
        named = [
            getattr(value, "__name__" if inspect.ismodule(value) else "__module__", None)
            for value in list(vars(sys.modules[name]).values())
            if inspect.ismodule(value) or callable(value)
        ]
        modules |= {
            other for other in named if isinstance(other, str) and other in sys.modules and own_module(other, homes)
        }
    for home in (*classes, *(sys.modules[name] for name in modules)):
        for name, value in list(vars(home).items()):
            if not name.startswith("__"):
                yield from _containers(value, homes)
    if isinstance(function, FunctionType):
        yield from (cell.cell_contents for cell in function.__closure__ or () if _filled(cell))


def _containers(value: Any, homes: frozenset[str]) -> Iterator[Any]:
    if isinstance(value, _CONTAINERS):
        yield value
    elif hasattr(value, "cache_info"):
        yield [0] * value.cache_info().currsize
    elif own_module(type(value).__module__, homes) and isinstance(getattr(value, "__dict__", None), dict):
        yield vars(value)
    elif inspect.isfunction(value):
        yield from (default for default in value.__defaults__ or () if isinstance(default, _CONTAINERS))


def _filled(cell: Any) -> bool:
    try:
        return isinstance(cell.cell_contents, _CONTAINERS)
    except ValueError:
        return False


def own_module(name: str, homes: frozenset[str]) -> bool:
    """Whether the module of that name belongs to no library."""
    path = getattr(sys.modules.get(name), "__file__", None)
    return name != "builtins" and not (path and is_library(path, homes))


def pickled(value: Any) -> bytes:
    """The bytes of what can be pickled, none of what cannot."""
    import cloudpickle

    try:
        return bytes(cloudpickle.dumps(value))
    except Exception:  # noqa: BLE001 - as said
        return b""


def _pickled_or_count(value: Any) -> int:
    return len(pickled(value)) or 8 * len(value)
