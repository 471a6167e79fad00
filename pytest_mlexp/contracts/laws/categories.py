"""Laws on categories: they are known by their value, and one never seen is no other."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_mlexp.blocks.splitting import row_count
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.fitted import Answers
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.values import check_finite
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject


@law("A category never seen in training is handled or refused.", needs=("frame",))
def unseen_categories(subject: Subject, case: Case) -> None:
    import pandas as pd

    data = subject.data(case)
    if not isinstance(data.X_test, pd.DataFrame):
        raise NotApplicable("the inputs are no frame")
    texts = [c for c in data.X_test.columns if not pd.api.types.is_numeric_dtype(data.X_test[c].dtype)]
    if not texts:
        raise NotApplicable("no column holds categories")
    model = subject.fitted(data)
    for column in texts:
        X = data.X_test.copy()
        X[column] = X[column].astype(object)
        X.loc[X.index[0], column] = "never seen before"
        got = subject.try_ask(model, X, doing=f"an unseen category in {column!r}")
        if not isinstance(got, Refused):
            check_finite(got, f"an unseen category in {column!r}", X)
            rows = row_count(X, what="X")
            if any(len(answer) != rows for answer in got.values()):
                raise Broken("every row gets its answer", f"{[len(a) for a in got.values()]} for {rows} rows", X=X)


@law("A category is known by its value, in whatever order and company its column lists it.", needs=("frame",))
def categories_by_value(subject: Subject, case: Case) -> None:
    import pandas as pd

    data = subject.data(case)
    X = data.X_test
    names = [name for name in X.columns if isinstance(X[name].dtype, pd.CategoricalDtype)]
    if not names:
        raise NotApplicable("no column is of pandas' category type")
    model = subject.fitted(data)
    want = subject.expected(data, model)
    for name in names:
        known = list(X[name].cat.categories)
        one = np.flatnonzero(X[name] == X[name].mode()[0])
        forms = {
            "in another order": (np.arange(len(X)), X[name].cat.set_categories(known[::-1])),
            "with one more before them": (np.arange(len(X)), X[name].cat.set_categories(_with_one_more(known))),
            "that hold no other": (one, X[name].iloc[one].cat.remove_unused_categories()),
        }
        for what, (rows, column) in forms.items():
            listed = X.iloc[rows].assign(**{name: column})
            got = subject.try_ask(model, listed, doing=f"categories of {name!r} {what}")
            if not isinstance(got, Refused):
                claim = f"rows are answered alike whose column {name!r} lists the same categories {what}"
                wanted = {method: answer[rows] for method, answer in want.items()}
                same(got, wanted, claim, tolerance=subject.declares.tolerance, X=listed)


def _with_one_more(known: list[Any]) -> list[Any]:
    return ["a new one", *known] if isinstance(known[0], str) else [min(known) - 1, *known]


@law("A negative code means no category, and is not read from a table's end.", needs=("numeric", "trained"))
def negative_codes(subject: Subject, case: Case) -> None:
    if not subject.declares.categorical:
        raise NotApplicable("its inputs are no codes, as declared")
    data = subject.data(case)
    model = subject.fitted(data)
    for column in range(data.X.shape[1]):
        last = int(data.X[:, column].max())
        found = {code: _answered(subject, model, data.X_test, (column, code)) for code in (-1, -2, last, last - 1)}
        if isinstance(found[-1], Refused) or isinstance(found[-2], Refused) or last < 1:
            continue
        if _alike(found[-1], found[last]) and _alike(found[-2], found[last - 1]) and not _alike(found[-1], found[-2]):
            raise Broken(
                "a code that stands for no category, as pandas has -1 for it, is refused, or means none of those seen",
                f"in column {column} the codes -1 and -2 are answered like {last} and {last - 1}",
                X=data.X,
            )


def _answered(subject: Subject, model: Any, X: Any, cell: tuple[int, int]) -> Any:
    """The answers to rows that all have one code in a column, or the refusal."""
    column, code = cell
    coded = X.copy()
    coded[:, column] = code
    got = subject.try_ask(model, coded, doing=f"the code {code} in column {column}")
    if not isinstance(got, Refused):
        check_finite(got, f"the code {code} in column {column}", coded)
    return got


def _alike(one: Answers, other: Any) -> bool:
    return not isinstance(other, Refused) and all(np.array_equal(one[name], other[name]) for name in one)


LAWS = (unseen_categories, categories_by_value, negative_codes)
