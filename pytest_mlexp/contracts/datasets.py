"""Laws of datasets, and the driver that checks them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np

from pytest_mlexp.blocks.dataset import Dataset, Part
from pytest_mlexp.blocks.digest import digest_of
from pytest_mlexp.blocks.schema import schema_of
from pytest_mlexp.blocks.splitting import row_count, take
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.process import states
from pytest_mlexp.contracts.settings import restored, settings
from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.execution.seeding import seeded
from pytest_mlexp.naming import nearest

MOST_CLASSES = 50
FEW_ROWS = 5000


@dataclass(frozen=True)
class DatasetDeclarations:
    """What is known of a dataset.

    Attributes:
        digest: the digest that this version has.
        duplicates: the share of test rows that may stand in the training part as well.
        leaks: columns that may tell the target, because they are known when it is asked for.
    """

    digest: str | None = None
    duplicates: float = 0.0
    leaks: tuple[str, ...] = ()


@dataclass(eq=False)
class DatasetSubject:
    """A dataset under check: how to load it, and what is known of it."""

    name: str
    load: Callable[[], Dataset]
    declares: DatasetDeclarations = field(default_factory=DatasetDeclarations)

    @cached_property
    def dataset(self) -> Dataset:
        """The dataset, loaded when it is first needed."""
        with seeded(0):
            return self.load()

    def parts(self) -> list[tuple[str, Part, Part]]:
        """Name, training and test part of each split."""
        return [(s.name, self.dataset.train(s), self.dataset.test(s)) for s in self.dataset.splits]


def dataset_subject(dataset: Any, *, name: str, declares: Mapping[str, Any]) -> DatasetSubject:
    """Make a subject of a function that loads a dataset, or of a dataset itself.

    Raises:
        DeclarationError: it is neither, or an unknown declaration.
    """
    known = [entry.name for entry in fields(DatasetDeclarations)]
    for key in declares:
        if key not in known:
            raise DeclarationError(f"there is no declaration {key!r} of a dataset: {nearest(key, known)}")
    if not isinstance(dataset, Dataset) and not callable(dataset):
        raise DeclarationError(f"a dataset is a Dataset or the function that loads it, not {dataset!r:.80}")
    load = (lambda: dataset) if isinstance(dataset, Dataset) else dataset
    return DatasetSubject(name, load, DatasetDeclarations(**declares))


@law("Loading twice gives the same content and splits.")
def loads_alike(subject: DatasetSubject, _case: object) -> None:
    first = subject.dataset.digest
    with seeded(1):
        second = subject.load().digest
    if first != second:
        raise Broken("loading twice gives the same digest", f"{first}, then {second}: give every draw a seed")


@law("The digest is the one that was declared for this version.")
def digest_as_declared(subject: DatasetSubject, _case: object) -> None:
    if subject.declares.digest is None:
        raise NotApplicable("no digest is declared")
    if subject.dataset.digest != subject.declares.digest:
        raise Broken(
            f"the digest {subject.declares.digest}", f"{subject.dataset.digest}: give changed data a new version"
        )


@law("Loading leaves nothing global changed.")
def loading_is_pure(subject: DatasetSubject, _case: object) -> None:
    before = settings()
    ends = []
    with restored(before):
        for seed in (31, 32):
            with seeded(seed):
                subject.load()
                ends.append(states())
        after = settings()
    for generator in ends[0]:
        if ends[0][generator] == ends[1][generator]:
            raise Broken("loading resets no global generator", f"it put {generator}'s into one fixed state")
    changed = [name for name in before if before[name] != after[name]]
    if changed:
        raise Broken("loading leaves settings of the process as they were", f"{changed[0]} changed")


@law("Training and test rows are different rows, and of different groups.")
def splits_disjoint(subject: DatasetSubject, _case: object) -> None:
    dataset = subject.dataset
    for split in dataset.splits:
        shared = np.intersect1d(split.train, split.test)
        if shared.size:
            raise Broken(f"split {split.name}: no row on both sides", f"rows {shared[:5].tolist()} are")
        if dataset.groups is not None:
            sides = [set(np.asarray(take(dataset.groups, rows)).tolist()) for rows in (split.train, split.test)]
            if both := sorted(sides[0] & sides[1], key=str):
                raise Broken(f"split {split.name}: no group on both sides", f"{len(both)} are, such as {both[0]!r}")


@law("Test rows do not stand in the training part as well, or no more of them than declared.")
def duplicates_across(subject: DatasetSubject, _case: object) -> None:
    limit = subject.declares.duplicates
    for name, train, test in subject.parts():
        known = set(_row_digests(train.X))
        twice = [i for i, digest in enumerate(_row_digests(test.X)) if digest in known]
        share = len(twice) / max(row_count(test.X, what="X"), 1)
        if share > limit:
            raise Broken(
                f"split {name}: at most {limit:.1%} of the test rows are copies of training rows",
                f"{len(twice)} are ({share:.1%})",
                X=take(test.X, twice[:3]),
            )


def _row_digests(X: Any) -> list[Any]:
    if hasattr(X, "iloc"):
        from pandas.util import hash_pandas_object

        return [int(value) for value in hash_pandas_object(X, index=False)]
    if isinstance(X, np.ndarray) and X.dtype.kind != "O":
        return [row.tobytes() for row in np.ascontiguousarray(X.reshape(len(X), -1))]
    return [digest_of(take(X, [i])) for i in range(row_count(X, what="X"))]


@law("Training and test part have one schema.")
def one_schema(subject: DatasetSubject, _case: object) -> None:
    for name, train, test in subject.parts():
        sides = [schema_of(part.X, part.y) for part in (train, test)]
        kinds = [_kinds(part.X) for part in (train, test)]
        for one, other in zip(sides[0].columns + sides[0].target, sides[1].columns + sides[1].target, strict=True):
            types = [kind.get(column.name, {column.dtype}) for kind, column in zip(kinds, (one, other), strict=True)]
            if one.name != other.name or not types[1] <= types[0]:
                claim = f"split {name}: column {one.name!r} has in the test part the types of the training part"
                raise Broken(claim, f"{sorted(types[0])} in the training part, {sorted(types[1])} in the test part")
            empty = [column.nulls == side.rows for column, side in zip((one, other), sides, strict=True)]
            if empty[0] != empty[1]:
                where = "training" if empty[0] else "test"
                raise Broken(f"split {name}: column {one.name!r} has values", f"it is empty in the {where} part")


def _kinds(X: Any) -> dict[str, set[str]]:
    """The types of the values in columns that hold objects."""
    if not (hasattr(X, "iloc") and X.ndim == 2):
        return {}
    return {
        str(name): {type(value).__name__ for value in series.dropna()}
        for name, series in X.items()
        if series.dtype == object
    }


@law("The target is not among the inputs, nor to be read from one of them.")
def target_not_among_inputs(subject: DatasetSubject, _case: object) -> None:
    X, y = subject.dataset.X, _flat(subject.dataset.y)
    if y is None:
        raise NotApplicable("there is no flat target")
    columns = _columns(X)
    if not columns:
        raise NotApplicable("the inputs have no columns")
    for name, values in columns.items():
        if name not in subject.declares.leaks and (how := _tells(values, y)):
            raise Broken("no input tells the target", f"column {name!r} {how}", X=values[:6], y=y[:6])


def _columns(X: Any) -> dict[str, Any]:
    if hasattr(X, "iloc") and X.ndim == 2:
        return {str(name): series.to_numpy() for name, series in X.items()}
    if isinstance(X, np.ndarray) and X.ndim == 2:
        return {f"x{i}": X[:, i] for i in range(X.shape[1])}
    return {}


def _tells(values: Any, y: Any) -> str | None:
    """How one column tells the target, or None."""
    pairs = list(zip(values.tolist(), y.tolist(), strict=True))[:FEW_ROWS]
    if len({target for _, target in pairs}) < 2:
        return None
    if all(value == target for value, target in pairs):
        return "is the target"
    distinct = {value for value, _ in pairs}
    if 5 * len(distinct) <= len(pairs) and len(set(pairs)) == len(distinct):
        return "has one target for each of its values"
    numeric = values.dtype.kind in "iuf" and y.dtype.kind in "iuf" and np.ptp(values) > 0
    if numeric and abs(float(np.corrcoef(values.astype(float), y.astype(float))[0, 1])) > 0.99999:
        return "is the target on another scale"
    return None


def _flat(y: Any) -> Any:
    values = None if y is None else np.asarray(y)
    return values if values is not None and values.ndim == 1 else None


@law("Every class of the test part is in the training part.")
def every_class_in_training(subject: DatasetSubject, _case: object) -> None:
    y = _flat(subject.dataset.y)
    if y is None or y.dtype.kind == "f" or len(set(y.tolist())) > MOST_CLASSES:
        raise NotApplicable("the target has no classes")
    for name, train, test in subject.parts():
        missing = set(np.asarray(test.y).tolist()) - set(np.asarray(train.y).tolist())
        if missing:
            raise Broken(f"split {name}: every class is trained on", f"{sorted(missing, key=str)[:5]} are only tested")


@law("Indexing, iteration and length agree.")
def lengths_agree(subject: DatasetSubject, _case: object) -> None:
    dataset = subject.dataset
    rows = len(dataset)
    for what, values in (("X", dataset.X), ("y", dataset.y), ("examples", dataset.examples)):
        if values is not None and row_count(values, what=what) != rows:
            raise Broken(f"{what} has {rows} rows, the length of the dataset", f"{row_count(values, what=what)}")
    last = take(dataset.X, [rows - 1])
    if row_count(last, what="X") != 1:
        raise Broken("the last row can be taken", f"{row_count(last, what='X')} rows come")
    for split, (_, train, test) in zip(dataset.splits, subject.parts(), strict=True):
        for part, positions in ((train, split.train), (test, split.test)):
            if row_count(part.X, what="X") != len(positions):
                raise Broken(f"split {split.name}: as many rows as positions", f"{row_count(part.X, what='X')}")


LAWS = (
    loads_alike,
    digest_as_declared,
    loading_is_pure,
    splits_disjoint,
    duplicates_across,
    one_schema,
    target_not_among_inputs,
    every_class_in_training,
    lengths_agree,
)
