"""Laws on how a column holds its values: its type says nothing, what stands in it says everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.fitted import Answers
from pytest_mlexp.contracts.law import NotApplicable, law
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

SINGLE = 1e-4


@dataclass(frozen=True)
class Form:
    """Another type for all columns of one kind.

    Attributes:
        kind: which columns, as :func:`kind_of` calls them.
        what: the type in words.
        convert: column -> column of the same values; raises where they do not fit into the type.
        strict: whether whoever does not take the type has to say so clearly; of odd types it is enough that no
            answer is given.
        plain: how the values are changed first, in both, so that the type can hold them.
    """

    kind: str
    what: str
    convert: Callable[[Any], Any]
    strict: bool = True
    plain: Callable[[Any], Any] = lambda column: column


def _as(kind: str, dtype: str, *, strict: bool = True, plain: Callable[[Any], Any] | None = None) -> Form:
    changed = {} if plain is None else {"plain": plain}
    return Form(kind, f"as {dtype}", lambda column: column.astype(dtype), strict, **changed)


def _rounded(column: Any) -> Any:
    return column.round()


def _with_gaps(column: Any) -> Any:
    return column.mask(np.arange(len(column)) % 3 == 1)


def _in_zone(zone: str) -> Form:
    return Form("times of a zone", f"as the same times in {zone}", lambda column: column.dt.tz_convert(zone), False)  # noqa: FBT003


# Numbers held as objects are not asked for: to pandas itself, as in get_dummies, they are categories.
FORMS = (
    _as("floats", "int64", plain=_rounded),
    _as("floats", "Float64", strict=False),
    _as("floats", "float32"),
    Form("floats", "with gaps, as Float64", lambda column: column.astype("Float64"), False, _with_gaps),  # noqa: FBT003
    _as("integers", "float64"),
    _as("integers", "int32"),
    _as("integers", "Int64", strict=False),
    _as("booleans", "boolean", strict=False),
    _as("words", "category"),
    _as("words", "object"),
    _as("words", "str"),
    _as("words", "string", strict=False),
    _as("categories", "object"),
    _as("categories", "str"),
    *(_as("times", f"datetime64[{unit}]") for unit in ("s", "ms", "us", "ns")),
    Form("times", "as times in UTC", lambda column: column.dt.tz_localize("UTC"), False),  # noqa: FBT003
    *(_in_zone(zone) for zone in ("UTC", "Asia/Kolkata")),
)


def kind_of(column: Any) -> str:
    """What a column holds: floats, integers, booleans, words, categories of words, times, times of a zone or else."""
    import pandas as pd

    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "categories" if _are_words(dtype.categories) else "else"
    if isinstance(dtype, pd.DatetimeTZDtype):
        return "times of a zone"
    if isinstance(dtype, np.dtype) and dtype.kind in "fiubM":
        return {"f": "floats", "i": "integers", "u": "integers", "b": "booleans", "M": "times"}[dtype.kind]
    return "words" if _are_words(column.dropna()) else "else"


def _are_words(values: Any) -> bool:
    return len(values) > 0 and all(isinstance(value, str) for value in values)


@law("A value means the same in whatever type its column holds it.", needs=("frame",))
def column_types(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    kinds = {name: kind_of(data.X_test[name]) for name in data.X_test.columns}
    judged = 0
    for form in FORMS:
        names = [name for name, kind in kinds.items() if kind == form.kind]
        pair = _both(data.X_test, names, form) if names else None
        if pair is not None:
            judged += _answered_alike(subject, model, pair, f"{form.kind} {form.what}", strict=form.strict)
    if not judged:
        raise NotApplicable("no column can be held in another type that it takes")


def _both(X: Any, names: list[Any], form: Form) -> tuple[Any, Any] | None:
    """Rows without gaps in some columns, and the same with these columns in another type; None where they have it."""
    known = X[X[names].notna().all(axis=1).to_numpy()]
    plain = known.assign(**{name: form.plain(known[name]) for name in names})
    try:
        other = plain.assign(**{name: form.convert(plain[name]) for name in names})
    except (TypeError, ValueError, OverflowError):
        return None
    unchanged = all(other[name].dtype == plain[name].dtype for name in names)
    return None if unchanged or not len(known) or not _lossless(plain, other, names) else (plain, other)


def _lossless(plain: Any, other: Any, names: list[Any]) -> bool:
    """Whether the other type holds the very values, as seconds do not hold parts of them."""
    return all(
        other[name].dtype.kind != "M" or bool((other[name] == plain[name]).all())
        for name in names
        if plain[name].dtype.kind == "M"
    )


def _answered_alike(subject: Subject, model: Any, pair: tuple[Any, Any], what: str, *, strict: bool) -> bool:
    """Whether there was something to compare, and it was alike."""
    plain, other = pair
    want = subject.try_ask(model, plain, doing="rows of other values")
    if isinstance(want, Refused):
        return False
    try:
        got = subject.try_ask(model, other, doing=f"rows with {what}")
    except Exception:
        if strict:
            raise
        return False
    if isinstance(got, Refused) or (not strict and _of_other_types(got, want)):
        return False
    claim = f"rows with {what} are answered like the same values in their usual type, or refused"
    tolerance = SINGLE if "float32" in what else max(subject.declares.tolerance, 1e-6)
    same(got, want, claim, tolerance=tolerance, X=other)
    return True


def _of_other_types(got: Answers, want: Answers) -> bool:
    """Whether an answer holds objects, as sums of odd types do."""
    return any(got[name].dtype.kind == "O" != want[name].dtype.kind for name in got)


LAWS = (column_types,)
