"""The records that travel between the steps, and their only wire format.

``to_dict`` and ``from_dict`` are that format: what crosses a process, stands in the journal or is
mirrored to MLflow went through them. Numbers that JSON cannot hold travel as ``"nan"``, ``"inf"`` and
``"-inf"``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec
import numpy as np

from pytest_mlexp.errors import EvaluatorError, MlexpError
from pytest_mlexp.naming import nearest
from pytest_mlexp.verdicts import Verdict

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from pytest_mlexp.gates.contributions import Contributions

FORMAT = 1
RecordT = TypeVar("RecordT")
_SHAPES = {
    "metrics": "number, such as {'brier': 0.2}",
    "scores": "one number an example, such as scores={'brier': array}",
    "tables": "pandas DataFrame, such as tables={'confusion': frame}",
}


@dataclass(frozen=True)
class Metric:
    """A named number with a direction: ``maximize`` says whether higher is better."""

    name: str
    maximize: bool


@dataclass(frozen=True)
class Evaluation:
    """Metrics, per-example scores and tables: what an evaluator gives and what a cell leaves.

    An evaluator returns one for each trial, with one number a metric; a cell's evaluation joins those of all
    its seeds and splits, in that order.

    Attributes:
        metrics: metric name -> number, or a tuple with one number a trial.
        scores: metric name -> one score an example, shape ``(n_test,)``; joined over trials.
        tables: table name -> a pandas frame for error analysis; joined over trials.
        contributions: what gates against a baseline compare; filled in by the flow.
    """

    metrics: Mapping[str, float | tuple[float, ...]]
    scores: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    contributions: Mapping[str, Contributions] = field(default_factory=dict, repr=False, compare=False)
    referee: Callable[[str], Evaluation] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        for what, example in _SHAPES.items():
            if not isinstance(getattr(self, what), Mapping):
                raise EvaluatorError(
                    f"{what} of an Evaluation is of type {type(getattr(self, what)).__qualname__}: give a mapping from "
                    f"name to {example}"
                )
        object.__setattr__(self, "metrics", {name: _as_values(name, v) for name, v in self.metrics.items()})
        object.__setattr__(self, "scores", {name: np.asarray(v, dtype=np.float64) for name, v in self.scores.items()})
        for name, table in self.tables.items():
            if not hasattr(table, "to_csv"):
                raise EvaluatorError(f"table {name!r} is of type {type(table).__qualname__}: give a pandas DataFrame")

    def __getitem__(self, metric: str) -> float:
        """The mean of a metric over the trials.

        Raises:
            KeyError: no such metric; the message names the known ones.
        """
        return float(np.mean(self.values(metric)))

    def __contains__(self, metric: object) -> bool:
        """Whether it has a metric of that name."""
        return metric in self.metrics

    def __iter__(self) -> Iterator[str]:
        """The names of its metrics."""
        return iter(self.metrics)

    def values(self, metric: str) -> tuple[float, ...]:
        """A metric's values, one a trial (seed-major, then split)."""
        if metric not in self.metrics:
            raise KeyError(f"no metric {metric!r}: {nearest(metric, self.metrics)}")
        return _as_values(metric, self.metrics[metric])

    def spread(self, metric: str) -> float:
        """The sample standard deviation of a metric over the trials; 0 for a single one."""
        values = self.values(metric)
        return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0

    def reference(self, model: str) -> Evaluation:
        """The evaluation of another model on the same dataset, by the same evaluator and device.

        Raises:
            DeclarationError: the experiment has no such model variant.
            MlexpError: this evaluation does not belong to a running experiment.
        """
        if self.referee is None:
            raise MlexpError("reference() needs an evaluation that a running experiment made")
        return self.referee(model)

    @classmethod
    def join(cls, parts: Iterable[Evaluation]) -> Evaluation:
        """Join the evaluations of several trials; all must have the same metrics, scores and tables."""
        evaluations = list(parts)
        first = evaluations[0]
        if len(evaluations) == 1:
            return first
        for other in evaluations[1:]:
            _same_names(first, other)
        return cls(
            metrics={n: tuple(v for e in evaluations for v in e.values(n)) for n in first.metrics},
            scores={n: np.concatenate([e.scores[n] for e in evaluations]) for n in first.scores},
            tables={n: _stack([e.tables[n] for e in evaluations]) for n in first.tables},
        )


@dataclass(frozen=True)
class Summary:
    """One metric of a cell as the journal keeps it: values a trial, mean, spread and direction."""

    name: str
    values: tuple[float, ...]
    mean: float
    spread: float
    maximize: bool

    @property
    def finite(self) -> bool:
        """Whether every value is a finite number."""
        return all(math.isfinite(value) for value in self.values)


@dataclass(frozen=True)
class DatasetRecord:
    """What a record says of the dataset it was made on.

    Attributes:
        digest: of content and splits; None, as ``rows`` and ``schema``, where it could not be loaded.
        schema: its columns as a JSON text.
    """

    name: str
    version: str | None = None
    digest: str | None = None
    rows: int | None = None
    schema: str | None = None


@dataclass(frozen=True)
class CellRecord:
    """A cell after execute and evaluate, or the error that stopped it.

    Attributes:
        cell: the cell's id, unique within the experiment.
        description: the experiment's.
        params: the parameters of the model variant, as text.
        model_parameters: those of the estimator that was built, its steps included, as text.
        seeds: seed of each trial; ``splits``: split of each trial. Both run parallel to metric values.
        fit_seconds: per trial; ``predict_seconds`` likewise. Wall clock.
        fingerprints: block role (``model``, ``evaluator``) -> digest of its code and parameters.
        started: milliseconds since the epoch; ``ended`` likewise.
        error: the exception that stopped the cell, as one line; None when it was evaluated.
        traceback: that exception's traceback as text.
        artifacts: file name -> path relative to the journal's folder.
        notes: what a reader should know: weights that no fit took, a file that could not be made.
    """

    cell: str
    experiment: str
    model: str
    dataset: DatasetRecord
    evaluator: str
    device: str
    description: str = ""
    params: dict[str, str] = field(default_factory=dict)
    model_parameters: dict[str, str] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    splits: tuple[str, ...] = ()
    metrics: dict[str, Summary] = field(default_factory=dict)
    fit_seconds: tuple[float, ...] = ()
    predict_seconds: tuple[float, ...] = ()
    fingerprints: dict[str, str] = field(default_factory=dict)
    started: int = 0
    ended: int = 0
    error: str | None = None
    traceback: str | None = None
    artifacts: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TestRecord:
    """How one pytest test of a cell ended."""

    __test__ = False

    cell: str
    experiment: str
    node: str
    outcome: Literal["passed", "failed", "skipped"]
    seconds: float
    message: str | None = None
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class SessionRecord:
    """One run of the flow: what started it, where, and in which environment."""

    session: str
    started: int
    command: tuple[str, ...]
    tracking_uri: str | None = None
    parent_run: str | None = None
    environment: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class EndRecord:
    """The end of a session; a journal without one was cut off."""

    ended: int
    status: Literal["FINISHED", "FAILED", "KILLED"]


def to_dict(record: object) -> dict[str, Any]:
    """Turn a record into builtins that JSON can hold."""
    converted: dict[str, Any] = _jsonable(msgspec.to_builtins(record))
    return converted


def from_dict(data: Mapping[str, Any], kind: type[RecordT]) -> RecordT:
    """Turn builtins back into a record.

    Raises:
        msgspec.ValidationError: the data does not fit the record.
    """
    return msgspec.convert(data, kind, strict=False)


def _jsonable(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, str):  # the name of a file may hold bytes that are no text
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return value


def _as_values(name: str, value: object) -> tuple[float, ...]:
    if isinstance(value, tuple):
        return value
    try:
        number = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        number = np.empty(0)
    if isinstance(value, str | bytes | None) or number.shape != ():
        raise EvaluatorError(f"metric {name!r} is not a number: {value!r:.80}")
    return (float(number),)


def _same_names(first: Evaluation, other: Evaluation) -> None:
    for what in ("metrics", "scores", "tables"):
        ours, theirs = set(getattr(first, what)), set(getattr(other, what))
        if ours != theirs:
            odd = ", ".join(sorted(ours ^ theirs))
            raise EvaluatorError(f"an evaluator must give the same {what} for every trial; not always there: {odd}")


def _stack(frames: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(frames, keys=range(len(frames)), names=["trial"])
