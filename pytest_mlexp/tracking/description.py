"""A cell on its way -> its record and its files."""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

from pytest_mlexp.blocks.digest import digest_of
from pytest_mlexp.blocks.splitting import take
from pytest_mlexp.execution.outcome import Failure, Outcome
from pytest_mlexp.matrix import Cell, Trial
from pytest_mlexp.provenance.fingerprint import fingerprint
from pytest_mlexp.records import CellRecord, DatasetRecord, Evaluation, Summary
from pytest_mlexp.tracking.limits import legal_key
from pytest_mlexp.tracking.predictions import TrialPredictions, predictions_table
from pytest_mlexp.tracking.sources import loaded, values_of

if TYPE_CHECKING:
    import pandas as pd

    from pytest_mlexp.blocks.dataset import Dataset

_PARTS: weakref.WeakKeyDictionary[Dataset, tuple[str, str]] = weakref.WeakKeyDictionary()
_DESCRIBED: weakref.WeakKeyDictionary[Dataset, DatasetRecord] = weakref.WeakKeyDictionary()
Ran: TypeAlias = Sequence[tuple[Trial, Outcome]]


def begun(cell: Cell) -> CellRecord:
    """What is known of a cell before anything of it has run."""
    return CellRecord(
        cell=cell.id,
        experiment=cell.experiment.name,
        model=cell.variant.name,
        dataset=DatasetRecord(cell.dataset.name, cell.dataset.version),
        evaluator=cell.evaluator.name,
        device=cell.device,
        description=cell.experiment.description,
        params=cell.variant.text_params(),
        seeds=cell.experiment.seeds,
        timed="timings" in (*cell.evaluator.requests, *cell.evaluator.optional),
        started=_now(),
    )


def ended(record: CellRecord, cell: Cell, dataset: Dataset, ran: Ran, evaluation: Evaluation) -> CellRecord:
    """The record of a cell that was evaluated."""
    sources = loaded()
    return replace(
        record,
        dataset=_described(dataset),
        seeds=tuple(trial.seed for trial, _ in ran),
        splits=tuple(trial.split for trial, _ in ran),
        metrics=_summaries(cell, evaluation),
        fit_seconds=tuple(outcome.fit_seconds for _, outcome in ran),
        predict_seconds=tuple(outcome.predict_seconds for _, outcome in ran),
        model_parameters=dict(ran[0][1].parameters),
        fingerprints={
            "model": fingerprint(_fingerprint(cell.variant.factory), dict(cell.variant.params)),
            "evaluator": _fingerprint(cell.evaluator.function),
        },
        sources=sources.files,
        imports=sources.imports,
        reads=values_of(sources.reads),
        notes=tuple(dict.fromkeys(note for _, outcome in ran for note in outcome.notes)),
        ended=_now(),
    )


def failed(record: CellRecord, failure: Failure, dataset: Dataset | None) -> CellRecord:
    """The record of a cell that was stopped by an exception; ``dataset`` where it was loaded."""
    text = " ".join(str(failure.error).split())
    name = type(failure.error).__qualname__
    sources = loaded()
    return replace(
        record,
        dataset=record.dataset if dataset is None else _described(dataset),
        sources=sources.files,
        imports=sources.imports,
        reads=values_of(sources.reads),
        ended=_now(),
        error=f"{name}: {text}" if text else name,
        traceback=failure.text,
    )


def files_of(dataset: Dataset, ran: Ran, evaluation: Evaluation) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The predictions of a cell as Parquet, its tables for error analysis as CSV, and what could not be made a file."""
    makers: dict[str, Callable[[], bytes]] = {"predictions.parquet": lambda: _predictions(dataset, ran, evaluation)}
    for name, table in evaluation.tables.items():
        makers[f"tables/{legal_key(name).replace('/', '_')}.csv"] = partial(_csv, table)
    files: dict[str, bytes] = {}
    lost: list[str] = []
    for name, make in makers.items():
        try:
            files[name] = make()
        except Exception as error:  # noqa: BLE001 - the metrics are there; a file that cannot be is told, not raised
            lost.append(f"{name} could not be made: {type(error).__qualname__}: {error}")
    return files, tuple(lost)


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv().encode()


def _predictions(dataset: Dataset, ran: Ran, evaluation: Evaluation) -> bytes:
    rows = []
    for trial, outcome in ran:
        test = dataset.split(trial.split).test
        response = outcome.responses.get
        rows.append(
            TrialPredictions(
                take(dataset.examples, test),
                trial.seed,
                trial.split,
                take(dataset.y, test),
                response("predict"),
                response("predict_proba"),
                response("decision_function"),
                outcome.classes,
            )
        )
    return predictions_table(rows, scores=evaluation.scores)


def _described(dataset: Dataset) -> DatasetRecord:
    """What a record says of a dataset; made once for each."""
    from pytest_mlexp.blocks.schema import schema_json

    if dataset not in _DESCRIBED:
        schema, parts = schema_json(dataset.schema), parts_of(dataset)
        _DESCRIBED[dataset] = DatasetRecord(dataset.name, dataset.version, dataset.digest, len(dataset), schema, *parts)
    return _DESCRIBED[dataset]


def parts_of(dataset: Dataset) -> tuple[str, str]:
    """The digests of the examples alone and of the splits alone; made once for each dataset."""
    if dataset not in _PARTS:
        rows = (dataset.X, dataset.y, dataset.groups, dataset.sample_weight, dataset.examples)
        splits = [(split.name, split.train, split.test) for split in dataset.splits]
        _PARTS[dataset] = digest_of(*rows)[:16], digest_of(splits)[:16]
    return _PARTS[dataset]


def _summaries(cell: Cell, evaluation: Evaluation) -> dict[str, Summary]:
    return {
        metric.name: Summary(
            metric.name,
            evaluation.values(metric.name),
            evaluation[metric.name],
            evaluation.spread(metric.name),
            metric.maximize,
        )
        for metric in cell.evaluator.metrics
    }


@lru_cache(maxsize=4096)
def _fingerprint(function: Callable[..., Any]) -> str:
    """Of a block, once a process: its code is followed through all modules."""
    return fingerprint(function)


def _now() -> int:
    return int(time.time() * 1000)
