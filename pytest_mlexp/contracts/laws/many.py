"""Laws on many columns: what hundreds of them say is learnt."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from pytest_mlexp.contracts.applies import has
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.learning import ENOUGH, NEEDS, quality
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

MANY, FEW = 800, 24
SOME, MOST_SECONDS = 100, 20.0


@law("What many hundreds of columns say is learnt.", needs=(*NEEDS, "classifier", "numeric"))
def many_columns_are_learnt(subject: Subject, case: Case) -> None:
    if subject.declares.columns is not None:
        raise NotApplicable("its columns are given")
    if _takes_long(subject, case):
        raise NotApplicable("its fits take too long on many columns")
    many = _columns(subject, case, MANY)
    if not _one_label(subject, many):
        return
    few = _columns(subject, case, FEW)
    model = subject.tried(few, doing="a fit on an easy problem in another form")
    if isinstance(model, Refused) or quality(subject, model, few) < ENOUGH["classification"]:
        return
    # Distances grow with columns, and a few of many may not be drawn; but zeros add nothing to any distance.
    if _one_label(subject, _beside_zeros(few)):
        claim = f"what {MANY} columns say is learnt, or what {FEW} of them say beside zeros, where {FEW} are"
        raise Broken(claim, "all rows get one label, in both", X=many.X[:3], y=many.y[:3])


def _takes_long(subject: Subject, case: Case) -> bool:
    """Whether fits of its own code cost so much more on more columns that one on many has no end."""
    if not has(subject, "own_code"):
        return False
    seconds = []
    for columns in (SOME // 2, SOME):
        some, started = _columns(subject, case, columns), time.process_time()
        subject.tried(some, doing="a fit on an easy problem in another form")
        seconds.append(time.process_time() - started)
    power = min(max(np.log2(max(seconds[1], 1e-3) / max(seconds[0], 1e-3)), 0.0), 3.0)
    return bool(seconds[1] * (MANY / SOME) ** power > MOST_SECONDS)


def _one_label(subject: Subject, data: Data) -> bool:
    """Whether all test rows get one label of a model that takes the data."""
    model = subject.tried(data, doing="a fit on an easy problem in another form")
    if isinstance(model, Refused):
        return False
    answer = subject.answers(model, data.X_test, methods=("predict",))["predict"]
    return len(set(answer.tolist())) == 1


def _beside_zeros(data: Data) -> Data:
    parts = [np.hstack([X, np.zeros((len(X), MANY - X.shape[1]))]) for X in (data.X, data.X_test)]
    return Data(parts[0], data.y, parts[1], data.y_test, ("beside zeros", data.key))


def _columns(subject: Subject, case: Case, columns: int) -> Data:
    """Columns that all say something, on such a scale that rows lie as far apart as of few columns."""
    wide = replace(case, train_rows=27, rows=12, columns=columns, classes=2)
    return subject.data(wide, clear=True, scale=(4 / columns) ** 0.5)


LAWS = (many_columns_are_learnt,)
