"""Laws on seeds that are easily forgotten: zero, none at all, and a generator that has drawn already."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import NotApplicable, law
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject
from pytest_mlexp.execution.seeding import seeded

NEEDS = ("trained", "seed", "set_params", "own_code")


@law("Zero is a seed like any other.", needs=("deterministic", *NEEDS))
def zero_is_a_seed(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    if not any(subject.raw().get_params()[name] for name in subject.seeds):
        raise NotApplicable("its seed is zero in all laws")
    answers = [_answers(subject, data, 0, start=start) for start in (31, 32)]
    claim = "two fits with the seed 0 answer alike, whatever the global generators were set to"
    same(answers[0], answers[1], claim, tolerance=1e-9, X=data.X_test)


@law("Without a seed, or with a generator for one, a fitted model answers alike again.", needs=NEEDS)
def unseeded_fit_is_kept(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    for what, seed in {"no seed": None, "a generator as its seed": np.random.RandomState(5)}.items():
        model = _fit(subject, data, seed)
        if isinstance(model, Refused):
            continue
        with seeded(33):
            want = subject.answers(model, data.X_test)
        with seeded(34):
            got = subject.answers(model, data.X_test)
        claim = f"fitted with {what}, it answers the same rows alike again"
        same(got, want, claim, tolerance=min(subject.declares.tolerance, 1e-6), X=data.X_test)


def _fit(subject: Subject, data: Data, seed: Any) -> Any:
    model = subject.raw().set_params(**dict.fromkeys(subject.seeds, seed))
    return subject.try_fit(data.X, data.y, doing=f"a fit with {seed!r:.40} as its seed", model=model)


def _answers(subject: Subject, data: Data, seed: int, *, start: int) -> Any:
    model = subject.raw().set_params(**dict.fromkeys(subject.seeds, seed))
    with seeded(start):
        model.fit(data.X, data.y)
    return subject.answers(model, data.X_test)


LAWS = (zero_is_a_seed, unseeded_fit_is_kept)
