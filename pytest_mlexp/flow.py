"""The way of one cell: execute -> evaluate -> record."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_mlexp.errors import DataError
from pytest_mlexp.evaluation import check_requests
from pytest_mlexp.execution.fingerprint import fingerprint
from pytest_mlexp.execution.outcome import Failure, Outcome
from pytest_mlexp.execution.seeding import seeded
from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.execution.trial import run_trial
from pytest_mlexp.gates.measuring import check_slices, measure, see
from pytest_mlexp.matrix import Cell, Trial, expand
from pytest_mlexp.naming import nearest
from pytest_mlexp.records import CellRecord, DatasetRecord, Evaluation, Summary
from pytest_mlexp.tracking.predictions import TrialPredictions, predictions_table

if TYPE_CHECKING:
    from pytest_mlexp.blocks.dataset import Dataset
    from pytest_mlexp.experiment import DatasetBlock

Record = Callable[[CellRecord, bytes | None], None]


@dataclass(frozen=True)
class Evaluated:
    """A cell after its way: its evaluation, or the failure that stopped it."""

    evaluation: Evaluation | None
    failure: Failure | None = None


class Flow:
    """Takes cells through the steps and keeps what they share: datasets, outcomes, evaluations.

    Args:
        store: where outcomes are shared.
        record: called once for every cell, with the Parquet bytes of its predictions, before anyone judges it.
        announce: called with the trial that is being run, and with None when it is done.
        keep_predictions: whether predictions are written out for ``record``.
    """

    def __init__(
        self,
        store: OutcomeStore,
        *,
        record: Record,
        announce: Callable[[Trial | None], None] = lambda _: None,
        keep_predictions: bool = True,
    ) -> None:
        self._store = store
        self._record = record
        self._announce = announce
        self._keep_predictions = keep_predictions
        self._datasets: dict[tuple[str, str], Dataset | Failure] = {}
        self._evaluated: dict[tuple[str, str], Evaluated] = {}

    def evaluate(self, cell: Cell) -> Evaluation:
        """The cell's evaluation, computed and recorded when it is asked for first.

        Raises:
            Exception: what the team's code raised, or a MlexpError; recorded as well.
        """
        __tracebackhide__ = True
        key = (cell.experiment.name, cell.id)
        if key not in self._evaluated:
            self._evaluated[key] = self._first_time(cell)
        evaluated = self._evaluated[key]
        if evaluated.evaluation is None:
            assert evaluated.failure is not None  # noqa: S101 - one of the two is there by construction
            evaluated.failure.again()
        return evaluated.evaluation

    def _first_time(self, cell: Cell) -> Evaluated:
        __tracebackhide__ = True
        base = _base_record(cell)
        try:
            evaluation, record, predictions = self._walk(cell, base)
        except Exception as error:  # noqa: BLE001 - recorded here, raised again by evaluate
            failed = replace(base, ended=_now(), error=_one_line(error), traceback=_text(error))
            self._record(failed, None)
            return Evaluated(None, Failure.of(error))
        self._record(record, predictions)
        return Evaluated(evaluation)

    def _walk(self, cell: Cell, base: CellRecord) -> tuple[Evaluation, CellRecord, bytes | None]:
        __tracebackhide__ = True
        dataset = self._dataset(cell.experiment.name, cell.dataset)
        check_requests(cell, dataset)
        check_slices(cell, dataset)
        trials = cell.trials(split.name for split in dataset.splits)
        outcomes = [self._outcome(cell, trial, dataset) for trial in trials]
        joined = _evaluated(cell, trials, outcomes, dataset)
        evaluation = replace(joined, referee=lambda model: self._reference(cell, model))
        record = replace(
            base,
            dataset=_dataset_record(dataset),
            seeds=tuple(trial.seed for trial in trials),
            splits=tuple(trial.split for trial in trials),
            metrics=_summaries(cell, evaluation),
            fit_seconds=tuple(outcome.fit_seconds for outcome in outcomes),
            predict_seconds=tuple(outcome.predict_seconds for outcome in outcomes),
            ended=_now(),
        )
        predictions = _predictions(trials, outcomes, dataset, evaluation) if self._keep_predictions else None
        return evaluation, record, predictions

    def again(self, cell: Cell, seeds: Iterable[int]) -> Evaluation:
        """The cell's evaluation with other seeds than the declared ones; neither kept nor recorded."""
        __tracebackhide__ = True
        dataset = self._dataset(cell.experiment.name, cell.dataset)
        trials = cell.trials((split.name for split in dataset.splits), seeds=seeds)
        return _evaluated(cell, trials, [self._outcome(cell, trial, dataset) for trial in trials], dataset)

    def dataset(self, cell: Cell) -> Dataset:
        """The cell's dataset, loaded when it is asked for first."""
        return self._dataset(cell.experiment.name, cell.dataset)

    def _outcome(self, cell: Cell, trial: Trial, dataset: Dataset) -> Outcome:
        __tracebackhide__ = True
        evaluators = cell.experiment.evaluators.values()
        wanted = [methods for evaluator in evaluators for methods in evaluator.methods()]
        keep_model = any("model" in (*evaluator.requests, *evaluator.optional) for evaluator in evaluators)

        def compute() -> Outcome:
            __tracebackhide__ = True
            self._announce(trial)
            try:
                return run_trial(trial, dataset, wanted=wanted, keep_model=keep_model)
            finally:
                self._announce(None)

        outcome = self._store.get(trial.id, compute)
        if outcome.failure is not None:
            outcome.failure.again()
        return outcome

    def _dataset(self, experiment: str, block: DatasetBlock) -> Dataset:
        __tracebackhide__ = True
        key = (experiment, block.name)
        if key not in self._datasets:
            try:
                self._datasets[key] = _load(block)
            except Exception as error:  # noqa: BLE001 - kept, so that a broken loader runs once
                self._datasets[key] = Failure.of(error)
        loaded = self._datasets[key]
        if isinstance(loaded, Failure):
            loaded.again()
        return loaded

    def _reference(self, cell: Cell, model: str) -> Evaluation:
        cells = expand(cell.experiment, [cell.device] if cell.device == "cpu" else [cell.device, "cpu"])
        same = [c for c in cells if c.dataset is cell.dataset and c.evaluator is cell.evaluator]
        by_model = {c.variant.name: c for c in reversed(same)}
        if model not in by_model:
            raise DataError(f"there is no model {model!r} to refer to: {nearest(model, by_model)}")
        return self.evaluate(by_model[model])


def _evaluated(cell: Cell, trials: list[Trial], outcomes: list[Outcome], dataset: Dataset) -> Evaluation:
    __tracebackhide__ = True
    seen = [see(cell, t, o, dataset) for t, o in zip(trials, outcomes, strict=True)]
    joined = Evaluation.join(one.evaluation for one in seen)
    return replace(joined, contributions=measure(seen))


def _load(block: DatasetBlock) -> Dataset:
    from pytest_mlexp.blocks.dataset import Dataset

    __tracebackhide__ = True
    with seeded(0):
        dataset = block.load()
    if not isinstance(dataset, Dataset):
        raise DataError(
            f"the function of dataset {block.name!r} returned {type(dataset).__qualname__}: return a Dataset, as made "
            "by Dataset.from_arrays, from_frame, from_parts, from_records or from_torch"
        )
    return replace(dataset, name=block.name, version=block.version)


def _base_record(cell: Cell) -> CellRecord:
    return CellRecord(
        cell=cell.id,
        experiment=cell.experiment.name,
        model=cell.variant.name,
        evaluator=cell.evaluator.name,
        device=cell.device,
        params=cell.variant.text_params(),
        fingerprints={
            "model": fingerprint(cell.variant.factory, dict(cell.variant.params)),
            "evaluator": fingerprint(cell.evaluator.function),
        },
        started=_now(),
    )


def _dataset_record(dataset: Dataset) -> DatasetRecord:
    from pytest_mlexp.blocks.schema import schema_json

    return DatasetRecord(dataset.name, dataset.version, dataset.digest, len(dataset), schema_json(dataset.schema))


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


def _predictions(trials: list[Trial], outcomes: list[Outcome], dataset: Dataset, evaluation: Evaluation) -> bytes:
    rows = []
    for trial, outcome in zip(trials, outcomes, strict=True):
        part = dataset.test(dataset.split(trial.split))
        response = outcome.responses.get
        rows.append(
            TrialPredictions(
                part.examples,
                trial.seed,
                trial.split,
                part.y,
                response("predict"),
                response("predict_proba"),
                response("decision_function"),
            )
        )
    return predictions_table(rows, scores=evaluation.scores)


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__qualname__}: {text}" if text else type(error).__qualname__


def _text(error: Exception) -> str:
    return "".join(traceback.format_exception(error))


def _now() -> int:
    return int(time.time() * 1000)
