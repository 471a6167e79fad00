"""Laws on side effects: a model keeps its hands off the caller's data and off its own past answers."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import numpy as np

from pytest_mlexp.blocks.digest import digest_of
from pytest_mlexp.blocks.splitting import row_count, take
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data, copied, framed, is_texts, odd_texts
from pytest_mlexp.contracts.fitted import as_array
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.second import larger, second_fit
from pytest_mlexp.contracts.subject import Subject
from pytest_mlexp.contracts.untouched import changed, identical, remembered


@law("Inputs, targets and weights are never changed, as arrays or as frames.")
def inputs_unchanged(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    try:
        subject.fit_of(data)
    except Broken as crashed:
        raise NotApplicable("fitting on ordinary data crashes, as the law prediction_shape tells") from crashed
    for form in _forms(subject, data):
        fit = subject.fit_of(form)
        _unchanged((form.X, form.y), (fit.X, fit.y), "fit")
        model = subject.fitted(form)
        methods = subject.methods(model) if form is data else subject.main_methods(model)[:1]
        batches = [form.X] if subject.declares.categorical else _odd(data.X if _is_matrix(data.X) else form.X)
        if form is not data and _is_matrix(data.X):
            batches = [framed(rows) for rows in batches[-1:]]  # what is clipped in place was seen in the array
        for rows in batches:
            _rows_stay(subject, model, rows, methods)


def _rows_stay(subject: Subject, model: Any, rows: Any, methods: tuple[str, ...]) -> None:
    X = copied(rows)
    for method in methods:
        with suppress(Exception):  # another law judges what is raised
            subject.ask(model, method, X, watched=False)
        if changed(X, remembered(rows)):
            raise Broken(f"{method} leaves its inputs as they are", f"{method} changed them", X=rows)


def _odd(X: Any) -> list[Any]:
    """Rows as they are beside far numbers, and gaps: what is clipped and what is filled."""
    if _is_matrix(X) and X.dtype.kind == "f":
        far, gaps = X.copy(), X.copy()
        far[::2] = np.sign(X[::2]) * 1e5
        gaps[::3, 0], gaps[1::3, -1] = np.nan, np.inf
        return [far, gaps]
    if hasattr(X, "select_dtypes") and len(numbers := X.select_dtypes("float").columns):
        far = np.arange(len(X)) % 2 == 0
        distant = {name: X[name].mask(far, np.sign(X[name]) * 1e5) for name in numbers}
        return [X.assign(**distant), X.assign(**{numbers[0]: np.nan})]
    return [X]


def _is_matrix(X: Any) -> bool:
    return isinstance(X, np.ndarray) and X.ndim == 2


def _forms(subject: Subject, data: Data) -> Iterator[Data]:
    """The data as they are, numbers as a frame too, and texts with odd ones among them."""
    yield data
    if _is_matrix(data.X):
        yield subject.framed(data)
    if is_texts(data.X):
        odd = odd_texts(data.X)
        y = data.y if data.y is None else take(data.y, [*range(len(data.y)), *range(len(odd))])
        yield Data([*data.X, *odd], y, data.X_test, data.y_test, ("odd texts", data.key))


def _unchanged(before: tuple[Any, Any], after: tuple[Any, Any], method: str) -> None:
    if not all(identical(one, other) for one, other in zip(before, after, strict=True)):
        raise Broken(f"{method} leaves its inputs as they are", f"{method} changed them", X=before[0])


@law("Read-only memory is taken like any other.", needs=("numeric",))
def read_only_inputs(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    if second_fit(subject, data) is not None:
        return
    X, y, X_test = data.X.copy(), np.array(data.y), data.X_test.copy()
    for array in (X, y, X_test):
        array.setflags(write=False)
    want = subject.expected(data)
    got = subject.answers(subject.train(subject.build(), X, y), X_test)
    if not subject.declares.nondeterministic:
        same(got, want, "read-only arrays give what writable ones give", tolerance=subject.declares.tolerance, X=X)


@law("Predicting again, in any order and between other calls, changes nothing.")
def repeated_predict(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    X = data.X_test
    first, raw = subject.expected(data, model, methods=subject.methods(model)), _raw(subject, model, X)
    _same(subject, {n: as_array(a) for n, a in raw.items()}, first, "a second call gives what the first gave", X)
    kept = {name: as_array(given) for name, given in raw.items()}
    # One of the same size alone, for whoever writes into the same memory as long as the size is the same.
    same_size = take(X, np.arange(row_count(X, what="X"))[::-1])
    for other in (same_size, take(data.X, range(7))):
        subject.try_ask(model, other, doing="other rows", methods=tuple(first))
        _same(subject, {n: as_array(a) for n, a in raw.items()}, kept, "earlier outputs stay as they were", X)
    # In another order than before.
    got = {name: subject.answers(model, X, methods=(name,))[name] for name in reversed(first)}
    _same(subject, got, first, "calls on other rows, and in another order, change no later answer", X)


def _raw(subject: Subject, model: Any, X: Any) -> dict[str, Any]:
    # Not in the usual order: what predict sets up is not there yet for a method that is asked first.
    return {method: subject.ask(model, method, X) for method in reversed(subject.methods(model))}


@law("What a caller does with an answer changes neither the inputs nor later answers.")
def outputs_are_own(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    X = copy.deepcopy(data.X_test)
    before, first = digest_of(X), subject.expected(data, model)
    for method in subject.methods(model):
        answer = subject.ask(model, method, X)
        if isinstance(answer, np.ndarray) and answer.flags.writeable and answer.size:
            answer[...] = answer.flat[0] if answer.dtype.kind != "f" else -12345.0
    if digest_of(X) != before:
        raise Broken("answers share no memory with the inputs", "writing to an answer changed the inputs", X=X)
    _same(subject, subject.answers(model, X), first, "writing to an answer changes no later answer", X)


@law(
    "Trained on a part of a larger array, it knows nothing of the rest.", needs=("numeric", "trained", "deterministic")
)
def rest_of_the_array_is_unseen(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    if second_fit(subject, data) is not None:
        return
    rows, (inputs, targets) = len(data), larger(data)
    got = subject.answers(subject.train(subject.build(), inputs[:rows], targets[:rows]), data.X_test)
    claim = "trained on the first rows of an array, it answers as trained on a copy of them"
    _same(subject, got, subject.expected(data), claim, data.X)


@law("Scoring against targets changes no prediction.", needs=("score",))
def targets_cannot_influence(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    first = subject.expected(data, model)
    targets = data.y_test[::-1].copy()
    try:
        with subject.watched("score", data.X_test, targets):
            model.score(data.X_test, targets)
    except Exception as error:
        raise NotApplicable(f"score does not take test rows and targets: {error!r:.80}") from error
    claim = "targets of test rows influence no prediction of them"
    got = subject.answers(model, data.X_test, methods=("predict",))
    _same(subject, {**first, **got}, first, claim, data.X_test)


def _same(subject: Subject, got: Any, want: Any, claim: str, X: Any) -> None:
    # The same model on the same rows: BLAS may differ in the last digits between batches of different sizes only.
    same(got, want, claim, tolerance=min(subject.declares.tolerance, 1e-6), X=X)


LAWS = (
    inputs_unchanged,
    read_only_inputs,
    repeated_predict,
    outputs_are_own,
    rest_of_the_array_is_unseen,
    targets_cannot_influence,
)
