"""Laws on the form of targets: one column of them, and several of different level."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pytest_mlexp.contracts.compare import gap
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.law import Broken, Crashed, NotApplicable, law
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

NEEDS = ("trained", "numeric", "generated", "deterministic")
WORSE = 5.0  # one model of several targets is not as good as one model each


@law("A target given as one column is refused, or the flat one; Fortran order at fit changes no array.", needs=NEEDS)
def column_of_targets(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    if np.ndim(data.y) != 1:
        raise NotApplicable("its targets are several columns")
    X, y = np.asfortranarray(data.X), data.y[:, None].copy()
    try:
        model = subject.try_fit(X, y, doing="a fit on a target of one column")
    except Crashed:  # a form that many never promised to take: a loud error is not asked to be a clear one
        return
    if isinstance(model, Refused):
        return
    got = subject.try_ask(model, data.X_test, doing="after a fit on a target of one column", methods=("predict",))
    if isinstance(got, Refused):
        return
    want, answer = subject.expected(data)["predict"], got["predict"]
    claim = "a target of one column is learnt like the flat one, or refused"
    if answer.shape not in (want.shape, (*want.shape, 1)):
        raise Broken(claim, f"predict has shape {answer.shape} for {len(want)} rows", X=X, y=y)
    flat = answer.reshape(want.shape)
    numeric = want.dtype.kind == "f"
    limit = 0.3 * float(np.std(np.asarray(data.y, dtype=float))) + 1e-9 if numeric else 0.25
    if (found := gap(flat, want)) > limit:
        raise Broken(claim, f"predictions differ from those after the flat one by {found:.3g} on average", X=X, y=y)


@law("Of several targets, of different level and sign, each is learnt.", needs=(*NEEDS, "learns", "multi_output"))
def every_target_counts(subject: Subject, case: Case) -> None:
    if subject.declares.task != "regression" or subject.declares.positive_target:
        raise NotApplicable("it takes no several targets of any sign")
    data = subject.data(
        replace(case, train_rows=max(case.train_rows, 80), rows=40, columns=min(case.columns, 4)), clear=True
    )
    one, truth = (np.asarray(y, dtype=float).reshape(len(y), -1)[:, 0] for y in (data.y, data.y_test))
    level, step = float(one.mean()), float(one.std())
    targets = [_targets(y, level, step) for y in (one, truth)]
    model = subject.try_fit(data.X, targets[0], doing="a fit on two targets")
    if isinstance(model, Refused):
        raise NotApplicable(f"refuses two targets: {model}")
    answer = subject.answers(model, data.X_test, methods=("predict",))["predict"]
    if answer.shape != targets[1].shape:
        claim = f"two targets of {len(truth)} rows give predictions of shape {targets[1].shape}"
        raise Broken(claim, f"shape {answer.shape}", X=data.X, y=targets[0])
    for column in range(2):
        error = _error(answer[:, column], targets[1][:, column])
        if error > 0.5 and error > WORSE * _alone(
            subject, data.X, targets[0][:, column], data.X_test, targets[1][:, column]
        ):
            claim = f"target {column} of two is learnt about as well as it is alone"
            raise Broken(claim, f"a mean squared error of {error:.3g} times its variance", X=data.X, y=targets[0])


def _targets(y: Any, level: float, step: float) -> Any:
    """A target, and one of the other sign, of a third of its size, and of another level."""
    return np.column_stack([y, -(y - level) / 3 + 4 * step])


def _error(answer: Any, truth: Any) -> float:
    return float(np.mean((answer - truth) ** 2) / np.var(truth))


def _alone(subject: Subject, X: Any, y: Any, X_test: Any, truth: Any) -> float:
    model = subject.try_fit(X, y, doing="a fit on one of two targets")
    if isinstance(model, Refused):
        return np.inf
    return _error(subject.answers(model, X_test, methods=("predict",))["predict"].ravel(), truth)


LAWS = (column_of_targets, every_target_counts)
