"""Laws on ordered tables: what rows say in any order is learnt, not what the first or last of them say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_mlexp.blocks.splitting import take
from pytest_mlexp.contracts.compare import differs
from pytest_mlexp.contracts.data import Array, Case, Data
from pytest_mlexp.contracts.fitted import Answers
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.learning import MEASURE, WORSE, quality_of
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

ROWS, HEAD = 240, 24
WELL = {"classification": 0.8, "regression": 0.9}


@law(
    "A table in the order of its targets says what it says in another.",
    needs=("trained", "learns", "generated", "own_code"),
)
def order_hides_nothing(subject: Subject, case: Case) -> None:
    """A model that asks rows one by one, or draws by position, learns otherwise in another order, and is not asked."""
    wide = replace(case, train_rows=ROWS, rows=60, classes=3)
    data = subject.data(wide, informative=0, clear=True)
    if not isinstance(data.X, np.ndarray) or np.ndim(data.y) != 1:
        raise NotApplicable("its inputs are no matrix, or it has several targets")
    plain, head = (_answers(subject, data, order) for order in (np.arange(ROWS), _other_head()))
    if any(differs(head[name], answer, tolerance=1e-9).any() for name, answer in plain.items()):
        raise NotApplicable("the order of a few rows decides what it learns")
    ordered = _answers(subject, data, np.argsort(data.X[:, 0], kind="stable"))
    classifies, task = subject.declares.task == "classification", subject.declares.task or "regression"
    before, after = (quality_of(got["predict"], data.y_test, classification=classifies) for got in (plain, ordered))
    if before > WELL[task] and after < before - WORSE:
        claim = f"{ROWS} rows in the order of what tells their target are learnt from as in another order"
        raise Broken(claim, f"a {MEASURE[task]} of {after:.2f} instead of {before:.2f}", X=data.X, y=data.y)


def _other_head() -> Array:
    """The same order, but for the first rows."""
    return np.concatenate([np.arange(HEAD)[::-1], np.arange(HEAD, ROWS)])


def _answers(subject: Subject, data: Data, order: Array) -> Answers:
    X, y = take(data.X, order), data.y[order]
    model = subject.try_fit(X, y, doing="a fit on rows in another order")
    if isinstance(model, Refused):
        raise NotApplicable(f"refuses to be fitted: {model}")
    return subject.answers(model, data.X_test)


LAWS = (order_hides_nothing,)
