"""Laws on frames of numbers and words: each row is coded by what was learnt, not by the rows beside it."""

from __future__ import annotations

import numpy as np

from pytest_mlexp.blocks.splitting import take
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.law import NotApplicable, law
from pytest_mlexp.contracts.laws.batch import joined
from pytest_mlexp.contracts.subject import Subject


@law("Rows of a frame are answered alike in batches that lack some of the words.", needs=("frame",))
def words_of_the_batch(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    words = [name for name in data.X_test.columns if data.X_test[name].dtype.kind not in "biuf"]
    if not words:
        raise NotApplicable("no column holds words")
    model = subject.fitted(data)
    whole = subject.expected(data, model)
    for name in words:
        order = np.argsort(data.X_test[name].astype(str).to_numpy(), kind="stable")
        values = data.X_test[name].astype(str).to_numpy()[order]
        starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
        parts = np.split(order, starts[1:])
        got = joined([subject.answers(model, take(data.X_test, part)) for part in parts])
        want = {method: answer[order] for method, answer in whole.items()}
        claim = f"rows of one word in {name!r} alone are answered as beside rows of the others"
        same(got, want, claim, tolerance=subject.declares.tolerance, X=data.X_test)


LAWS = (words_of_the_batch,)
