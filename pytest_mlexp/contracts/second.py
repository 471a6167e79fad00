"""A second fit on the same rows, in many ways at once that must not matter: where it answers alike, none does harm."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Data, copied
from pytest_mlexp.contracts.process import stocks
from pytest_mlexp.contracts.subject import Subject
from pytest_mlexp.execution.seeding import seeded

SEED = 21
EXACT = 1e-9


@dataclass(frozen=True)
class Second:
    """A model that was fitted again and answers like the first.

    Attributes:
        model: the model, asked about the test rows already.
        quiet: whether the fit left the global random generators as they were, but for a few numbers drawn.
    """

    model: Any
    quiet: bool


def second_fit(subject: Subject, data: Data) -> Second | None:
    """The one second fit on these rows that laws share; None where it answers otherwise, or there can be none.

    It is the fit of a clone of a fitted model, on read-only parts of larger arrays, with the global generators seeded
    otherwise; the test rows are read-only too. A law about one of these ways looks at it alone where this is None.
    """
    if data.key not in subject.seconds:
        subject.seconds[data.key] = None
        if subject.trains and not subject.declares.nondeterministic:
            with suppress(Exception):
                subject.seconds[data.key] = _made(subject, data)
    known: Second | None = subject.seconds[data.key]
    return known


def _made(subject: Subject, data: Data) -> Second:
    first = subject.fitted(data)
    want = subject.expected(data)
    model, (X, y, X_test) = _unfitted(subject, first), _frozen(data)
    with seeded(SEED):
        stock = stocks()
        with subject.watched("fit", X, y):
            model.fit(X, y)
        quiet = stocks() == stock
    same(subject.answers(model, X_test), want, "", tolerance=EXACT)
    same(subject.answers(first, data.X_test), want, "", tolerance=EXACT)
    return Second(model, quiet)


def _unfitted(subject: Subject, fitted: Any) -> Any:
    from sklearn.base import clone

    return clone(fitted) if hasattr(fitted, "get_params") else subject.build()


def _frozen(data: Data) -> tuple[Any, Any, Any]:
    X, y = larger(data)
    frozen = X[: len(data)], y[: len(data)], copied(data.X_test)
    for part in frozen:
        if isinstance(part, np.ndarray):
            part.setflags(write=False)
    return frozen


def larger(data: Data) -> tuple[Any, Any]:
    """Arrays that begin with the training rows, and go on with rows that are nothing to learn from; others as are."""
    if not (isinstance(data.X, np.ndarray) and isinstance(data.y, np.ndarray)):
        return copied(data.X), copied(data.y)
    X, y = np.concatenate([data.X, -3 * data.X]), np.concatenate([data.y, np.roll(data.y, 1)])
    y[len(data) :] = y[len(data)]
    return X, y
