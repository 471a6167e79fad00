"""Laws on categories: they are known by their value, and one never seen is no other."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_mlexp.blocks.splitting import row_count
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.fitted import Answers
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.encodings import kind_of
from pytest_mlexp.contracts.laws.values import check_finite
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

MOST = 8
OTHERS = ("other", "others", "unknown", "missing", "none", "nan", "rest", "misc", "rare", "")


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


@law("A word never seen counts as none of those seen, wherever it stands in the alphabet.", needs=("frame",))
def unseen_is_no_other(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    names = [name for name in data.X.columns if kind_of(data.X[name]) in ("words", "categories")]
    model, judged = subject.fitted(data), 0
    for name in names:
        counts = data.X[name].astype(object).value_counts(sort=False)
        known = sorted(counts.index)[:MOST]
        seen = {word: answer for word in known if (answer := _with_word(subject, model, data.X_test, name, word))}
        unseen = {word: _with_word(subject, model, data.X_test, name, word) for word in _unseen(known)}
        taken = {word: _taken_for(answers, seen) for word, answers in unseen.items()}
        if len(seen) < 2 or all(found is None for found in taken.values()):
            continue
        judged += 1
        _counts_as_none(name, taken, data.X_test)
        if subject.declares.allows_nan:
            taken["a gap"] = _taken_for(_with_word(subject, model, data.X_test, name, None), seen)
        lawful = {known[0], data.X[name].iloc[0], data.X[name].mode()[0], counts.idxmax(), *_first_listed(data.X[name])}
        for word, found in _agreed(taken).items():
            if found and found not in lawful and found.lower() not in OTHERS and _smooth(subject, model, data.X_test):
                claim = (
                    f"a gap or a word never seen in {name!r} counts as none, or as the commonest or first of those seen"
                )
                raise Broken(claim, f"{word!r} is answered as {found!r} in every row", X=data.X_test)
    if not judged:
        raise NotApplicable("no column holds words, or words never seen are refused")


def _unseen(known: list[str]) -> tuple[str, ...]:
    """Words before all that are known, after them, and amid them; two of each, none of a usual length."""
    middle = known[len(known) // 2]
    return "!" + 14 * "a", "!" + 17 * "b", middle + 15 * "~", middle + 18 * "~", 16 * "~", 19 * "~"


def _counts_as_none(name: Any, taken: dict[str, Any], X: Any) -> None:
    """Check that words from different places of the alphabet are not taken for different words that were seen."""
    pairs = list(taken.items())
    places = {found: word for (word, found), (_, again) in zip(pairs[::2], pairs[1::2], strict=True) if found == again}
    places.pop(None, None)
    places.pop("", None)
    if len(places) > 1:
        told = ", ".join(f"{word!r} as {found!r}" for found, word in places.items())
        raise Broken(f"words never seen in {name!r} are answered alike, or as none of those seen", told, X=X)


def _agreed(taken: dict[str, Any]) -> dict[str, Any]:
    """What both words of a place are taken for, as one of them alone may share a hash with a word that was seen."""
    words = [word for word in taken if word != "a gap"]
    kept = {one: taken[one] for one, other in zip(words[::2], words[1::2], strict=True) if taken[one] == taken[other]}
    return kept | {word: found for word, found in taken.items() if word == "a gap"}


def _with_word(subject: Subject, model: Any, X: Any, name: Any, word: str | None) -> Any:
    """The answers to rows that all have one word, or a gap, in a column; None where they are refused."""
    import pandas as pd

    dtype = X[name].dtype
    if isinstance(dtype, pd.CategoricalDtype) and word is not None and word not in dtype.categories:
        dtype = pd.CategoricalDtype([*dtype.categories, word], ordered=dtype.ordered)
    worded = X.assign(**{name: pd.Series([word] * len(X), index=X.index, dtype=dtype)})
    got = subject.try_ask(model, worded, doing=f"{word!r} in {name!r}")
    return None if isinstance(got, Refused) else got


def _taken_for(got: Answers | None, seen: dict[str, Answers]) -> str | None:
    """The one word that an unseen one is answered like in every row, if any; None where it is refused."""
    if got is None:
        return None
    alike = [known for known, answers in seen.items() if _alike(got, answers)]
    return alike[0] if len(alike) == 1 else ""


def _first_listed(column: Any) -> list[Any]:
    return list(column.cat.categories[:1]) if hasattr(column, "cat") else []


def _smooth(subject: Subject, model: Any, X: Any) -> bool:
    """Whether small changes of numbers change most answers, as they do not where trees put rows into few boxes."""
    numbers = X.select_dtypes("float").columns
    moved = X.assign(**{name: X[name] + 2.0**-10 for name in numbers})
    got, want = (subject.try_ask(model, rows, doing="rows a little apart") for rows in (moved, X))
    if isinstance(got, Refused) or isinstance(want, Refused):
        return False
    return any(float(np.mean(got[name] != want[name])) > 0.5 for name in got)


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


LAWS = (unseen_categories, unseen_is_no_other, categories_by_value, negative_codes)
