"""Predictions of a cell as a Parquet file: one row for each example of each trial."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_mlexp.errors import TrackingError

if TYPE_CHECKING:
    import pyarrow as pa

_COMPLEX = "cOV"


@dataclass(frozen=True)
class TrialPredictions:
    """What one trial predicted, in the order of its test examples.

    Attributes:
        examples: the examples' ids or row numbers, ``n`` of them.
        seed: the trial's seed; ``split``: the name of its split.
        y_true: the truth, any structure of length ``n``; ``y_pred`` likewise.
        y_proba: probabilities, shape ``(n, k)``; ``y_score``: one score an example, shape ``(n,)``.
        classes: the class of each column of ``y_proba``, ``k`` of them; None where the model names none.
    """

    examples: Sequence[Any] | np.ndarray[Any, Any]
    seed: int
    split: str
    y_true: Any
    y_pred: Any = None
    y_proba: Any = None
    y_score: Any = None
    classes: Any = None


def predictions_table(trials: Sequence[TrialPredictions], *, scores: Mapping[str, Any] | None = None) -> bytes:
    """Build the Parquet file of a cell's predictions.

    Columns are ``example``, ``seed``, ``split``, ``y_true`` and, where the trials have them, ``y_pred``,
    ``y_proba_<class>``, ``y_score`` and ``score_<name>`` for each entry of ``scores`` (one value an example,
    joined over the trials). A class that a trial was not trained on is null there; classes without a name
    are numbered. A column whose values share no Arrow type is kept as JSON text.

    Raises:
        TrackingError: a column is not as long as there are examples.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    counts = [len(trial.examples) for trial in trials]
    columns = {
        "example": _column([trial.examples for trial in trials]),
        "seed": pa.array(np.repeat(np.array([t.seed for t in trials], dtype=np.int64), counts)),
        "split": pa.array([trial.split for trial, count in zip(trials, counts, strict=True) for _ in range(count)]),
        **_given("y_true", [trial.y_true for trial in trials]),
        **_given("y_pred", [trial.y_pred for trial in trials]),
        **_probabilities([trial.y_proba for trial in trials], [trial.classes for trial in trials]),
        **_given("y_score", [trial.y_score for trial in trials]),
        **{f"score_{name}": _column([values]) for name, values in (scores or {}).items()},
    }
    for name, column in columns.items():
        if len(column) != sum(counts):
            raise TrackingError(
                f"predictions column {name!r} has {len(column)} values for {sum(counts)} examples: "
                "give exactly one an example"
            )
    sink = pa.BufferOutputStream()
    table = pa.Table.from_arrays(list(columns.values()), names=list(columns))
    pq.write_table(table, sink, use_dictionary=["split"], write_statistics=False)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _given(name: str, parts: Sequence[Any]) -> dict[str, pa.Array]:
    """The column, or nothing where no trial has one."""
    return {} if not parts or any(part is None for part in parts) else {name: _column(parts)}


def _probabilities(parts: Sequence[Any], classes: Sequence[Any]) -> dict[str, pa.Array]:
    if not parts or any(part is None for part in parts):
        return {}
    import pyarrow as pa

    if all(isinstance(part, list) and all(np.ndim(output) == 2 for output in part) for part in parts):
        # One array for each output, as scikit-learn gives them.
        return {"y_proba": _column([list(zip(*part, strict=True)) for part in parts])}
    arrays = [np.asarray(part, dtype=np.float64) for part in parts]
    if any(array.ndim != 2 for array in arrays):
        return {"y_proba": _column(parts)}
    named = [_class_names(given, array.shape[1]) for given, array in zip(classes, arrays, strict=True)]
    if None in named and len({array.shape[1] for array in arrays}) > 1:
        return {"y_proba": _column(parts)}
    numbered = [str(k) for k in range(arrays[0].shape[1])]
    names = [numbered if None in named else list(found or ()) for found in named]
    columns = dict.fromkeys(name for found in names for name in found)
    return {
        f"y_proba_{name}": pa.concat_arrays(
            [
                pa.array(array[:, found.index(name)]) if name in found else pa.nulls(len(array), pa.float64())
                for array, found in zip(arrays, names, strict=True)
            ]
        )
        for name in columns
    }


def _class_names(classes: Any, count: int) -> list[str] | None:
    """The classes as text, where they tell the columns apart."""
    names = [] if classes is None or np.ndim(classes) != 1 else [str(_plain(name)) for name in classes]
    return names if len(set(names)) == count == len(names) else None


def _column(parts: Sequence[Any]) -> pa.Array:
    """One column from the values of each trial: typed where Arrow can, else JSON text."""
    import pyarrow as pa

    flat = [array for array in map(_flat, parts) if array is not None]
    if flat and len(flat) == len(parts) and len({array.dtype for array in flat}) == 1:
        with suppress(pa.ArrowException):  # not every number of numpy's is one of Arrow's
            return pa.array(np.concatenate(flat))
    rows = [_plain(row) for part in parts for row in _rows(part)]
    try:
        column = pa.array(rows)
    except (pa.ArrowException, OverflowError, ValueError, TypeError):
        column = None
    # Parquet has no type for a dict without keys.
    if column is None or "struct<>" in str(column.type):
        return pa.array([json.dumps(row, default=str, ensure_ascii=False) for row in rows], type=pa.string())
    return column


def _flat(values: Any) -> np.ndarray[Any, Any] | None:
    """The values as a one-dimensional array that Arrow can type as it is; None when they are not one."""
    if isinstance(values, list | tuple | dict) or not hasattr(values, "__array__"):
        return None
    array = np.asarray(values)
    return array if array.ndim == 1 and array.dtype.kind not in _COMPLEX else None


def _rows(values: Any) -> Sequence[Any]:
    values = values.toarray() if hasattr(values, "toarray") else values  # a sparse matrix
    if not isinstance(values, list | tuple | str) and hasattr(values, "__array__"):
        rows: list[Any] = np.asarray(values).tolist()
        return rows
    return list(values)


def _plain(value: Any) -> Any:
    """Arrays and their scalars as lists and numbers, at any depth."""
    if isinstance(value, str | int | float | bytes | None):
        return value
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic) or hasattr(value, "__array__"):
        return np.asarray(value).tolist()
    return value
