"""Which errors are a clear refusal of unusual data, and which are a crash."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pytest_mlexp.contracts.law import Broken, Crashed
from pytest_mlexp.errors import MlexpError

# numpy's and LAPACK's own words say nothing to the person who passed the data.
_WORDLESS = re.compile(
    r"^(singular matrix|svd did not converge.*|matrix is not positive definite|eigenvalues did not converge"
    r"|last \d+ dimensions of the array must be square)$",
    re.IGNORECASE,
)
# torch reports shapes and dtypes that do not fit as RuntimeError.
_SAYS_WHY = re.compile(r"\b(shapes?|size|dimension|dtype|features?|columns?|fit|fitted|expected)\b", re.IGNORECASE)
LEAST_ORDINARY, MOST_ORDINARY = 1e-9, 1e9  # powers of larger and smaller ones may leave the range of numbers
_CLEAR = (ValueError, TypeError, NotImplementedError, OverflowError, MlexpError)
# What Python and numpy say when code meets something it was not written for.
_ACCIDENT = re.compile(
    r"object is not (subscriptable|iterable|callable)|unsupported operand|has no len\(\)|not supported between"
    r"|positional argument|unexpected keyword|cannot unpack|not enough values|too many values to unpack"
    r"|zero-size array|empty sequence|arg is an empty|object of type|loop of ufunc|ufunc '"
    r"|must be real number|could not be broadcast from|truth value of an",
)


# What validation says of rows that hold NaN or infinity.
_NOT_FINITE = re.compile(r"contains? (nan|infinity)|infs or nans", re.IGNORECASE)


@dataclass(frozen=True)
class Refused:
    """A clear refusal: the lawful answer to unusual data."""

    error: Exception

    def __str__(self) -> str:
        return told(self.error)


def is_refusal(error: BaseException, *, accidents: bool = False) -> bool:
    """Whether an error tells the caller what is wrong with the data.

    A ``ValueError`` with words does, and a ``TypeError`` or ``NotImplementedError`` whose words are not those
    of Python or numpy stumbling; so does an error of this package. ``numpy.linalg.LinAlgError`` with LAPACK's
    stock phrase, ``IndexError``, ``AttributeError``, ``ZeroDivisionError`` and the like do not.

    Args:
        error: what was raised.
        accidents: whether a ``ValueError`` in the words of Python or numpy stumbling counts too.
    """
    text = str(error).strip()
    if not text or isinstance(error, UnicodeError):
        return False
    if isinstance(error, np.linalg.LinAlgError):
        return _WORDLESS.match(text) is None
    if isinstance(error, RuntimeError) and not isinstance(error, NotImplementedError | RecursionError):
        return _SAYS_WHY.search(text) is not None
    if not isinstance(error, _CLEAR):
        return _is_librarys_own(error)
    if isinstance(error, TypeError) and not accidents and not _on_purpose(error):
        return False
    return accidents or _ACCIDENT.search(text) is None


def _on_purpose(error: BaseException) -> bool:
    """Whether some line of Python raised it; an operation that cannot take its operands did not."""
    frames = traceback.extract_tb(error.__traceback__)
    return not frames or (frames[-1].line or "").startswith("raise")


def _is_librarys_own(error: BaseException) -> bool:
    """An error class that a library made to report bad input, such as ``LightGBMError``."""
    return type(error).__module__.partition(".")[0] not in {"builtins", "numpy", "pandas"} and isinstance(
        error, Exception
    )


def attempt(call: Callable[[], Any], *, doing: str, **data: Any) -> Any:
    """Return what ``call`` returns, or :class:`Refused`.

    Raises:
        Broken: it raised something that is no clear refusal.
    """
    try:
        return call()
    except Broken:
        raise
    except Exception as error:
        if is_refusal(error):
            return Refused(error)
        raise crash(error, doing=doing, **data) from error


def is_untrue(error: BaseException, *data: Any) -> bool:
    """Whether it says that rows of ordinary numbers hold NaN or infinity: it made these itself."""
    if _NOT_FINITE.search(str(error)) is None:
        return False
    return all(map(_is_ordinary, data))


def _is_ordinary(values: Any) -> bool:
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiubUS":
        return False
    if values.dtype.kind != "f":
        return True
    sizes = np.abs(values[values != 0])
    return bool(((sizes > LEAST_ORDINARY) & (sizes < MOST_ORDINARY)).all())


def crash(error: BaseException, *, doing: str, **data: Any) -> Crashed:
    """The broken law of a model that crashed, with the place in the model's own code."""
    return Crashed(f"{doing} works, or is refused with a ValueError that says why", told(error), **data)


def told(error: BaseException) -> str:
    """An error in one line, with where it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text:.300}{place}" if text else f"{type(error).__name__} without words{place}"
