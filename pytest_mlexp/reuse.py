"""What of a cell need not be computed again: the outcomes of its trials, and the evaluation made of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Generic, TypeVar

from pytest_mlexp.errors import MlexpError, SettingsError
from pytest_mlexp.execution.entries import Header
from pytest_mlexp.execution.kept import Found, KeptStore, place_of
from pytest_mlexp.execution.outcome import Outcome
from pytest_mlexp.execution.store import Got, Sought
from pytest_mlexp.execution.trial import Conditions
from pytest_mlexp.gates.rules import OPERATIONAL
from pytest_mlexp.matrix import Cell, Trial
from pytest_mlexp.naming import meant
from pytest_mlexp.provenance.digests import digest
from pytest_mlexp.provenance.files.opened import Opened
from pytest_mlexp.provenance.files.states import contents
from pytest_mlexp.provenance.provenance import BlockProvenance, Provenance, Provenances
from pytest_mlexp.provenance.session.effects import SessionEffects
from pytest_mlexp.records import Evaluation, TrialRecord
from pytest_mlexp.tracking.machine import hardware

if TYPE_CHECKING:
    from pytest_mlexp.blocks.dataset import Dataset
    from pytest_mlexp.experiment import Experiment

OFF = "off"
LONGEST_MISSPELT = 5
FOLDER = ".mlexp/store"
WORTH_KEEPING = 0.005  # seconds; what took less is evaluated again in the time that it takes to look it up
QUICK = "quick: made each time, not kept"
LARGEST_FILES = 1_000_000  # bytes of a cell's files that are kept; larger ones are made again
# Requests whose answer is of this machine, or may be used to measure it.
MACHINE_BOUND = {"timings", "model", "device"}

KnownT = TypeVar("KnownT")
Ran = Sequence[tuple[Trial, Got]]
Joined = tuple[Evaluation, tuple[str, ...]]
Files = tuple[Mapping[str, bytes], tuple[str, ...]]


@dataclass(frozen=True)
class Remembered(Generic[KnownT]):
    """What was computed of a cell's outcomes, or found.

    Attributes:
        content: digest of it as it is kept; empty where it is not.
        is_found: whether it was in the store; ``is_reused``: whether an earlier session put it there; ``why`` that is.
    """

    value: KnownT
    content: str = ""
    is_found: bool = False
    is_reused: bool = False
    why: str = ""


def open_store(root: Path, where: str | Path, *, session: str, fresh: bool = False) -> KeptStore | None:
    """The store of a project, None where it is switched off; ``where`` is relative to the project's folder.

    Raises:
        SettingsError: the name of the folder is likely a misspelt ``off``.
    """
    if str(where) == OFF:
        return None
    if len(str(where)) <= LONGEST_MISSPELT and meant(str(where).lower(), [OFF]):
        raise SettingsError(f"'{where}' is no store: did you mean '{OFF}'? A folder of that name is './{where}'")
    return KeptStore(root / (where or FOLDER), session=session, machine=hardware(), fresh=fresh, project=root)


class Reuse:
    """Knows what each trial and evaluation depends on, and finds what was computed of the same before.

    Args:
        kept: the store; None keeps nothing and asks no provenance.
    """

    def __init__(self, kept: KeptStore | None) -> None:
        self.kept = kept
        self._provenances = Provenances()
        self._unknown: dict[tuple[str, str], str] = {}
        self._opened = Opened()
        self._to_tell: list[str] = []
        self._told: set[str] = set()

    def look_at(
        self,
        experiments: Iterable[Experiment],
        modules: Iterable[ModuleType] = (),
        *,
        opened: Opened | None = None,
        option: Callable[[str], object] = lambda _: None,
    ) -> None:
        """Look at the code of all blocks now: later somebody may edit what is loaded already.

        Args:
            experiments: whose blocks are looked at.
            modules: of the team, not loaded under names of their own, such as one of several ``conftest``.
            opened: what was opened so far, if somebody listened.
            option: the value of one of pytest's options or ini settings.
        """
        self._opened = opened or self._opened
        if self.kept is None:
            return
        self._provenances = Provenances(SessionEffects.of_process(modules), option)
        for experiment in experiments:
            declaring = [variant.depends_on for variant in experiment.models.values()]
            declaring += [block.depends_on for block in experiment.evaluators.values()]
            for path in [declared.path for blocks in declaring for declared in blocks if declared.path is not None]:
                self._opened.declare(path)
            for variant in experiment.models.values():
                self._known((experiment.name, variant.name), lambda v=variant: self._provenances.model(v))  # type: ignore[misc]
            for block in experiment.evaluators.values():
                self._known((experiment.name, block.name), lambda b=block: self._provenances.evaluator(b))  # type: ignore[misc]

    def listening(self) -> AbstractContextManager[None]:
        """Note what is read meanwhile while no result is made."""
        return self._opened.listening()

    def sought(self, experiment: Experiment, trial: Trial, dataset: Dataset, conditions: Conditions) -> Sought:
        """What is asked of the store for a trial."""
        if self.kept is None:
            return Sought(trial.id)
        name = (experiment.name, trial.variant.name)
        provenance: Provenance | None = self._known(name, lambda: self._provenances.trial(trial, dataset))
        return Sought(
            trial.id,
            experiment.name,
            provenance,
            conditions.wanted,
            model=conditions.keep_model,
            timings=conditions.timed,
        )

    def outcome(self, sought: Sought, compute: Callable[[], Outcome]) -> Outcome:
        """Compute an outcome, with the files that were read."""
        __tracebackhide__ = True
        if self.kept is None:
            return compute()
        block = sought.provenance.block if sought.provenance else None
        with self._opened.watching(block):
            outcome = compute()
        files = self._opened.files(block)
        return replace(outcome, files=files) if files else outcome

    def evaluation(
        self, cell: Cell, ran: Ran, compute: Callable[[], Joined], *, least: float = WORTH_KEEPING
    ) -> Remembered[Joined]:
        """The evaluation of a cell's outcomes, and what could not be measured; from the store where it is there.

        Kept is one that took longer than ``least`` seconds.
        """
        __tracebackhide__ = True
        kept, block = self.kept, self._evaluator(cell) if all(got.content for _, got in ran) else None
        if kept is None or block is None:
            return Remembered(compute())
        folder, name = f"{cell.experiment.name}/evaluations", _name(cell, ran)
        provenance = _provenance(cell, ran, block)
        place = place_of(folder, name, provenance.key)
        found = kept.find(place, lambda _: None) if kept.was_there(folder, name) else Found()
        if found.header is not None:
            is_reused = found.header.session != kept.session
            why = "unchanged" if is_reused else found.header.why
            return Remembered(found.content, found.header.payload, is_found=True, is_reused=is_reused, why=why)
        if found.broken is not None:
            self._to_tell.append(f"the kept evaluation of {cell.id} was broken ({found.broken}): evaluated again")
        why = kept.why_not(folder, name, provenance) if found.why == "new" else found.why
        started = time.perf_counter()
        with self._opened.watching(block):
            joined = compute()
        if (is_quick := time.perf_counter() - started <= least) or not block.is_as_read():
            return Remembered(joined, why=QUICK if is_quick else why)
        kept.keep_parts(provenance)
        read = contents(self._opened.files(block), kept.project)
        header = replace(
            _header(provenance.key, name), block=block.digest, own=dict(provenance.own), files=read, why=why
        )
        written = kept.keep(place, header, joined)
        return Remembered(joined, written.payload if written is not None else "", why=why)

    def files(
        self, cell: Cell, ran: Ran, evaluation: Remembered[Joined], compute: Callable[[], Files]
    ) -> Remembered[Files]:
        """The files of a cell, and what could not be made one: the same for the same outcomes and evaluation."""
        if self.kept is None or not evaluation.content:
            return Remembered(compute())
        folder, name = f"{cell.experiment.name}/files", _name(cell, ran)
        key = digest(repr((evaluation.content, _identities(ran))))
        place = place_of(folder, name, key)
        if evaluation.is_found:
            found = self.kept.find(place, lambda _: None)
            if found.header is not None:
                return Remembered(found.content, found.header.payload, is_found=True)
            if found.broken is not None:
                self._to_tell.append(f"the kept files of {cell.id} were broken ({found.broken}): made again")
        made, lost = compute()
        if not lost and sum(map(len, made.values())) <= LARGEST_FILES:
            self.kept.keep(place, _header(key, name), (made, lost))
        return Remembered((made, lost))

    def notes(self, ran: Iterable[tuple[Trial, Got]]) -> tuple[str, ...]:
        """What a reader of a cell should know of what was reused, and of what could not be."""
        gots = [got for _, got in ran]
        notes = [note for got in gots for note in got.notes]
        elsewhere = sum(got.elsewhere for got in gots)
        notes += self._to_tell
        self._to_tell.clear()
        if self.kept is not None:
            told = [line for line in (self.kept.trouble, self.kept.damage) if line is not None]
            notes += [line for line in told if line not in self._told]
            self._told.update(told)
        if elsewhere:
            notes.append(f"fit_seconds and predict_seconds of {elsewhere} of {len(gots)} trials are of another machine")
        return tuple(notes)

    def unknown(self, cell: Cell) -> tuple[str, ...]:
        """Why nothing of a cell can be reused: its code could not be followed."""
        names = [(cell.experiment.name, block) for block in (cell.variant.name, cell.evaluator.name)]
        return tuple(f"nothing is reused: {name[1]}: {self._unknown[name]}" for name in names if name in self._unknown)

    def _evaluator(self, cell: Cell) -> BlockProvenance | None:
        name = (cell.experiment.name, cell.evaluator.name)
        return self._known(name, lambda: self._provenances.evaluator(cell.evaluator))

    def _known(self, name: tuple[str, str], find: Callable[[], KnownT]) -> KnownT | None:
        """What was found out; None, with the reason kept, where following the team's objects raised."""
        try:
            return find()
        except MlexpError:
            raise
        except Exception as error:  # noqa: BLE001 - the team's objects are asked for their state, and may do anything
            self._unknown[name] = f"{type(error).__name__}: {error}"
            return None


def is_timed(experiment: Experiment) -> bool:
    """Whether timings of this machine are needed: an evaluator asks for them, or a gate holds them to a rule."""
    asked = any("timings" in (*e.requests, *e.optional) for e in experiment.evaluators.values())
    return asked or any(gate.metric in OPERATIONAL for gate in experiment.gates)


def _provenance(cell: Cell, ran: Ran, block: BlockProvenance) -> Provenance:
    """What a cell's evaluation depends on, with ``block`` for the evaluator's own code."""
    evaluator = cell.evaluator
    signature = (evaluator.metrics, evaluator.requests, evaluator.optional, sorted(evaluator.responses.items()))
    own = {
        "trials": digest(repr(_identities(ran))),
        "dataset": repr((cell.dataset.name, cell.dataset.version)),
        "gates": digest(repr([(gate.metric, gate.slices, gate.compares) for gate in cell.gates])),
        "signature": digest(repr(signature)),
    }
    is_bound = not MACHINE_BOUND.isdisjoint((*evaluator.requests, *evaluator.optional))
    if is_bound:
        own["device"] = cell.device
    if is_bound or any(gate.metric in OPERATIONAL for gate in cell.gates):
        own["machine"] = hardware()
    return Provenance(block, own)


def records_of(ran: Iterable[tuple[Trial, Got]]) -> tuple[TrialRecord, ...]:
    """What the record of a cell says of where its outcomes came from."""
    return tuple(TrialRecord(trial.id, got.key, got.reused, got.why, bool(got.content)) for trial, got in ran)


def _name(cell: Cell, ran: Ran) -> str:
    return f"{cell.id} seeds={','.join(str(trial.seed) for trial, _ in ran)}"


def _identities(ran: Ran) -> list[tuple[int, str, str, str]]:
    return [(trial.seed, trial.split, got.key, got.content) for trial, got in ran]


def _header(key: str, name: str) -> Header:
    return Header(key, name, session="", machine="", created=0.0)
