"""Dataset: named, versioned examples with their splits and a digest of their content."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from pytest_mlexp.blocks.digest import digest_of
from pytest_mlexp.blocks.schema import (
    Schema,
    check_groups,
    check_records,
    check_rows,
    check_weights,
    frame_without,
    identities,
    is_pandas,
    kind_of,
    schema_of,
)
from pytest_mlexp.blocks.splitting import Split, is_a, make_splits, stacked, take
from pytest_mlexp.errors import DataError
from pytest_mlexp.naming import nearest

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

__all__ = ["Dataset", "Part", "take"]


@dataclass(frozen=True, eq=False)
class Part:
    """The rows of one part of a split; ``groups`` and ``sample_weight`` are None where there are none."""

    X: Any
    y: Any
    examples: npt.NDArray[Any]
    groups: Any = None
    sample_weight: Any = None


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Named, versioned examples with their splits.

    It says nothing of the kind of prediction: ``X`` and ``y`` are arrays, frames, sparse matrices or lists of
    anything, kept as they were given. Use one of the ``from_...`` constructors.

    Attributes:
        X: the examples, one a row.
        y: the targets, one a row, or None.
        splits: the (train, test) pairs, at least one.
        examples: the identity of each row, unique, shape ``(rows,)``; scores are joined on it.
        groups: one label a row that says which rows belong together, or None.
        sample_weight: one finite number a row, or None.
        name: set where the dataset is declared.
        version: set where the dataset is declared.

    Raises:
        DataError: the parts do not fit together; the message names them.
    """

    X: Any
    y: Any
    splits: tuple[Split, ...]
    examples: Any
    groups: Any = None
    sample_weight: Any = None
    name: str = ""
    version: str | None = None

    def __post_init__(self) -> None:
        rows = check_rows(
            X=self.X, y=self.y, examples=self.examples, groups=self.groups, sample_weight=self.sample_weight
        )
        object.__setattr__(self, "examples", identities(self.examples))
        object.__setattr__(self, "splits", tuple(self.splits))
        check_groups(self.groups)
        check_weights(self.sample_weight)
        if not all(isinstance(split, Split) for split in self.splits):
            raise DataError("splits must be Split objects: use a from_... constructor, whose split= takes other forms")
        names = [split.name for split in self.splits]
        if not names or len(set(names)) < len(names):
            raise DataError(f"splits are named {names}: a dataset needs at least one, each with a name of its own")
        for split in self.splits:
            split.check_within(rows)

    @classmethod
    def from_arrays(
        cls, X: Any, y: Any, *, split: object, groups: Any = None, sample_weight: Any = None, examples: Any = None
    ) -> Self:
        """Return a dataset of parallel containers: arrays, frames, sparse matrices or lists.

        Args:
            X: the examples, ``n`` rows.
            y: the targets, ``n`` rows, or None.
            split: a fraction of test rows, a scikit-learn splitter, a (train, test) pair of row positions or
                a list of such pairs.
            groups: ``n`` labels; rows of one label are kept together by a fraction or a group splitter.
            sample_weight: ``n`` numbers.
            examples: ``n`` unique identities; by default the index of a pandas ``X``, else 0 to ``n - 1``.

        Raises:
            DataError: the parts do not fit together or cannot be split so.
        """
        rows = check_rows(X=X, y=y, examples=examples, groups=groups, sample_weight=sample_weight)
        check_groups(groups)
        if examples is None:
            examples = X.index if is_pandas(X) else np.arange(rows, dtype=np.int64)
        splits = make_splits(split, X, y=y, groups=groups)
        return cls(X, y, splits, examples, groups=groups, sample_weight=sample_weight)

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        *,
        target: Hashable | list[str],
        split: object,
        groups: Hashable = None,
        sample_weight: Hashable = None,
    ) -> Self:
        """Return a dataset of a pandas frame; names and dtypes stay, the index gives the identities.

        Args:
            frame: one row per example, with a unique index.
            target: the target's column, a list of columns, or None. One column gives a Series.
            split: as in :meth:`from_arrays`.
            groups: the column of group labels; it is left out of ``X``.
            sample_weight: the column of weights; it is left out of ``X``.

        Raises:
            DataError: no such column, a column twice, no column left, or as in :meth:`from_arrays`.
        """
        targets = target if isinstance(target, list) else [target]
        special = [column for column in (*targets, groups, sample_weight) if column is not None]
        X = frame_without(frame, special, where="frame")
        return cls.from_arrays(
            X,
            None if target is None else frame[target],
            split=split,
            groups=None if groups is None else frame[groups],
            sample_weight=None if sample_weight is None else frame[sample_weight],
        )

    @classmethod
    def from_parts(cls, train: Any, test: Any, *, target: Hashable | list[str] = None) -> Self:
        """Return a dataset that came in two parts, with that one split.

        Identities are the index of the frames if no label stands in both, else 0, 1, ... through both parts.

        Args:
            train: an ``(X, y)`` tuple or, with ``target``, a frame.
            test: the same, with the same columns and dtypes.
            target: the target's column, or a list of columns, where the parts are frames.

        Raises:
            DataError: the parts are not alike or not what was said.
        """
        (X_train, y_train), (X_test, y_test) = (
            _as_pair(part, where, target=target) for part, where in ((train, "train"), (test, "test"))
        )
        if (y_train is None) != (y_test is None):
            raise DataError("one of the train and test parts has targets and the other has none: give both or neither")
        first = check_rows(X=X_train, y=y_train)
        rows = first + check_rows(X=X_test, y=y_test)
        relabel = not is_pandas(X_train, X_test) or bool(len(X_train.index.intersection(X_test.index)))
        X = _joined(X_train, X_test, what="X", relabel=relabel)
        y = None if y_train is None else _joined(y_train, y_test, what="y", relabel=relabel)
        return cls.from_arrays(X, y, split=(np.arange(first), np.arange(first, rows)))

    @classmethod
    def from_torch(cls, dataset: Any, *, split: object) -> Self:
        """Return a dataset of a map-style PyTorch Dataset, read once from its first to its last item.

        Items are ``(x, y)`` pairs or only ``x``. Tensors and numbers of one shape become one numpy array,
        anything else a list.

        Raises:
            DataError: it has no length or no items, or an item is a tuple of more than two.
        """
        if not (hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__")):
            raise DataError(
                f"{type(dataset).__qualname__} is no map-style dataset (it needs __len__ and __getitem__): read an "
                "iterable one into a list and use Dataset.from_records"
            )
        items = [dataset[number] for number in range(len(dataset))]
        widths = {len(item) if isinstance(item, tuple) else 0 for item in items}
        if len(widths) > 1 or not widths <= {0, 1, 2}:
            raise DataError(
                f"items of {type(dataset).__qualname__} are tuples of {sorted(widths)} (0: no tuple): each must be an "
                "(x, y) pair, or each only x"
            )
        columns = [stacked(column) for column in zip(*items, strict=True)] if widths <= {1, 2} else [stacked(items)]
        X, y = [*columns, None][:2] if items else ([], None)
        return cls.from_arrays(X, y, split=split)

    @classmethod
    def from_records(
        cls, records: Sequence[Any], *, split: object, target: Hashable = None, targets: Any = None
    ) -> Self:
        """Return a dataset of a plain sequence of anything: strings, dicts, token lists; ``X`` is a list.

        Args:
            records: one item per example.
            split: as in :meth:`from_arrays`.
            target: the key of the target, where the records are dicts; it is left out of ``X``.
            targets: or the targets as a sequence of the same length.

        Raises:
            DataError: ``records`` is no sequence, a record has no such key, or both targets were given.
        """
        if isinstance(records, str | bytes | Mapping) or not hasattr(records, "__len__"):
            raise DataError(f"records is a {type(records).__qualname__}: give a list with one item per example")
        items = list(records)
        if target is None:
            return cls.from_arrays(items, targets, split=split)
        if targets is not None:
            raise DataError("both target= (a key) and targets= (a sequence) were given: give one of them")
        check_records(items, target)
        rest = [{key: value for key, value in item.items() if key != target} for item in items]
        return cls.from_arrays(rest, [item[target] for item in items], split=split)

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.examples)

    def __repr__(self) -> str:
        """Return name, version and sizes, not the data."""
        return f"Dataset(name={self.name!r}, version={self.version!r}, rows={len(self)}, splits={len(self.splits)})"

    def split(self, name: str) -> Split:
        """Return the split of that name.

        Raises:
            DataError: there is none.
        """
        for split in self.splits:
            if split.name == name:
                return split
        raise DataError(f"{self!r} has no split {name!r}; {nearest(name, [split.name for split in self.splits])}")

    def train(self, split: Split) -> Part:
        """Return the rows to train on in ``split``."""
        return self._part(split.train)

    def test(self, split: Split) -> Part:
        """Return the rows to test on in ``split``."""
        return self._part(split.test)

    @cached_property
    def digest(self) -> str:
        """The digest of all content and splits, 32 hexadecimal characters; name and version are not in it."""
        splits = [(split.name, split.train, split.test) for split in self.splits]
        return digest_of(self.X, self.y, self.groups, self.sample_weight, self.examples, splits)

    @cached_property
    def schema(self) -> Schema:
        """What the columns of ``X`` and ``y`` look like."""
        return schema_of(self.X, self.y)

    def _part(self, rows: npt.NDArray[np.int64]) -> Part:
        columns = (self.X, self.y, self.examples, self.groups, self.sample_weight)
        return Part(*(take(values, rows) for values in columns))


def _as_pair(part: Any, where: str, *, target: Any) -> tuple[Any, Any]:
    if target is not None:
        return frame_without(part, target if isinstance(target, list) else [target], where=where), part[target]
    if isinstance(part, tuple) and len(part) == 2:
        return part
    raise DataError(f"{where} is of type {type(part).__qualname__}: give an (X, y) tuple, or a frame and target=")


def _joined(first: Any, second: Any, *, what: str, relabel: bool) -> Any:
    one, other = kind_of(first), kind_of(second)
    if one != other:
        differ = next((a, b) for a, b in itertools.zip_longest(one, other) if a != b)
        raise DataError(
            f"{what} of the train and the test part are not alike: {differ[0]} and {differ[1]}; give both the same "
            "columns and dtypes, for instance with astype"
        )
    if is_pandas(first):
        import pandas as pd

        return pd.concat([first, second], ignore_index=relabel)
    if isinstance(first, np.ndarray):
        return np.concatenate([first, second])
    if is_a(first, "scipy.sparse", "spmatrix", "sparray"):
        from scipy.sparse import vstack

        return vstack([first, second], format="csr")
    return [*first, *second]
