"""Laws on batches: what a row gets does not depend on the rows beside it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from pytest_mlexp.blocks.splitting import row_count, take
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, between, is_texts, odd_texts
from pytest_mlexp.contracts.fitted import Answers
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

LARGE = 2310
# Multiples of the sizes that batches usually have, in tens and in twos.
SIZES = (1000, 2048)
MOST = 12


@law("One row at a time gives what the batch gives.")
def batch_vs_rows(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    X = data.X_test
    methods = subject.methods(model)
    whole = subject.expected(data, model, methods=methods)
    rows = [subject.answers(model, take(X, [i]), methods=methods) for i in range(min(row_count(X, what="X"), 2))]
    _same(subject, joined(rows), _first(whole, len(rows)), "each row alone gives what it gives in the batch", X)


@law("Chunks of any size give what the batch gives.")
def chunks(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    X, rows = data.X_test, row_count(data.X_test, what="X")
    whole = subject.expected(data, model)
    cuts = [0, *(cut for cut in _cuts(X, whole) if cut < rows), rows]
    parts = [subject.answers(model, take(X, range(*ends))) for ends in pairwise(cuts)]
    _same(subject, joined(parts), whole, f"chunks cut at the rows {cuts} give what the batch gives", X)


def _cuts(X: Any, whole: Answers) -> list[int]:
    """Ends of chunks of which some have as many rows as there are columns, or numbers in an answer."""
    widths = [
        np.shape(X)[1] if np.ndim(X) == 2 else 0,
        *(answer.shape[1] for answer in whole.values() if answer.ndim == 2),
    ]
    sizes = [3, *{width for width in widths if 1 < width < MOST and width != 3}, 2]
    return list(accumulate(sizes))


@law("Large batches, and prefixes of them of many sizes, give what small ones give.")
def large_batch(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    small = row_count(data.X_test, what="X")
    order = np.arange(LARGE) % small
    X = take(data.X_test, order)
    expected = {name: answer[order] for name, answer in subject.expected(data, model).items()}
    whole = subject.answers(model, X)
    _same(subject, whole, expected, f"{LARGE} rows give what the same rows give in a batch of {small}", X)
    for size in (len(data), *SIZES):  # as many as in training: kernels and distances of both are square then
        methods = ("predict",) if size in SIZES else subject.main_methods(model)
        got = subject.answers(model, X[:size], methods=methods) if hasattr(X, "dtype") else {}
        part = {name: answer[:size] for name, answer in expected.items()}
        _same(subject, {**part, **got}, part, f"the first {size} rows give what they give in other batches", X[:size])


@law("Reordering the rows reorders the predictions.")
def row_order(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    X, rows = data.X_test, row_count(data.X_test, what="X")
    whole = subject.expected(data, model)
    orders = (np.random.default_rng(case.seed).permutation(rows), _by_first(X, rows))
    for order in orders:
        shuffled = subject.answers(model, take(X, order))
        wanted = {name: answer[order] for name, answer in whole.items()}
        _same(subject, shuffled, wanted, f"rows in the order {order.tolist()} give their predictions in that order", X)


@law("The company of outliers, duplicates and constant rows changes no other row's prediction.")
def batch_mates(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    numeric = isinstance(data.X_test, np.ndarray) and subject.declares.columns is None and subject.declares.spread == 1
    X = stacked(data.X_test, between(data.X_test)) if numeric and not subject.declares.categorical else data.X_test
    rows, whole = row_count(X, what="X"), subject.answers(model, X)
    judged = 0
    for what, company in _companies(subject, X).items():
        batch = stacked(company, X)
        got = subject.try_ask(model, batch, doing=f"rows beside {what}")
        if isinstance(got, Refused):
            continue
        judged += 1
        claim = f"rows beside {what} give what they give without them"
        for name, answer in got.items():
            if len(answer) != row_count(batch, what="X"):
                raise Broken(claim, f"{len(answer)} answers of {name} for {row_count(batch, what='X')} rows", X=batch)
        _same(subject, {name: answer[-rows:] for name, answer in got.items()}, whole, claim, batch)
    got = subject.answers(model, take(X, [0] * 3))
    wanted = {name: answer[[0] * 3] for name, answer in whole.items()}
    _same(subject, got, wanted, "a batch of one row repeated gives that row's prediction each time", take(X, [0]))
    if not judged:
        raise NotApplicable("every unusual companion is refused")


def _companies(subject: Subject, X: Any) -> dict[str, Any]:
    """Rows to put before the batch; only copies of its own rows where inputs are not numbers."""
    copies = stacked(X, take(X, [0] * 40))
    found = {"copies of themselves, many of one": copies}
    if is_texts(X):
        found |= {"odd texts": odd_texts(X), "empty texts": ["", ""], "an unknown text": ["zebra quagga"]}
    if isinstance(X, np.ndarray) and X.dtype.kind == "f" and not subject.declares.categorical:
        sign = 1 if subject.declares.positive_only else -1
        first, near = X[:1], [X + 2.0**-k for k in (4, 5, 10)]
        far = first * 0 + 1e6
        moved = [np.roll(X, 1, axis=1), np.column_stack([X[:, :1], X[::-1, 1:]])]
        found |= {
            "rows of the same numbers in other columns, and of the same first column": np.concatenate(moved),
            "rows of zeros and near-duplicates": np.concatenate([first.repeat(30, axis=0) * 0, *near]),
            "an outlier": first * 0 + 1e4,
            "outliers of both signs, and rows of another scale": np.concatenate([X * 100, far, sign * far]),
        }
    return found


def stacked(first: Any, second: Any) -> Any:
    """One batch of two, of the same kind as both."""
    if isinstance(first, np.ndarray):
        return np.concatenate([first, second])
    if hasattr(first, "iloc"):
        import pandas as pd

        return pd.concat([first, second], ignore_index=True)
    return [*first, *second]


def joined(parts: Sequence[Answers]) -> Answers:
    """The answers to several batches as if they had been one; parts that do not fit are joined as objects."""
    return {name: _concatenated([part[name] for part in parts]) for name in parts[0]}


def _concatenated(arrays: list[Any]) -> Any:
    try:
        return np.concatenate([np.atleast_1d(array) for array in arrays])
    except ValueError:
        flat = [item for array in arrays for item in array]
        items = np.empty(len(flat), dtype=object)
        items[:] = flat
        return items


def _first(answers: Answers, rows: int) -> Answers:
    return {name: answer[:rows] for name, answer in answers.items()}


def _by_first(X: Any, rows: int) -> Any:
    """The order of the first column, for whoever sorts."""
    return np.argsort(X[:, 0]) if isinstance(X, np.ndarray) and X.ndim == 2 else np.roll(np.arange(rows), 1)


def _same(subject: Subject, got: Answers, want: Answers, claim: str, X: Any) -> None:
    same(got, want, claim, tolerance=subject.declares.tolerance, X=X)


LAWS = (batch_vs_rows, chunks, large_batch, row_order, batch_mates)
