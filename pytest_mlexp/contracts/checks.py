"""Everything there is to check of an experiment: each block with each law."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.blocks.evaluator import EvaluatorBlock
from pytest_mlexp.contracts import datasets, evaluators
from pytest_mlexp.contracts.cases import Effort, look
from pytest_mlexp.contracts.catalogue import APART, BASIC, model_laws
from pytest_mlexp.contracts.declarations import refuse_unknown
from pytest_mlexp.contracts.driver import CHANGES, check_one, chosen_laws, excused_or, unexcused
from pytest_mlexp.contracts.law import Broken, Law, NotApplicable
from pytest_mlexp.contracts.laws import flow as flow_laws
from pytest_mlexp.contracts.process import quietly
from pytest_mlexp.contracts.recognition import subject_of
from pytest_mlexp.contracts.report import CheckRecord, dataset_snippet, evaluator_snippet, failure
from pytest_mlexp.contracts.subject import Subject
from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.naming import nearest

DATASET_LAWS = (*datasets.LAWS, flow_laws.dataset_runs_through)
EVALUATOR_LAWS = (*evaluators.LAWS, flow_laws.evaluator_runs_through)


def broken_in_order(records: Iterable[CheckRecord]) -> list[CheckRecord]:
    """The broken laws of one block, the most basic first; one whose excuse is not needed any more is none of them."""
    usual = [law.name for law in (*DATASET_LAWS, *model_laws(), flow_laws.model_runs_through, *EVALUATOR_LAWS)]
    order = [*BASIC, *usual]
    return sorted((record for record in records if record.seen), key=lambda record: order.index(record.law))


def likeliest_cause(records: Iterable[CheckRecord]) -> CheckRecord | None:
    """Of the broken laws of one block the most basic one; None where none is broken."""
    return next(iter(broken_in_order(records)), None)


def may_follow(cause: CheckRecord, others: Iterable[CheckRecord]) -> list[CheckRecord]:
    """The other broken laws of a block that there is reason to take for consequences of the most basic one.

    They show the same, or stop at the same line. Where a basic law is broken without that anything stops, all may but
    those on what must be refused.
    """
    line = _stopped_at(cause)
    if line is not None:
        return [other for other in others if _stopped_at(other) == line]
    basic = cause.law in BASIC
    return [other for other in others if other.seen == cause.seen or (basic and other.law not in APART)]


def _stopped_at(record: CheckRecord) -> str | None:
    """The file and line where an error was raised, with which what was seen ends; None where there was none."""
    found = re.search(r" \(([^()]+:\d+)\)$", record.seen)
    return None if found is None else found[1]


Notes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Check:
    """One law of one block, to be run when it is its turn."""

    block: str
    law: Law
    run: Callable[[], CheckRecord]

    @property
    def id(self) -> str:
        """``forest-batch_vs_rows``."""
        return f"{self.block}-{self.law.name}"


def checks_of(
    experiment: Experiment, *, declares: Notes | None = None, excuses: Notes | None = None, effort: Effort = "fast"
) -> list[Check]:
    """Every check of an experiment: datasets first, then models, then evaluators, each with its laws.

    Args:
        experiment: what was declared.
        declares: block -> what is known of it; a model's name stands for all its variants.
        excuses: block -> law -> why it is known to be broken.
        effort: as in :func:`~pytest_mlexp.contracts.driver.check_model`.

    Raises:
        DeclarationError: an unknown block, declaration or law.
    """
    notes = _Notes(experiment, declares or {}, excuses or {})
    found: list[Check] = []
    for name, dataset in experiment.datasets.items():
        found += _of_block(name, _dataset_checks(dataset.load, name, notes.of(name), effort))
    for variant in experiment.models.values():
        found += _of_block(variant.name, _model_checks(variant, notes.of(variant.block, variant.name), effort))
    for name, evaluator in experiment.evaluators.items():
        found += _of_block(name, _evaluator_checks(evaluator, notes.of(name), effort))
    return found


def _of_block(name: str, checks: Iterable[Check]) -> list[Check]:
    """The checks of one block; what is wrong with its declarations or excuses names it."""
    try:
        return list(checks)
    except DeclarationError as error:
        raise DeclarationError(f"{name}: {error}") from None


class _Notes:
    """What is declared and excused, by block."""

    def __init__(self, experiment: Experiment, declares: Notes, excuses: Notes) -> None:
        models = experiment.models.values()
        known = {*experiment.datasets, *experiment.evaluators, *experiment.models, *(m.block for m in models)}
        for what, notes in (("declares", declares), ("excuses", excuses)):
            if not all(isinstance(note, Mapping) for note in notes.values()):
                raise DeclarationError(f"{what}= maps each block to a mapping, as in {{'forest': {{...}}}}")
            for name in notes:
                if name not in known:
                    raise DeclarationError(f"{what}= names the block {name!r}: {nearest(name, known)}")
        self._declares, self._excuses = declares, excuses

    def of(self, *names: str) -> tuple[dict[str, Any], dict[str, str]]:
        """Declarations and excuses of a block; what is said of a variant goes over what is said of its model."""
        declares: dict[str, Any] = {}
        excuses: dict[str, str] = {}
        for name in names:
            declares |= self._declares.get(name, {})
            excuses |= self._excuses.get(name, {})
        return declares, excuses


def _model_checks(variant: Any, notes: tuple[dict[str, Any], dict[str, str]], effort: Effort) -> Iterator[Check]:
    declares, excuses = notes
    refuse_unknown(declares)

    def made() -> Subject:
        subject = subject_of(variant, name=variant.name, declares=declares)
        subject.watches = CHANGES not in excuses
        return subject

    subject = _Late(made)
    known = (*model_laws(), flow_laws.model_runs_through)
    for law in _in_effort(chosen_laws(known, None, excuses), effort, excuses):
        yield Check(variant.name, law, _run_model(law, subject, variant, excuses.get(law.name), effort))


def _run_model(law: Law, subject: _Late, model: Any, excuse: str | None, effort: Effort) -> Callable[[], CheckRecord]:
    def run() -> CheckRecord:
        with quietly():
            return check_one(law, subject.get(), model=model, excuse=excuse, effort=effort)

    return run


class _Late:
    """Made when it is first asked for: collecting tests builds no model and loads no data."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made: Subject | None = None

    def get(self) -> Any:
        if self._made is None:
            self._made = self._make()
        return self._made


def _in_effort(laws: tuple[Law, ...], effort: Effort, excuses: Mapping[str, str]) -> list[Law]:
    return [law for law in laws if effort != "fast" or not law.thorough or law.name in excuses]


def _dataset_checks(
    load: Any, name: str, notes: tuple[dict[str, Any], dict[str, str]], effort: Effort
) -> Iterator[Check]:
    subject = datasets.dataset_subject(load, name=name, declares=notes[0])
    for law in chosen_laws(DATASET_LAWS, None, notes[1]):
        again = dataset_snippet(law, load, notes[0])
        yield Check(name, law, _run_plain(law, subject, notes[1].get(law.name), effort, again))


def _evaluator_checks(
    block: EvaluatorBlock, notes: tuple[dict[str, Any], dict[str, str]], effort: Effort
) -> Iterator[Check]:
    subject = evaluators.evaluator_subject(block, declares=notes[0])
    for law in chosen_laws(EVALUATOR_LAWS, None, notes[1]):
        again = evaluator_snippet(law, block, notes[0])
        yield Check(block.name, law, _run_plain(law, subject, notes[1].get(law.name), effort, again))


def _run_plain(law: Law, subject: Any, excuse: str | None, effort: Effort, again: str) -> Callable[[], CheckRecord]:
    def run() -> CheckRecord:
        with quietly():
            try:
                look(law, subject, effort="fast" if isinstance(subject, datasets.DatasetSubject) else effort)
            except NotApplicable as inapplicable:
                return unexcused(law, subject.name, str(inapplicable), excuse)
            except Broken as broken:
                if excuse is not None:
                    return CheckRecord(subject.name, law.name, "excused", excuse)
                message = failure(law, subject.name, broken, again)
                return CheckRecord(subject.name, law.name, "failed", message, broken.seen)
        return excused_or(law, subject.name, excuse)

    return run


def check_dataset(
    dataset: Dataset | Callable[[], Dataset],
    *,
    name: str = "dataset",
    declares: Mapping[str, Any] | None = None,
    excuses: Mapping[str, str] | None = None,
    laws: Collection[str] | None = None,
) -> tuple[CheckRecord, ...]:
    """Check a dataset, or the function that loads it, against every law of datasets.

    Args:
        dataset: a Dataset, or better the function that loads it, so that loading is checked too.
        name: what to call it in the records.
        declares: ``digest``, ``duplicates`` (a share of the test rows) and ``leaks`` (columns).
        excuses: law -> reason, for laws that it is known to break.
        laws: the names of the laws to check, all by default.

    Raises:
        DeclarationError: no dataset, or an unknown declaration or law.
    """
    chosen = {law.name for law in chosen_laws(DATASET_LAWS, laws, excuses or {})}
    checks = _dataset_checks(dataset, name, (dict(declares or {}), dict(excuses or {})), "fast")
    return tuple(check.run() for check in checks if check.law.name in chosen)


def check_evaluator(
    evaluator: EvaluatorBlock,
    *,
    declares: Mapping[str, Any] | None = None,
    excuses: Mapping[str, str] | None = None,
    laws: Collection[str] | None = None,
    effort: Effort = "fast",
) -> tuple[CheckRecord, ...]:
    """Check a declared evaluator (``experiment.evaluators["accuracy"]``) against every law of evaluators.

    Args:
        evaluator: the declared evaluator.
        declares: ``task``, ``bounds`` and ``decomposable``.
        excuses: law -> reason, for laws that it is known to break.
        laws: the names of the laws to check, all by default.
        effort: as in :func:`~pytest_mlexp.contracts.driver.check_model`.

    Raises:
        DeclarationError: an unknown declaration or law.
    """
    chosen = {law.name for law in chosen_laws(EVALUATOR_LAWS, laws, excuses or {})}
    checks = _evaluator_checks(evaluator, (dict(declares or {}), dict(excuses or {})), effort)
    return tuple(check.run() for check in checks if check.law.name in chosen)
