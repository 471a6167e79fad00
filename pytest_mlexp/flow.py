"""The way of one cell: execute -> evaluate -> record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_mlexp.errors import DataError, DeclarationError
from pytest_mlexp.evaluation import check_requests
from pytest_mlexp.execution.outcome import INTERRUPTS, Failure, Outcome
from pytest_mlexp.execution.seeding import preserved, seeded
from pytest_mlexp.execution.store import Got, OutcomeStore, Sought
from pytest_mlexp.execution.trial import Conditions, offered_methods, run_trial
from pytest_mlexp.gates.contributions import with_reused
from pytest_mlexp.gates.measuring import Seen, check_slices, measure, see
from pytest_mlexp.matrix import Cell, Trial
from pytest_mlexp.naming import nearest
from pytest_mlexp.records import CellRecord, Evaluation, EvaluationRecord, TrialRecord
from pytest_mlexp.reuse import WORTH_KEEPING, Files, Joined, Ran, Remembered, Reuse, is_timed, records_of
from pytest_mlexp.tracking.description import begun, ended, failed, files_of

if TYPE_CHECKING:
    from pytest_mlexp.blocks.dataset import Dataset
    from pytest_mlexp.blocks.dataset_block import DatasetBlock
    from pytest_mlexp.experiment import Experiment

Record = Callable[[CellRecord, Mapping[str, bytes]], None]


@dataclass(frozen=True)
class Evaluated:
    """A cell after its way: its evaluation, or the failure that stopped it."""

    evaluation: Evaluation | None
    failure: Failure | None = None


class Flow:
    """Takes cells through the steps and keeps what they share: datasets, outcomes, evaluations.

    Args:
        store: where outcomes are shared, and kept for the next session.
        record: called once for every cell, with its files by name, before anyone judges it.
        announce: called with the trial that is being run, and with None when it is done.
        keep_files: whether predictions and tables are written out for ``record``.
        interrupts: exceptions that pass through unrecorded: they end the session, or skip the test.
    """

    def __init__(
        self,
        store: OutcomeStore,
        *,
        record: Record,
        announce: Callable[[Trial | None], None] = lambda _: None,
        keep_files: bool = True,
        interrupts: tuple[type[BaseException], ...] = INTERRUPTS,
    ) -> None:
        self._store = store
        self.reuse = Reuse(store.kept)
        self._record = record
        self._announce = announce
        self._keep_files = keep_files
        self._interrupts = interrupts
        self._datasets: dict[tuple[str, str], Dataset | Failure] = {}
        self._conditions: dict[str, Conditions] = {}
        self._offered: dict[tuple[str, str, str], frozenset[str] | None] = {}
        self._evaluated: dict[tuple[str, str], Evaluated] = {}
        self._ran: dict[tuple[str, str], tuple[TrialRecord, ...]] = {}
        self._further: dict[tuple[str, str], tuple[TrialRecord, ...]] = {}

    def evaluate(self, cell: Cell) -> Evaluation:
        """The cell's evaluation, computed and recorded when it is asked for first.

        Raises:
            BaseException: what the team's code raised, or a MlexpError; recorded as well.
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
        base = begun(cell)
        try:
            with preserved(device=cell.device):
                evaluation, record, files = self._walk(cell, base)
        except self._interrupts:
            raise
        except BaseException as error:  # noqa: BLE001 - recorded here, raised again by evaluate
            failure = Failure.of(error)
            dataset = self._datasets.get((cell.experiment.name, cell.dataset.name))
            record = failed(base, failure, None if isinstance(dataset, Failure) else dataset)
            self._record(replace(record, trials=self._ran.get((cell.experiment.name, cell.id), ())), {})
            return Evaluated(None, failure)
        self._record(record, files)
        return Evaluated(evaluation)

    def _walk(self, cell: Cell, base: CellRecord) -> tuple[Evaluation, CellRecord, Mapping[str, bytes]]:
        __tracebackhide__ = True
        dataset = self.dataset(cell)
        trials = cell.trials(split.name for split in dataset.splits)
        check_requests(cell, dataset, lambda: self._methods(cell.experiment, trials[0], dataset))
        check_slices(cell, dataset)
        got = self._got(cell, trials, dataset)
        told_of = self._ran[cell.experiment.name, cell.id] = records_of(got)
        ran = [(trial, one.outcome) for trial, one in got]
        joined = self._evaluated_once(cell, got, dataset)
        (evaluation, unmeasured), made = joined.value, self._files(cell, got, joined, dataset)
        files, lost = made.value
        evaluation = replace(_with_reused(evaluation, got), referee=lambda model: self._reference(cell, model))
        record = ended(base, cell, dataset, ran, evaluation)
        told = (*record.notes, *self.reuse.notes(got), *self.reuse.unknown(cell), *unmeasured, *lost)
        found = made.is_found and joined.is_found and all(one.reused for _, one in got)
        notes = tuple(dict.fromkeys(told))
        made_how = EvaluationRecord(joined.is_reused, joined.why)
        return evaluation, replace(record, notes=notes, trials=told_of, evaluation=made_how, found=found), files

    def again(self, cell: Cell, seeds: Iterable[int], *, anew: bool = False) -> Evaluation:
        """The cell's evaluation with other seeds than the declared ones, or with those ``anew``.

        No record of a cell is made of it; ``further`` tells of its trials.
        """
        __tracebackhide__ = True
        dataset = self.dataset(cell)
        trials = cell.trials((split.name for split in dataset.splits), seeds=seeds)
        got = self._got(cell, trials, dataset, anew=anew)
        self._further[cell.experiment.name, cell.id] = (*self.further(cell), *records_of(got))
        return _with_reused(self._evaluated_once(cell, got, dataset).value[0], got)

    def further(self, cell: Cell) -> tuple[TrialRecord, ...]:
        """The trials that were asked for beside those of the cell's record."""
        return self._further.get((cell.experiment.name, cell.id), ())

    def dataset(self, cell: Cell) -> Dataset:
        """The cell's dataset, loaded when it is asked for first."""
        __tracebackhide__ = True
        key = (cell.experiment.name, cell.dataset.name)
        if key not in self._datasets:
            try:
                self._datasets[key] = _load(cell.dataset)
            except self._interrupts:
                raise
            except BaseException as error:  # noqa: BLE001 - kept, so that a broken loader runs once
                self._datasets[key] = Failure.of(error)
        found = self._datasets[key]
        if isinstance(found, Failure):
            found.again()
        return found

    def _got(
        self, cell: Cell, trials: Iterable[Trial], dataset: Dataset, *, anew: bool = False
    ) -> list[tuple[Trial, Got]]:
        __tracebackhide__ = True
        return [(trial, self._outcome(cell.experiment, trial, dataset, anew=anew)) for trial in trials]

    def _evaluated_once(self, cell: Cell, got: Ran, dataset: Dataset) -> Remembered[Joined]:
        __tracebackhide__ = True

        def compute() -> Joined:
            __tracebackhide__ = True
            return _joined([see(cell, trial, one.outcome, dataset) for trial, one in got])

        least = 0.0 if self._keep_files else WORTH_KEEPING  # the files go by the evaluation as it is kept
        return self.reuse.evaluation(cell, got, compute, least=least)

    def _files(self, cell: Cell, got: Ran, joined: Remembered[Joined], dataset: Dataset) -> Remembered[Files]:
        if not self._keep_files:
            return Remembered(({}, ()), is_found=True)
        ran = [(trial, one.outcome) for trial, one in got]
        return self.reuse.files(cell, got, joined, lambda: files_of(dataset, ran, joined.value[0]))

    def _outcome(self, experiment: Experiment, trial: Trial, dataset: Dataset, *, anew: bool) -> Got:
        __tracebackhide__ = True
        sought = self._sought(experiment, trial, dataset)

        def compute() -> Outcome:
            __tracebackhide__ = True
            self._announce(trial)
            try:
                return self.reuse.outcome(sought, lambda: run_trial(trial, dataset, self._conditions_of(experiment)))
            finally:
                self._announce(None)

        got = (self._store.anew if anew else self._store.get)(sought, compute)
        if got.outcome.failure is not None:
            got.outcome.failure.again()
        return got

    def _sought(self, experiment: Experiment, trial: Trial, dataset: Dataset) -> Sought:
        return self.reuse.sought(experiment, trial, dataset, self._conditions_of(experiment))

    def _conditions_of(self, experiment: Experiment) -> Conditions:
        if experiment.name not in self._conditions:
            self._conditions[experiment.name] = _conditions(experiment, self._interrupts)
        return self._conditions[experiment.name]

    def _methods(self, experiment: Experiment, trial: Trial, dataset: Dataset) -> frozenset[str] | None:
        """The methods of a trial's model: as its outcome tells where that is kept, else of one that is built."""
        __tracebackhide__ = True
        key = (trial.experiment, trial.variant.name, trial.device)
        if key not in self._offered:
            kept = self._store.kept_outcome(self._sought(experiment, trial, dataset))
            self._offered[key] = offered_methods(trial) if kept is None else frozenset(kept.offers)
        return self._offered[key]

    def _reference(self, cell: Cell, model: str) -> Evaluation:
        __tracebackhide__ = True
        variant = cell.experiment.models.get(model)
        if variant is None:
            raise DeclarationError(
                f"experiment {cell.experiment.name!r} has no model {model!r} to refer to: "
                f"{nearest(model, cell.experiment.models)}"
            )
        return self.evaluate(replace(cell, variant=variant, device=cell.device if variant.asks_for_device else "cpu"))


def _conditions(experiment: Experiment, interrupts: tuple[type[BaseException], ...]) -> Conditions:
    evaluators = experiment.evaluators.values()
    return Conditions(
        wanted=frozenset(methods for evaluator in evaluators for methods in evaluator.methods()),
        keep_model=any("model" in (*evaluator.requests, *evaluator.optional) for evaluator in evaluators),
        timed=is_timed(experiment),
        interrupts=interrupts,
    )


def _with_reused(evaluation: Evaluation, got: Ran) -> Evaluation:
    seeds = [trial.seed for trial, one in got if one.reused]
    return replace(evaluation, contributions=with_reused(evaluation.contributions, seeds)) if seeds else evaluation


def _joined(seen: list[Seen]) -> tuple[Evaluation, tuple[str, ...]]:
    """The evaluation of several trials, and why contributions are missing from it."""
    __tracebackhide__ = True
    contributions, missing = measure(seen)
    joined = Evaluation.join(one.evaluation for one in seen)
    return replace(joined, contributions=contributions) if contributions else joined, missing


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
    named = replace(dataset, name=block.name, version=block.version)
    _ = named.digest, named.schema  # now, while nobody can have changed the data, and before anything is fitted
    return named
