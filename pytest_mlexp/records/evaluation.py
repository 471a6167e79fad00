"""Evaluation: what an evaluator gives for a trial, and what a cell leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from pytest_mlexp.errors import EvaluatorError, MlexpError
from pytest_mlexp.naming import nearest

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from pytest_mlexp.gates.contributions import Contributions

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
        values = self.values(metric)
        return float(values[0]) if len(values) == 1 else float(np.mean(values))

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
