"""Check a block against its laws: ``check_model(model)`` returns one record a law."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pytest_mlexp.contracts.applies import reason_against
from pytest_mlexp.contracts.cases import Effort, judge, look
from pytest_mlexp.contracts.catalogue import model_laws
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.law import Broken, Law, NotApplicable
from pytest_mlexp.contracts.process import quietly
from pytest_mlexp.contracts.recognition import subject_of
from pytest_mlexp.contracts.report import CheckRecord, failure, snippet
from pytest_mlexp.contracts.subject import Subject
from pytest_mlexp.errors import ContractError, DeclarationError
from pytest_mlexp.naming import nearest

CHANGES = "inputs_unchanged"  # where it is excused, no other law asks for it either


def check_model(
    model: Any,
    *,
    name: str | None = None,
    declares: Mapping[str, Any] | None = None,
    excuses: Mapping[str, str] | None = None,
    laws: Collection[str] | None = None,
    effort: Effort = "fast",
) -> tuple[CheckRecord, ...]:
    """Check a model against every law that applies, cheap ones first.

    Args:
        model: an estimator (instance or class), a plain callable ``inputs -> predictions``, a ``TorchModel``,
            or a declared model.
        name: what to call it in the records.
        declares: what its data must be like and what it does not promise: the fields of
            :class:`~pytest_mlexp.contracts.declarations.Declarations`, over what its scikit-learn tags say.
        excuses: law -> reason, for laws that it is known to break; one that it does not break is a failure.
        laws: the names of the laws to check, all by default.
        effort: ``fast``, ``thorough`` (more cases, slow laws too) or ``explore`` (at random).

    Raises:
        DeclarationError: an unknown declaration, excuse or law.
    """
    subject = subject_of(model, name=name, declares=declares)
    subject.watches = CHANGES not in (excuses or {})
    chosen = chosen_laws(model_laws(), laws, excuses or {})
    records: list[CheckRecord] = []
    with quietly():
        for law in chosen:
            if law.thorough and effort == "fast" and laws is None and law.name not in (excuses or {}):
                continue
            excuse = (excuses or {}).get(law.name)
            records.append(check_one(law, subject, model=model, excuse=excuse, effort=effort))
    return tuple(records)


def check_one(
    law: Law, subject: Subject, *, model: Any, excuse: str | None = None, effort: Effort = "fast"
) -> CheckRecord:
    """Check one law of one model; call it within :func:`~pytest_mlexp.contracts.process.quietly`."""
    if (reason := reason_against(law, subject)) is not None:
        return unexcused(law, subject.name, reason, excuse)
    try:
        if excuse is None:
            look(law, subject, effort=effort)
        else:
            look(law, subject, effort="fast", shrink=False)
    except NotApplicable as inapplicable:
        return unexcused(law, subject.name, str(inapplicable), excuse)
    except Broken as broken:
        if excuse is not None:
            return CheckRecord(subject.name, law.name, "excused", excuse)
        return CheckRecord(subject.name, law.name, "failed", _told(law, subject, model, broken), broken.seen)
    return excused_or(law, subject.name, excuse)


def _told(law: Law, subject: Subject, model: Any, broken: Broken) -> str:
    """The message of a broken law; a short one where the team's objects raise when they are shown."""
    try:
        again = snippet(law, model, broken.case, dict(subject.given))
        return failure(law, subject.name, broken, again) + _taken_for(subject)
    except Exception as error:  # noqa: BLE001 - whatever a model's repr or its data raise
        told = f"the data could not be shown: {type(error).__name__}: {error}"
        return f"{subject.name} breaks the law {law.name}: {broken.expected}; {broken.seen}\n{told}"


def _taken_for(subject: Subject) -> str:
    """What a model that does not say what it is was taken for."""
    kind = {"classification": "classifier", "regression": "regressor"}.get(subject.declares.task or "")
    if kind is None or not subject.guessed or not subject.trains:
        return ""
    return f"\nit does not say what it is and was taken for a {kind}: declare its task= if it is none"


def check_law(law: str, model: Any, case: Case | None = None, *, declares: Mapping[str, Any] | None = None) -> None:
    """Check one law on one case; one that says nothing about the model is obeyed.

    Raises:
        ContractError: it is broken.
        DeclarationError: there is no such law.
    """
    (found,) = chosen_laws(model_laws(), [law], {})
    subject = subject_of(model, declares=declares)
    with quietly():
        if reason_against(found, subject) is not None:
            return
        try:
            judge(found, subject, case or Case())
        except NotApplicable:
            return
        except Broken as broken:
            raise ContractError(failure(found, subject.name, broken, "")) from broken


def chosen_laws(known: Iterable[Law], names: Collection[str] | None, excuses: Mapping[str, str]) -> tuple[Law, ...]:
    """The laws of those names, in their own order.

    Raises:
        DeclarationError: an unknown name in ``names`` or ``excuses``, or an excuse without a reason.
    """
    by_name = {law.name: law for law in known}
    for name in [*(names or ()), *excuses]:
        if name not in by_name:
            raise DeclarationError(f"there is no law {name!r}: {nearest(name, by_name)}")
    for name, reason in excuses.items():
        if not str(reason or "").strip():
            raise DeclarationError(f"the excuse for the law {name!r} needs a reason, not {reason!r}")
    return tuple(law for name, law in by_name.items() if names is None or name in names)


def excused_or(law: Law, block: str, excuse: str | None) -> CheckRecord:
    """A law that is obeyed: passed, unless it was excused."""
    return CheckRecord(block, law.name, "passed") if excuse is None else _not_needed(law, block, excuse, "is obeyed")


def unexcused(law: Law, block: str, reason: str, excuse: str | None) -> CheckRecord:
    """A law that says nothing: not applicable, unless it was excused."""
    if excuse is not None:
        return _not_needed(law, block, excuse, f"does not apply ({reason})")
    return CheckRecord(block, law.name, "not_applicable", reason)


def _not_needed(law: Law, block: str, excuse: str, what: str) -> CheckRecord:
    message = f"{block}: the law {law.name} {what}, so its excuse ({excuse}) is not needed any more: take it out"
    return CheckRecord(block, law.name, "failed", message)
