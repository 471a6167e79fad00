"""Which laws apply to which model, and why the others do not."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from pytest_mlexp.contracts.data import Case, is_texts
from pytest_mlexp.contracts.frames import looked_at
from pytest_mlexp.contracts.law import Broken, Law, NotApplicable
from pytest_mlexp.contracts.own_code import runs_own_code
from pytest_mlexp.contracts.subject import JOBS, SEEDS, Subject


def reason_against(law: Law, subject: Subject) -> str | None:
    """Why a law says nothing about a model, or None when it applies."""
    looked = looked_at(law, subject)
    for need in law.needs:
        if not _may_have(looked, need):
            return _WORDS.get(need, f"it has no {need}") + _by_trying(subject, need)
    return None


def has(subject: Subject, need: str) -> bool:
    """Whether a model has what a law can need, by the words in :attr:`Law.needs`.

    Raises:
        NotApplicable: it refuses ordinary data, so that its own code cannot be told from that of libraries.
        Broken: it crashes on them.
    """
    if need == "own_code":
        return runs_own_code(subject)
    facts = facts_of(subject)
    return bool(facts[need]) if need in _WORDS else hasattr(facts["model"], need)


def _by_trying(subject: Subject, need: str) -> str:
    task = {"classifier": "classification", "regressor": "regression"}.get(need)
    guessed = task is not None and subject.guessed and subject.trains
    return f", as trying it showed: declare task={task!r} if it is one" if guessed else ""


def _may_have(subject: Subject, need: str) -> bool:
    """As :func:`has`; of a model that does not run on ordinary data the law itself tells why."""
    try:
        return has(subject, need)
    except (NotApplicable, Broken):
        return True


_WORDS = {
    "trained": "it has no fit",
    "requires_fit": "it need not be fitted, as declared",
    "validates": "it does not look at its inputs, as declared",
    "deterministic": "two fits may differ, as declared",
    "learns": "nothing has to be learnt, as declared",
    "classifier": "it is no classifier",
    "regressor": "it is no regressor",
    "numeric": "its inputs are no generated matrix of numbers",
    "table": "its inputs are no table",
    "frame": "its inputs are no frame",
    "learnable": "its data are given",
    "generated": "its data are given",
    "seed": "it has no seed",
    "sample_weight": "its fit takes no sample_weight",
    "n_jobs": "it has no n_jobs",
    "jobs": "it has no n_jobs or the like",
    "allows_nan": "it does not declare to take gaps",
    "multi_output": "it does not declare several targets",
    "own_code": "nothing but code of libraries runs in it",
}


def facts_of(subject: Subject) -> dict[str, Any]:
    """What can be told of a model without asking it anything, by the words in :attr:`Law.needs`; looked up once."""
    if subject.facts is not None:
        return subject.facts
    model, declares = subject.build(), subject.declares
    params = model.get_params() if hasattr(model, "get_params") else {}
    X = subject.data(Case()).X
    numeric = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind == "f"
    subject.facts = {
        "model": model,
        "trained": subject.trains,
        "requires_fit": declares.requires_fit,
        "validates": not declares.no_validation,
        "deterministic": not declares.nondeterministic,
        "learns": not declares.poor_score,
        "regressor": subject.trains and declares.task == "regression",
        "classifier": subject.trains and declares.task == "classification",
        "numeric": numeric,
        "table": subject.takes_frames(),
        "frame": hasattr(X, "iloc"),
        "generated": not declares.given,
        "learnable": not declares.given
        or (declares.data is None and declares.task == "classification" and is_texts(X)),
        "seed": any(name.rpartition("__")[2] in SEEDS for name in params),
        "sample_weight": subject.trains and "sample_weight" in inspect.signature(model.fit).parameters,
        "n_jobs": "n_jobs" in params,
        "jobs": any(name in JOBS and (value is None or type(value) is int) for name, value in params.items()),
        "allows_nan": declares.allows_nan,
        "multi_output": declares.targets > 1 or _takes_several_targets(model),
    }
    return subject.facts


def _takes_several_targets(model: Any) -> bool:
    if not hasattr(model, "__sklearn_tags__"):
        return False
    from sklearn.utils import get_tags

    return bool(get_tags(model).target_tags.multi_output)
