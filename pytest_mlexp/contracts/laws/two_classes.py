"""Laws on two classes, of which much code makes a case of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_mlexp.blocks.splitting import row_count, take
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.law import NotApplicable, law
from pytest_mlexp.contracts.laws.batch import joined
from pytest_mlexp.contracts.subject import Subject


@law(
    "Of two classes, too, a row is answered alike alone, in a batch and in another order.",
    needs=("classifier", "own_code"),
)
def two_classes_row_by_row(subject: Subject, case: Case) -> None:
    if subject.declares.classes not in (None, 2) or subject.declares.given or case.classes == 2:
        raise NotApplicable("other laws look at its two classes, or it has more")
    data = subject.data(replace(case, classes=2))
    model = subject.fitted(data)
    X, rows = data.X_test, row_count(data.X_test, what="X")
    methods = subject.methods(model)
    whole = subject.expected(data, model, methods=methods)
    order = np.argsort(data.y_test, kind="stable")  # one class, then the other
    groups = [[int(row)] for row in order[:2]] + [order[2 : rows // 2].tolist(), order[rows // 2 :].tolist()]
    got = joined([subject.answers(model, take(X, group), methods=methods) for group in groups if group])
    want = {name: answer[order] for name, answer in whole.items()}
    claim = "trained on two classes, it answers rows of each class apart as it answers them together"
    same(got, want, claim, tolerance=subject.declares.tolerance, X=X)


LAWS = (two_classes_row_by_row,)
