"""Which rows train and which rows test: from a fraction, a scikit-learn splitter or explicit indexes.

Also how rows are counted in and taken from the containers that a dataset may hold: numpy arrays, pandas
objects, scipy sparse matrices and plain sequences.
"""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from pytest_mlexp.errors import DataError

if TYPE_CHECKING:
    import numpy.typing as npt

    IntArray: TypeAlias = npt.NDArray[np.int64]
    Pair: TypeAlias = tuple[Any, Any]

_SHOWN = 5


@dataclass(frozen=True, eq=False)
class Split:
    """One (train, test) pair of a dataset.

    Attributes:
        name: ``holdout``, or ``fold1``, ``fold2`` ...
        train: row positions, int64, shape ``(n_train,)``; a row may stand there more than once (bootstrap).
        test: row positions, int64, shape ``(n_test,)``, no row twice and none of ``train``.

    Raises:
        DataError: a part is empty, holds something other than positions, or both parts share rows.
    """

    name: str
    train: IntArray
    test: IntArray

    def __post_init__(self) -> None:
        for part in ("train", "test"):
            object.__setattr__(self, part, _positions(getattr(self, part), where=f"{self.name}, {part} part"))
        shared = np.intersect1d(self.train, self.test)
        if shared.size:
            raise DataError(
                f"split {self.name}: {shared.size} rows stand in both the train and the test part "
                f"({_some(shared)}); a test row must never be trained on, take them out of one part"
            )
        unique, counts = np.unique(self.test, return_counts=True)
        if unique.size < self.test.size:
            raise DataError(
                f"split {self.name}: rows stand more than once in the test part ({_some(unique[counts > 1])}); "
                "name each test row once"
            )

    def check_within(self, rows: int) -> None:
        """Check that every position is one of ``rows`` rows.

        Raises:
            DataError: a position lies behind the last row.
        """
        for part, positions in (("train", self.train), ("test", self.test)):
            beyond = positions[positions >= rows]
            if beyond.size:
                raise DataError(
                    f"split {self.name}, {part} part: rows {_some(beyond)} are not there; the dataset has {rows} "
                    f"rows, numbered 0 to {rows - 1}"
                )


def make_splits(split: object, X: Any, *, y: Any = None, groups: Any = None) -> tuple[Split, ...]:
    """Return the splits that ``split`` stands for.

    Args:
        split: a fraction of test rows (the rows of ``train_test_split(..., random_state=0)``, whole groups
            where there are groups), a scikit-learn splitter, a ``(train, test)`` pair of row positions, or
            several such pairs.
        X: the examples, for the number of rows and for the splitter.
        y: the targets, for a splitter that stratifies.
        groups: one label a row; the splitter gets them.

    Raises:
        DataError: ``split`` is none of these, gives an unusable part, or changes from call to call.
    """
    if isinstance(split, float | np.floating):
        pairs = _by_fraction(float(split), X, groups=groups)
    elif callable(getattr(split, "split", None)) and not isinstance(split, str | bytes | type):
        pairs = _by_splitter(split, X, y=y, groups=groups)
    else:
        pairs = _explicit(split)
    names = ["holdout"] if len(pairs) == 1 else [f"fold{number}" for number in range(1, len(pairs) + 1)]
    splits = tuple(Split(name, *pair) for name, pair in zip(names, pairs, strict=True))
    for made in splits:
        made.check_within(row_count(X, what="X"))
    return splits


def take(values: Any, rows: npt.NDArray[Any] | Sequence[int]) -> Any:
    """Return the given rows of a numpy array, pandas object, sparse matrix or sequence, in that order.

    What is returned can be changed without changing ``values``. ``None`` stays ``None``.
    """
    if values is None:
        return None
    if is_a(values, "pandas", "DataFrame", "Series", "Index"):
        return values.iloc[rows] if hasattr(values, "iloc") else values[rows]
    if is_a(values, "scipy.sparse", "spmatrix", "sparray"):
        return values.tocsr()[rows]
    if isinstance(values, np.ndarray):
        chosen = values[np.asarray(rows, dtype=np.intp)]
        return own(chosen) if values.dtype.hasobject else chosen
    return own([values[row] for row in rows])


def own(value: Any) -> Any:
    """A copy that can be changed without changing ``value``; the same object where it cannot be copied."""
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return value.copy()
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - an object's own code decides what copying does
        return value


def row_count(values: Any, *, what: str) -> int:
    """Return how many rows ``values`` has.

    Raises:
        DataError: it is not a container of rows that a dataset can hold; ``what`` names it.
    """
    known = is_a(values, "pandas", "DataFrame", "Series", "Index") or isinstance(values, list | tuple | range)
    if known:
        return len(values)
    if isinstance(values, np.ndarray) or is_a(values, "scipy.sparse", "spmatrix", "sparray"):
        if values.ndim:
            return int(values.shape[0])
        raise DataError(f"{what} is an array without dimensions; it needs one row per example")
    raise DataError(
        f"{what} is of type {type(values).__module__}.{type(values).__qualname__}; a dataset holds numpy arrays, "
        "pandas objects, scipy sparse matrices and lists: convert it, for instance with numpy.asarray or list"
    )


def is_a(value: object, module: str, *names: str) -> bool:
    """Whether ``value`` is of one of the named classes of a library, without importing that library."""
    found = sys.modules.get(module)
    return found is not None and isinstance(value, tuple(getattr(found, name) for name in names))


def stacked(items: Sequence[Any]) -> Any:
    """One array of items of one shape, else a list of them; tensors become arrays either way."""
    values = [as_numpy(item) for item in items]
    numeric = all(isinstance(value, np.ndarray | np.number | int | float) for value in values)
    return np.stack(values) if numeric and len({np.shape(value) for value in values}) == 1 else values


def as_numpy(item: Any) -> Any:
    """A tensor as an array; anything else as it is."""
    if not is_a(item, "torch", "Tensor"):
        return item
    tensor = item.detach().cpu()
    # numpy has no bfloat16.
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()


def _by_fraction(fraction: float, X: Any, *, groups: Any) -> list[Pair]:
    if not 0 < fraction < 1:
        raise DataError(f"split={fraction} is no fraction of test rows: use a number between 0 and 1, such as 0.25")
    from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit

    kind = ShuffleSplit if groups is None else GroupShuffleSplit
    positions = np.arange(row_count(X, what="X"))
    try:
        return list(kind(n_splits=1, test_size=fraction, random_state=0).split(positions, groups=groups))
    except ValueError as error:
        of = f"{positions.size} rows" if groups is None else f"{positions.size} rows by whole groups"
        raise DataError(f"split={fraction} of {of} leaves a part empty: {error}") from error


def _by_splitter(splitter: Any, X: Any, *, y: Any, groups: Any) -> list[Pair]:
    def call() -> list[Pair]:
        with warnings.catch_warnings():
            # Groups may be there for evaluators and gates alone.
            warnings.filterwarnings("ignore", message="The groups parameter is ignored")
            return [(np.asarray(train), np.asarray(test)) for train, test in splitter.split(X, y, groups)]

    with _global_random_state_kept():
        first, second = _noting(call, splitter), call()
    same = len(first) == len(second) and all(
        np.array_equal(a, b) for one, other in zip(first, second, strict=True) for a, b in zip(one, other, strict=True)
    )
    if not same:
        raise DataError(
            f"split={splitter!r} gives other rows each time it is asked, so no two runs could be compared: "
            "give it a random_state, such as random_state=0 (an int, not a generator)"
        )
    if not first:
        raise DataError(f"split={splitter!r} gives no split at all: use a splitter with one split or more")
    return first


def _noting(call: Callable[[], list[Pair]], splitter: object) -> list[Pair]:
    # The splitter may be the team's own: its error stays what it is and only learns where it came from.
    try:
        return call()
    except Exception as error:
        error.add_note(f"raised while the dataset was split with split={splitter!r}")
        raise


@contextmanager
def _global_random_state_kept() -> Iterator[None]:
    state = np.random.get_state()  # noqa: NPY002 - splitters without a seed draw from it
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002 - as above


def _explicit(split: object) -> list[Pair]:
    pairs = list(split) if isinstance(split, Iterable) and not isinstance(split, str | bytes | dict) else []
    if len(pairs) == 2 and all(_is_flat(part) for part in pairs):
        return [(pairs[0], pairs[1])]
    if pairs and all(isinstance(pair, tuple | list) and len(pair) == 2 for pair in pairs):
        return [(train, test) for train, test in pairs]
    advice = f"; for {split} folds use sklearn.model_selection.KFold({split})" if type(split) is int else ""
    shown = repr(split)
    raise DataError(
        f"split={shown if len(shown) < 80 else shown[:80] + '...'} is no way to split: use a fraction such as 0.25, "
        f"a scikit-learn splitter (an object, not its class), a (train, test) pair of row positions, or a list of "
        f"such pairs{advice}"
    )


def _is_flat(part: Any) -> bool:
    return hasattr(part, "__len__") and not hasattr(next(iter(part), 0), "__len__")


def _positions(values: Any, *, where: str) -> IntArray:
    found = np.array(values) if row_count(values, what=f"split {where}") else np.empty(0, dtype=np.int64)
    if not found.size:
        raise DataError(f"split {where} is empty: every split needs at least one train and one test row")
    if found.dtype.kind not in "iu" or found.ndim != 1:
        raise DataError(
            f"split {where} holds {found.dtype} of shape {found.shape}, not a list of row positions: use whole "
            "numbers from 0 (numpy.flatnonzero turns a mask into them)"
        )
    if found.min() < 0:
        raise DataError(f"split {where}: rows {_some(found[found < 0])} are not there; positions count from 0")
    positions = found.astype(np.int64, copy=False)
    positions.setflags(write=False)
    return positions


def _some(values: npt.NDArray[Any]) -> str:
    more = ", ..." if values.size > _SHOWN else ""
    return ", ".join(str(value) for value in values[:_SHOWN]) + more
