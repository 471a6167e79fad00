"""Laws on what columns say: in either direction, and beside others that say the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_mlexp.contracts.data import Array, Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.degenerate import of_enough_rows, scored
from pytest_mlexp.contracts.laws.digits import of_any_scale
from pytest_mlexp.contracts.laws.learning import ENOUGH, MEASURE, WELL, quality
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

NEEDS = ("trained", "learns", "generated", "numeric", "own_code")
NEEDS_ALIKE = ("deterministic", *NEEDS)
ROW_NUDGE, FIT_NUDGE = 1e-9, 1e-12  # of the size of each number
MOVED, JUMPS, EXACT = 0.01, 1e-6, 1e-9  # of the spread of answers


@law("What a column says is learnt, whether it goes up or down with the target.", needs=NEEDS)
def falling_columns_count(subject: Subject, case: Case) -> None:
    if subject.declares.positive_only or subject.declares.columns is not None:
        raise NotApplicable("its inputs are never negative, or their number is given")
    of_any_scale(subject, case)
    rising = subject.data(replace(case, train_rows=96, rows=60, columns=8, classes=2), informative=0)
    falling = replace(rising, X=_negated(rising.X), X_test=_negated(rising.X_test), key=("falling", rising.key))
    found = []
    for part in (rising, falling):
        model = subject.tried(part, doing="a fit on one column that says something")
        if isinstance(model, Refused):
            raise NotApplicable(f"refuses the data of this law: {model}")
        found.append(quality(subject, model, part))
    task = subject.declares.task or "regression"
    if found[0] > WELL and found[1] < ENOUGH[task] and _is_learnt_alone(subject, falling):
        claim = "a column that falls where the target rises is learnt from like one that rises"
        raise Broken(claim, f"a {MEASURE[task]} of {found[1]:.2f} instead of {found[0]:.2f}", X=falling.X, y=falling.y)


def _is_learnt_alone(subject: Subject, data: Data) -> bool:
    """Whether the falling column is learnt where there is no other, as it is not by whoever is to rise alone."""
    alone = replace(data, X=data.X[:, :1], X_test=data.X_test[:, :1], key=("alone", data.key))
    model = subject.tried(alone, doing="a fit on one column")
    return not isinstance(model, Refused) and quality(subject, model, alone) > WELL


def _negated(X: Array) -> Array:
    X = X.copy()
    X[:, 0] *= -1
    return X


@law("Columns that repeat others, and sums of them, do not blow up what is predicted.", needs=NEEDS_ALIKE)
def repeated_columns_do_no_harm(subject: Subject, case: Case) -> None:
    data = of_any_scale(subject, of_enough_rows(case))
    if data.X.shape[1] < 3 or subject.declares.categorical:
        raise NotApplicable("its columns are few, or codes")
    beside = replace(data, X=_with_sums(data.X), X_test=_with_sums(data.X_test), key=("with sums", data.key))
    generator = np.random.default_rng(case.seed)
    nudged = replace(beside, X_test=beside.X_test * (1 + ROW_NUDGE * generator.normal(size=beside.X_test.shape)))
    want, got = scored(subject, beside), scored(subject, nudged)
    if want is None or got is None or want.dtype.kind != "f":
        raise NotApplicable("refuses such columns, or its answers are labels")
    if (moved := _moved(got, want)) > MOVED:
        claim = f"rows with columns that are sums of others are answered alike, moved by {ROW_NUDGE:g} of their size"
        raise Broken(claim, f"answers move by {moved:.3g} of their spread", X=beside.X, y=data.y)


@law("Training rows of more columns than rows, moved by next to nothing, give the same model.", needs=NEEDS_ALIKE)
def wide_fits_are_stable(subject: Subject, case: Case) -> None:
    of_any_scale(subject, case)
    if subject.declares.categorical or subject.declares.columns is not None:
        raise NotApplicable("its columns are codes, or their number is given")
    case = of_enough_rows(case)
    data = subject.data(replace(case, train_rows=12, columns=30, classes=2))
    moved = _moved_by_nudges(subject, data, case)
    if moved > MOVED:
        if _moved_by_nudges(subject, subject.data(Case(seed=case.seed, rows=case.rows)), case) > JUMPS:
            raise NotApplicable("the last digits of ordinary rows decide what it learns, as where it draws by a hash")
        if _fits_a_part(subject, data):
            raise NotApplicable("it fits some of the rows exactly and leaves others out: which ones, a tie decides")
        claim = f"training rows of more columns than rows give the same model when moved by {FIT_NUDGE:g} of their size"
        raise Broken(claim, f"answers move by {moved:.3g} of their spread", X=data.X, y=data.y)


def _moved_by_nudges(subject: Subject, data: Data, case: Case) -> float:
    """By how much answers move when the training rows are moved by next to nothing."""
    factors = 1 + FIT_NUDGE * np.random.default_rng(case.seed).normal(size=data.X.shape)
    nudged = replace(data, X=data.X * factors, key=("next to nothing", data.key))
    want, got = scored(subject, data), scored(subject, nudged)
    if want is None or got is None or want.dtype.kind != "f":
        raise NotApplicable("refuses such rows, or its answers are labels")
    return _moved(got, want)


def _fits_a_part(subject: Subject, data: Data) -> bool:
    """Whether some training rows are answered exactly and others not, as by who fits a part of the rows by design."""
    if subject.declares.task != "regression":
        return False
    answers = scored(subject, replace(data, X_test=data.X))
    if answers is None or answers.shape != data.y.shape:
        return False
    off = np.abs(answers - data.y) / np.std(data.y)
    return bool((off < EXACT).sum() > 1 and (off > MOVED).any())


def _moved(got: Array, want: Array) -> float:
    """By how much of their spread half of the answers move at least."""
    return float(np.median(np.abs(got - want).reshape(len(want), -1).max(axis=1))) / max(float(np.std(want)), 1e-12)


def _with_sums(X: Array) -> Array:
    return np.column_stack([X, X[:, 0], 0.1 * X[:, 0] + 0.7 * X[:, 1], X @ np.full(X.shape[1], 0.3)])


LAWS = (falling_columns_count, repeated_columns_do_no_harm, wide_fits_are_stable)
