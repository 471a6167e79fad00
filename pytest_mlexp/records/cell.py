"""What the journal keeps of a cell and of its tests."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from pytest_mlexp.verdicts import Verdict


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
        content: digest of the examples alone; ``split`` of the splits alone.
    """

    name: str
    version: str | None = None
    digest: str | None = None
    rows: int | None = None
    schema: str | None = None
    content: str | None = None
    split: str | None = None


@dataclass(frozen=True)
class TrialRecord:
    """Where the outcome of a trial came from.

    Attributes:
        trial: its id; ``key`` stands for all that it depends on, and is empty where nothing is kept.
        reused: whether an earlier session computed it; ``why`` it was, or why it was run.
        kept: whether a later session can have it from the store.
    """

    trial: str
    key: str = ""
    reused: bool = False
    why: str = ""
    kept: bool = False


@dataclass(frozen=True)
class EvaluationRecord:
    """Where a cell's evaluation came from: whether an earlier session made it, and why it was or was not made anew."""

    reused: bool = False
    why: str = ""


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
        sources: first-party module as a path -> digest of its syntax tree; what the process had loaded.
        imports: the top-level modules of libraries that these import.
        reads: environment variables that these read by name -> value, or a digest of one that may say something.
        timed: whether the evaluator asks for timings, so that its metrics may be timings too.
        started: milliseconds since the epoch; ``ended`` likewise.
        error: the exception that stopped the cell, as one line; None when it was evaluated.
        traceback: that exception's traceback as text.
        artifacts: file name -> path relative to the journal's folder.
        notes: what a reader should know: weights that no fit took, a file that could not be made.
        trials: where each trial's outcome came from, parallel to ``seeds``.
        evaluation: where the evaluation came from; None where there is none.
        found: whether nothing of it was computed: an earlier session's outcomes, evaluation and files serve.
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
    sources: dict[str, str] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    reads: dict[str, str] = field(default_factory=dict)
    timed: bool = False
    started: int = 0
    ended: int = 0
    error: str | None = None
    traceback: str | None = None
    artifacts: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    trials: tuple[TrialRecord, ...] = ()
    evaluation: EvaluationRecord | None = None
    found: bool = False

    @property
    def reused(self) -> int:
        """How many of its trials an earlier session computed."""
        return sum(trial.reused for trial in self.trials)


@dataclass(frozen=True)
class TestRecord:
    """How one pytest test of a cell ended.

    Attributes:
        further: trials beside those of the cell's record: of further looks at a suspicious cell, or accepted runs.
    """

    __test__ = False

    cell: str
    experiment: str
    node: str
    outcome: Literal["passed", "failed", "skipped"]
    seconds: float
    message: str | None = None
    verdicts: tuple[Verdict, ...] = ()
    further: tuple[TrialRecord, ...] = ()
