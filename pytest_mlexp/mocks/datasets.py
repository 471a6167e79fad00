"""Small data sets with everything a dataset may hold; all but ``like`` can be learnt.

Each function gives the same rows for the same arguments. Use ``binary`` or ``regression`` where any data will do,
the others for code that must cope with what they hold, and ``like`` where only the team's columns will do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.blocks.schema import Schema
from pytest_mlexp.blocks.schema_file import load_schema, schema_from
from pytest_mlexp.errors import DataError
from pytest_mlexp.mocks.tables import Container, Recipe, examples, targets

_TOPICS = (("cat", "purrs", "milk"), ("dog", "barks", "bone"), ("fish", "swims", "pond"))
_FILLER = ("the", "a", "some", "today", "often")


def binary(*, rows: int = 200, seed: int = 0) -> Dataset:
    """Two classes, 0 and 1, in four columns; for whatever needs a classification."""
    X, codes = _blobs(rows, np.full(2, 0.5), seed=seed)
    return _split(X, codes)


def multiclass(*, rows: int = 200, seed: int = 0, classes: int = 3) -> Dataset:
    """Several classes named by words; for code that assumes two classes, or labels that are numbers."""
    X, codes = _blobs(rows, np.full(classes, 1 / classes), seed=seed)
    return _split(X, np.array([f"class_{number}" for number in range(classes)])[codes])


def imbalanced(*, rows: int = 200, seed: int = 0, share: float = 0.05) -> Dataset:
    """Class 1 is rare, with ``share`` of the rows; for metrics and splits that forget it."""
    X, codes = _blobs(rows, np.array([1 - share, share]), seed=seed)
    return _split(X, codes)


def regression(*, rows: int = 200, seed: int = 0) -> Dataset:
    """A linear target with a little noise, far from zero; for whatever needs a regression."""
    X, y = _lines(rows, 1, seed=seed)
    return _split(X, y[:, 0])


def multi_output(*, rows: int = 200, seed: int = 0, outputs: int = 2) -> Dataset:
    """Several numeric targets a row; for code that assumes that ``y`` has one dimension."""
    return _split(*_lines(rows, outputs, seed=seed))


def frame(*, rows: int = 200, seed: int = 0) -> Dataset:
    """A pandas frame with numbers, categories, text, truth values, dates and gaps, and an index of its own.

    For code that assumes an array, or that rows are numbered from 0. The target is a truth value.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    age, plan = rng.uniform(18, 90, size=rows), rng.choice(["basic", "free", "gold"], size=rows).astype(object)
    left = (age > 55) ^ (plan == "gold")
    plan[rng.random(rows) < 0.1] = None
    table = pd.DataFrame(
        {
            "age": np.where(rng.random(rows) < 0.1, np.nan, age),
            "visits": rng.integers(0, 30, size=rows),
            "plan": pd.Categorical(plan),
            "city": rng.choice(["Łódź", "Paris", "Tokyo"], size=rows),
            "paid": rng.random(rows) < 0.5,
            "since": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365, size=rows), unit="D"),
            "left": left,
        },
        index=pd.Index(1000 + 3 * rng.permutation(rows), name="customer"),
    )
    return Dataset.from_frame(table, target="left", split=_positions(rows))


def text(*, rows: int = 200, seed: int = 0) -> Dataset:
    """Short texts of three topics in a list, some of them in capitals; for code that assumes numbers."""
    rng = np.random.default_rng(seed)
    codes = _codes(rows, np.full(3, 1 / 3), rng)
    found = []
    for code in codes:
        words = rng.permutation([*rng.choice(_TOPICS[code], size=2), *rng.choice(_FILLER, size=3)])
        line = " ".join(words)
        found.append(line.upper() if rng.random() < 0.1 else line)
    return Dataset.from_records(found, targets=[_TOPICS[code][0] for code in codes], split=_positions(rows))


def sequences(*, rows: int = 200, seed: int = 0) -> Dataset:
    """Lists of tokens of different lengths, their reversal as the target; for code that assumes one length."""
    rng = np.random.default_rng(seed)
    found = [rng.integers(1, 20, size=length).tolist() for length in rng.integers(1, 9, size=rows)]
    return Dataset.from_records(found, targets=[line[::-1] for line in found], split=_positions(rows))


def like(schema: Schema | Path | str, *, rows: int = 200, seed: int = 0, container: Container | None = None) -> Dataset:
    """Return made-up data with the columns, dtypes, ranges, categories and share of gaps of a schema.

    Columns are independent of each other and of the target, so nothing can be learnt. Every class of the
    target stands in the training part, if there are rows enough.

    Args:
        schema: a :class:`Schema`, the path of a file that ``save_schema`` wrote, or its JSON.
        rows: how many, at least 2.
        seed: other seeds give other rows.
        container: what to make of the columns; by default a list for one column named ``record``, an array
            for columns ``x0``, ``x1`` ... of one dtype, else a frame.

    Raises:
        DataError: no such file, no schema in it, or columns that cannot be made.
    """
    found = _schema(schema)
    if rows < 2:
        raise DataError(f"rows={rows}: a dataset needs at least 2, one to train on and one to test on")
    recipe = Recipe(rows, seed)
    X = examples(found, recipe, container=container)
    y = targets(found, recipe, container=container)
    return Dataset.from_arrays(X, y, split=_positions(rows))


def _schema(schema: Schema | Path | str) -> Schema:
    if isinstance(schema, Schema):
        return schema
    if isinstance(schema, str) and schema.lstrip().startswith("{"):
        return schema_from(schema, where="the text given as schema")
    return load_schema(schema)


def _blobs(rows: int, shares: Any, *, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    codes = _codes(rows, shares, rng)
    centres = 3.0 * rng.permutation(np.eye(max(4, len(shares)))[: len(shares)])
    return rng.normal(size=(rows, centres.shape[1])) + centres[codes], codes


def _codes(rows: int, shares: Any, rng: np.random.Generator) -> Any:
    """One class a row, each as often as its share says, and each among the first rows."""
    many = np.repeat(np.arange(len(shares)), np.maximum(np.round(np.asarray(shares) * rows).astype(int), 1))
    drawn = rng.permutation(np.resize(many, rows))
    return np.concatenate([np.arange(len(shares)), drawn])[:rows]


def _lines(rows: int, outputs: int, *, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 4))
    return X, 10.0 + X @ rng.uniform(1, 3, size=(4, outputs)) + rng.normal(scale=0.1, size=(rows, outputs))


def _split(X: Any, y: Any) -> Dataset:
    return Dataset.from_arrays(X, y, split=_positions(len(X)))


def _positions(rows: int) -> tuple[Any, Any]:
    """The last quarter of the rows is the test part."""
    first = rows - max(rows // 4, 1)
    return np.arange(first), np.arange(first, rows)
