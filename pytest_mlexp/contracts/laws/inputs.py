"""Laws on how inputs come: frames and their indexes, columns by name, wrong widths."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from pytest_mlexp.blocks.splitting import row_count
from pytest_mlexp.contracts.compare import gap, same
from pytest_mlexp.contracts.data import Case, Data, framed
from pytest_mlexp.contracts.fitted import Answers, as_array
from pytest_mlexp.contracts.law import Broken, Crashed, NotApplicable, law
from pytest_mlexp.contracts.laws.values import ordinary
from pytest_mlexp.contracts.laws.whole import whole_rows
from pytest_mlexp.contracts.refusals import Refused, is_refusal, told
from pytest_mlexp.contracts.subject import Subject

TOLERANCE = 1e-6


def shuffled_words(rows: int) -> list[str]:
    """Such an index as a frame may have after shuffling, joining or grouping: words in no order, some of them twice."""
    return [f"row {i // 2}" for i in np.random.default_rng(5).permutation(rows)]


@law("The index of a frame, its type, order and gaps do not matter.", needs=("table",))
def frame_index(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    rows = row_count(data.X_test, what="X")
    on_plain, model = _fitted_on_frame(subject, data)
    want = _on_frame(subject, on_plain, data)
    X = framed(data.X_test, shuffled_words(rows))
    claim = "a frame whose index has words in no order, some of them twice, is answered row by row like one without"
    same({**want, **subject.answers(model, X, methods=("predict",))}, want, claim, tolerance=TOLERANCE, X=X)
    if subject.trains and not on_plain.X_test.index.isin(on_plain.X.index).all():
        labels = np.resize(np.asarray(on_plain.X.index), rows)
        X = on_plain.X_test.set_axis(labels, axis=0)
        claim = "rows that bear index labels of training rows are answered like rows that do not"
        same(subject.answers(model, X), want, claim, tolerance=TOLERANCE, X=X)


@law("At fit, rows of inputs and targets belong together by position, whatever the index.", needs=("table", "trained"))
def index_at_fit(subject: Subject, case: Case) -> None:
    import pandas as pd

    if subject.declares.nondeterministic:
        raise NotApplicable("two fits may differ")
    data = subject.data(case)
    if not isinstance(data.y, np.ndarray) or data.y.ndim > 1:
        raise NotApplicable("targets are no flat array")
    if _alike_on_a_frame_of_all_kinds(subject, case):
        return
    y = pd.Series(data.y, name="y")
    on_plain, model = _fitted_on_frame(subject, data)
    want = _on_frame(subject, on_plain, data)
    words = [f"row {i}" for i in range(len(data))]
    # The same words in another order: neither can be looked up by position, nor one by the other.
    X, targets = framed(data.X, words), y.set_axis(words[::-1])
    model = subject.try_fit(X, targets, doing="a fit on an index of words")
    if isinstance(model, Refused):
        raise NotApplicable(f"refuses an index of words: {model}")
    got = subject.answers(model, on_plain.X_test)
    claim = (
        "trained on inputs and targets that have words in another order as their index, it is the model of a plain one"
    )
    same(got, want, claim, tolerance=TOLERANCE, X=X, y=targets)


@law(
    "Rows that were shuffled with their index, inputs and targets alike, are learnt from.",
    needs=("table", "trained", "own_code"),
)
def shuffled_rows(subject: Subject, case: Case) -> None:
    import pandas as pd

    data = subject.data(case)
    if subject.declares.nondeterministic or not isinstance(data.y, np.ndarray) or data.y.ndim > 1:
        raise NotApplicable("two fits may differ, or targets are no flat array")
    on_plain, _ = _fitted_on_frame(subject, data)
    want = _on_frame(subject, on_plain, data)
    index = np.random.default_rng(case.seed).permutation(2 * len(data))[: len(data)]  # as of a part of a split
    X, y = framed(data.X, index), pd.Series(data.y, name="y", index=index)
    got = subject.answers(subject.train(subject.build(), X, y), on_plain.X_test)
    same(got, want, "trained on a shuffled part of a table, it is the model of the rows", tolerance=TOLERANCE, X=X, y=y)


@law("A frame and an array of the same numbers are answered alike.", needs=("table", "numeric"))
def frame_and_array(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    on_plain, on_frame = _fitted_on_frame(subject, data)
    plain, want = on_plain.X_test, _on_frame(subject, on_plain, data)
    got = subject.try_ask(on_frame, data.X_test, doing="an array after a fit on a frame")
    if not isinstance(got, Refused):
        same(got, want, "an array is answered like the frame of its numbers", tolerance=TOLERANCE, X=data.X_test)
    on_array = subject.fitted(data)
    want = subject.expected(data, on_array)
    got = subject.try_ask(on_array, plain, doing="a frame after a fit on an array", methods=tuple(want)[-1:])
    if not isinstance(got, Refused):
        same({**want, **got}, want, "a frame is answered like the array of its numbers", tolerance=TOLERANCE, X=plain)
    _as_good(subject, on_plain, data)


def _as_good(subject: Subject, on_plain: Data, data: Data) -> None:
    """Fits may differ in rounding, but not in what they learnt."""
    if not subject.trains or subject.declares.nondeterministic:
        return
    one, other = subject.expected(on_plain)["predict"], subject.expected(data)["predict"]
    numeric = one.dtype.kind == "f"
    limit = 0.3 * float(np.std(np.asarray(data.y, dtype=float))) + 1e-9 if numeric else 0.25
    if one.shape != other.shape or gap(one, other) > limit:
        claim = "a fit on a frame learns what a fit on the array of its numbers learns"
        raise Broken(claim, f"mean difference of predictions {gap(one, other):.3g}", X=on_plain.X_test)


@law(
    "A frame of integer, boolean and single-precision columns is the frame of their numbers.",
    needs=("table", "numeric", "trained"),
)
def mixed_columns(subject: Subject, case: Case) -> None:
    if subject.declares.nondeterministic:
        raise NotApplicable("two fits may differ")
    data = whole_rows(subject, case)
    if isinstance(data.X, np.ndarray) and data.X.shape[1] < 2:
        raise NotApplicable("there is one column only")
    if _alike_on_a_frame_of_all_kinds(subject, case):
        return
    model = subject.try_fit(_mixed(framed(data.X)), data.y, doing="a fit on columns of several types")
    if isinstance(model, Refused):
        raise NotApplicable(f"refuses mixed columns: {model}")
    got = subject.asked(model, framed(data.X_test).astype(np.int64))
    claim = "columns of several types, at fit, and of integers, at predict, mean their numbers"
    try:
        same(got, ordinary(subject, data), claim, tolerance=1e-4)
    except Broken:  # of some a frame's layout makes another model than an array's
        want = ordinary(subject, data.framed())
        same(got, want, claim, tolerance=1e-4, X=_mixed(framed(data.X)), y=data.y)


def _mixed(frame: Any) -> Any:
    """The frame with a column of integers and one of single precision."""
    first, second = frame.columns[:2]
    return frame.assign(**{first: frame[first].astype(np.int64), second: frame[second].astype(np.float32)})


def _alike_on_a_frame_of_all_kinds(subject: Subject, case: Case) -> bool:
    """Whether one fit on mixed columns with an odd index answers like one on arrays, so that neither does harm."""
    import pandas as pd

    if case not in subject.mixed:
        subject.mixed[case] = False
        with suppress(Broken, NotApplicable):
            data = whole_rows(subject, case)
            if isinstance(data.X, np.ndarray) and data.X.shape[1] > 1 and np.ndim(data.y) == 1:
                words = [f"row {i}" for i in range(len(data))]
                X, y = _mixed(framed(data.X, words)), pd.Series(data.y, name="y", index=words[::-1])
                model, want = subject.train(subject.build(), X, y), ordinary(subject, data)
                got = subject.answers(model, framed(data.X_test).astype(np.int64), methods=tuple(want)[-1:])
                same({**want, **got}, want, "", tolerance=TOLERANCE)
                subject.mixed[case] = True
    return subject.mixed[case]


@law("Reordered columns of a frame are matched by name or refused.", needs=("table", "trained"))
def reordered_columns(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    on_plain, model = _fitted_on_frame(subject, data)
    plain = on_plain.X_test
    if plain.shape[1] < 2:
        raise NotApplicable("there is one column only")
    want = _on_frame(subject, on_plain, data)
    for order in (list(plain.columns[::-1]), sorted(plain.columns)):
        if order == list(plain.columns):
            continue
        shuffled = plain[order]
        got = _asked(subject, model, shuffled, order)
        if not isinstance(got, Refused):
            claim = f"columns in the order {order} are matched by name, or refused"
            same(got, want, claim, tolerance=TOLERANCE, X=shuffled)


@law("A missing column, or one too many or too few, is a clear error.", needs=("fit", "validates"))
def wrong_width(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    if isinstance(data.X_test, np.ndarray):
        columns = data.X_test.shape[1]
        wider = np.column_stack([data.X_test, data.X_test[:, :1]])
        # As many rows as columns, or a multiple: the cells could be cut anew into rows of the right width.
        divides = data.X_test[: max(len(data.X_test) // columns, 1) * columns]
        tries: dict[str, Any] = {
            f"{columns + 1} columns instead of {columns}": wider,
            f"{2 * columns} columns instead of {columns}": np.column_stack([data.X_test, data.X_test]),
        }
        if columns > 1:
            tries[f"{columns - 1} columns instead of {columns}"] = divides[:, :-1]
            tries[f"1 column instead of {columns}"] = divides[:, :1]
        _refused(subject, model, tries, [])
    if subject.takes_frames() and framed(data.X_test).shape[1] > 1:
        on_plain, on_frame = _fitted_on_frame(subject, data)
        plain = on_plain.X_test
        first, *_, last = plain.columns
        tries = {f"a frame without the column {name!r}": plain.drop(columns=[name]) for name in (first, last)}
        tries[f"a frame in which {first!r} has another name"] = plain.rename(columns={first: "another_name"})
        _refused(subject, on_frame, tries, list(plain.columns))


def _refused(subject: Subject, model: Any, tries: dict[str, Any], columns: list[str]) -> None:
    """Check that all methods refuse the first of these rows, and ``predict`` the others."""
    methods = subject.methods(model)
    for what, X in tries.items():
        for method in methods:
            got = _asked(subject, model, X, columns, method)
            if not isinstance(got, Refused):
                raise Broken(f"{method} of {what} is refused", f"it answers {got[method]!r:.100}", X=X)
        methods = ("predict",)


def _asked(subject: Subject, model: Any, X: Any, columns: list[str], method: str | None = None) -> Any:
    """As ``try_ask``; a KeyError that names a column is as clear as pandas gets."""
    call: Callable[[], Any] = lambda: {  # noqa: E731
        name: as_array(subject.ask(model, name, X)) for name in ([method] if method else subject.methods(model))
    }
    try:
        return call()
    except Exception as error:
        named = isinstance(error, KeyError) and any(column in str(error) for column in columns)
        if named or is_refusal(error, accidents=True):
            return Refused(error)
        claim = "columns that do not fit are refused with a ValueError that says so"
        raise Broken(claim, told(error), X=X) from error


@law("Inputs and targets of different lengths are refused.", needs=("trained", "numeric", "validates"))
def different_lengths(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    for what, X, y in (
        ("one target less than rows", data.X, data.y[:-1]),
        ("one row less than targets", data.X[:-1], data.y),
    ):
        model = subject.try_fit(X, y, doing=f"a fit with {what}")
        if not isinstance(model, Refused):
            raise Broken(f"a fit with {what} is refused", f"it is fitted on {len(X)} rows and {len(y)} targets")


def _fitted_on_frame(subject: Subject, data: Data) -> tuple[Data, Any]:
    """The data as frames, and the model fitted on them."""
    frames = subject.framed(data)
    return frames, subject.fitted(frames)


def _on_frame(subject: Subject, on_plain: Data, data: Data) -> Answers:
    """What a model fitted on frames answers to one, which it may refuse where arrays were declared.

    Raises:
        NotApplicable: it does, or it is a function of arrays to which frames are foreign.
        Broken: it crashes.
    """
    if on_plain.X_test is data.X_test:
        return subject.expected(on_plain)
    try:
        return ordinary(subject, on_plain)
    except Crashed as crashed:
        if subject.trains:
            raise
        raise NotApplicable(f"a function of arrays, which cannot do with frames: {crashed.seen}") from crashed


LAWS = (
    frame_index,
    index_at_fit,
    shuffled_rows,
    frame_and_array,
    mixed_columns,
    reordered_columns,
    wrong_width,
    different_lengths,
)
