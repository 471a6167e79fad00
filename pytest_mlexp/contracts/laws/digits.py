"""Laws on lost digits: columns far from zero, in double and in single precision, are the columns that they are."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.degenerate import alike, of_enough_rows, scored
from pytest_mlexp.contracts.single import holds_network, holds_trees
from pytest_mlexp.contracts.subject import Subject

NEEDS = ("trained", "numeric", "generated", "deterministic")
GRID = 2.0**-10
OFFSET = 2.0**25  # as of times in seconds and of identifiers; distances of scikit-learn's support vectors bear it
SINGLE_OFFSET = 1e4
SINGLE_TOLERANCE = 1e-5
SLACK = {"classification": 0.1, "regression": 0.2}
SINGLE_SLACK = 0.02


@law("A model to which a shift is all the same does not lose its digits far from zero.", needs=NEEDS)
def digits_far_from_zero(subject: Subject, case: Case) -> None:
    case = of_enough_rows(case)
    data = of_any_scale(subject, case)
    plain = plain_answers(subject, data)
    if subject.declares.tolerance >= SINGLE_TOLERANCE:
        raise NotApplicable("its tolerance is that of single precision, which has no digits left there")
    # On a grid, so that the shift is exact.
    X, X_test = (np.rint(part / GRID) * GRID + OFFSET for part in (data.X, data.X_test))
    got = scored(subject, Data(X, data.y, X_test, None, ("far from zero", data.key)))
    slack = SLACK[subject.declares.task or "regression"]
    if got is None or alike(got, plain, slack):
        return
    model = subject.fitted(data)
    single = holds_network(model) or holds_trees(model)
    if single and alike(got, _as_single(subject, data, X, X_test), slack):
        return
    else_alike(subject, subject.data(case, shift=64.0), plain)
    claim = f"inputs with {OFFSET:g} added are answered like those without, as inputs with 64 added are, or refused"
    told = f"{got[:4]} instead of {plain[:4]}; of a model of single precision, declare tolerance={SINGLE_TOLERANCE:g}"
    raise Broken(claim, told, X=X, y=data.y)


def _as_single(subject: Subject, data: Data, X: Any, X_test: Any) -> Any:
    """What a model that keeps its inputs in single precision, as trees of libraries do, is left with."""
    rounded = [part.astype(np.float32).astype(float) - OFFSET for part in (X, X_test)]
    return scored(subject, Data(rounded[0], data.y, rounded[1], None, ("in single precision", data.key)))


@law("Trained on float32 it is about the model of the same numbers as float64, also away from zero.", needs=NEEDS)
def single_precision_at_fit(subject: Subject, case: Case) -> None:
    case = of_enough_rows(case)
    data = of_any_scale(subject, case)
    double = subject.data(case, shift=SINGLE_OFFSET)
    want = plain_answers(subject, double)
    single = Data(double.X.astype(np.float32), double.y, double.X_test, None, ("single", double.key))
    got = scored(subject, single)
    if got is None or alike(got, want, SINGLE_SLACK):
        return
    else_alike(subject, data, want)
    claim = "trained on float32 inputs around 10000, it answers about as trained on the same numbers in float64"
    raise Broken(claim, f"{got[:4]} instead of {want[:4]}", X=single.X, y=double.y)


def of_any_scale(subject: Subject, case: Case) -> Data:
    """The data of a case, of a model whose data can have another scale."""
    if subject.declares.categorical or subject.declares.spread < 1:
        raise NotApplicable("its data have one scale")
    return subject.data(case)


def plain_answers(subject: Subject, data: Data) -> Any:
    """The scores or numbers of a model fitted on data; a law says nothing where it refuses them."""
    found = scored(subject, data)
    if found is None:
        raise NotApplicable("refuses the data of this law")
    return found


def else_alike(subject: Subject, data: Data, plain: Any, *, slack: float = 1e-3) -> None:
    """Nothing is asked of a model whose answers change with moderate shifts and scales already."""
    if not alike(scored(subject, data), plain, slack):
        raise NotApplicable("moderate shifts and scales of its inputs change its answers")


LAWS = (digits_far_from_zero, single_precision_at_fit)
