"""Laws on what was asked before: neither rows much like earlier ones nor values never seen leave a trace."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_mlexp.blocks.splitting import row_count, take
from pytest_mlexp.contracts.applies import has
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data, copied, is_texts
from pytest_mlexp.contracts.law import law
from pytest_mlexp.contracts.laws.encodings import kind_of
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

LARGE = 240
# In no usual sample of rows: not among the first or last ones, nor every second, third, fifth or tenth.
SWAPPED = [103, 107]
# Unknown words, with the rows that have one each: as many as no table has places, so that none comes round.
UNKNOWN = {"quagga": 11, "okapi": LARGE}


@law("A model that has answered other rows answers like one that has not.")
def history_free(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    used, X = subject.fitted(data), data.X_test
    batch = copied(X)
    subject.answers(used, batch)
    if isinstance(X, np.ndarray) and X.dtype.kind == "f" and not subject.declares.categorical:
        batch[:] = X[::-1]
        got, want = subject.answers(used, batch), subject.answers(subject.fitted(data), X[::-1].copy())
        _same(subject, got, want, "an array whose content was changed since the last call is read anew", X)
    else:
        subject.answers(used, take(X, range(row_count(X, what="X") - 1, -1, -1)))
    for number, (what, near) in enumerate(_much_like(subject, X)):
        methods = subject.main_methods(used) if not number else subject.main_methods(used)[-1:]
        _own_answer(subject, data, used, (what, near), methods)
    if has(subject, "own_code"):  # libraries keep no answers
        _two_rows_swapped(subject, data, used)
    subject.try_ask(used, _far(subject, X), doing="rows far away")
    _same(subject, subject.answers(used, X), subject.expected(data), "earlier calls change no answer", X)


def _own_answer(subject: Subject, data: Data, used: Any, asked: tuple[str, Any], methods: tuple[str, ...]) -> None:
    what, near = asked
    got, want = (subject.try_ask(one, near, doing=what, methods=methods) for one in (used, subject.fitted(data)))
    if not isinstance(got, Refused) and not isinstance(want, Refused):
        _same(subject, got, want, f"{what} get their own answer, whatever was asked before", near)


def _much_like(subject: Subject, X: Any) -> list[tuple[str, Any]]:
    """Rows that a cache could take for rows it knows, and values never seen, other ones each time."""
    if is_texts(X):
        forms = ([text[:-1] for text in X], [f"{text} {X[0]}" for text in X], [text.upper() for text in X])
        return [("texts much like earlier ones", texts) for texts in forms] + [
            (f"texts with unknown words {word}", [f"{text} {word}{i}" for i, text in enumerate(X[:rows])])
            for word, rows in UNKNOWN.items()
        ]
    if hasattr(X, "columns"):
        words = [name for name in X.columns if kind_of(X[name]) in ("words", "categories")]
        batches = [(word, _unknown(X.iloc[:rows], words, word)) for word, rows in UNKNOWN.items() if words]
        return [(f"rows with unknown words {word}", batch) for word, batch in batches]
    if isinstance(X, np.ndarray) and X.dtype.kind == "f" and not subject.declares.categorical:
        # Rounded alike, or with the same sum.
        near = [X + 2.0**-6, np.roll(X, 1, axis=1)] if subject.declares.columns is None else [X]
        return [("rows much like earlier ones", batch) for batch in near]
    return []


def _unknown(X: Any, words: list[Any], word: str) -> Any:
    """The rows with an unknown word after each known one, another in each row."""
    number = np.arange(len(X))
    return X.assign(
        **{
            name: [f"{value} {word}{i}" for i, value in zip(number, X[name].astype(object), strict=True)]
            for name in words
        }
    )


def _two_rows_swapped(subject: Subject, data: Data, used: Any) -> None:
    """A batch of the same shape, ends, sums and samples as the one before, and so large that it is printed in part."""
    order = np.arange(LARGE) % row_count(data.X_test, what="X")
    swapped = order.copy()
    swapped[SWAPPED] = order[SWAPPED[::-1]]
    subject.answers(used, take(data.X_test, order))
    X = take(data.X_test, swapped)
    want = {name: answer[swapped] for name, answer in subject.expected(data).items()}
    claim = "a batch in which two rows in the middle have changed places since the last call is read anew"
    same(subject.answers(used, X), want, claim, tolerance=subject.declares.tolerance, X=take(X, SWAPPED))


def _far(subject: Subject, X: Any) -> Any:
    """The rows far away, for whoever takes what is asked into its statistics."""
    if hasattr(X, "select_dtypes"):
        return X.assign(**{name: 64 * X[name] for name in X.select_dtypes("float").columns})
    numbers = isinstance(X, np.ndarray) and X.dtype.kind == "f" and not subject.declares.categorical
    return 64 * X if numbers else X


def _same(subject: Subject, got: Any, want: Any, claim: str, X: Any) -> None:
    # The same model on the same rows: BLAS may differ in the last digits between batches of different sizes only.
    same(got, want, claim, tolerance=min(subject.declares.tolerance, 1e-6), X=X)


LAWS = (history_free,)
