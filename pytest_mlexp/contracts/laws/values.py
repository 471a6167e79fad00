"""Laws on the numbers: types, memory layout, whole numbers, NaN and infinity."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.fitted import Answers
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

SINGLE = 1e-4


@law("Fortran order, strides, views and read-only memory change no answer.", needs=("numeric",))
def memory_layout(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    X = data.X_test
    want = subject.expected(data, model)
    wide = np.zeros((2 * len(X), 2 * X.shape[1]))
    wide[::2, ::2] = X
    wide[1::2] = 77.0
    table = np.column_stack([X, np.arange(len(X)) % 2])
    frozen = np.asfortranarray(X)
    frozen.setflags(write=False)
    forms = {
        "in Fortran order, read-only": frozen,
        "in Fortran order": np.asfortranarray(X),
        "as every second row and column of a larger array": wide[::2, ::2],
        "as all but the last column of a table": table[:, :-1],
        "as a view with negative strides": X[::-1, ::-1].copy()[::-1, ::-1],
    }
    for number, (what, form) in enumerate(forms.items()):
        methods = tuple(want) if number < 3 else tuple(want)[number % len(want) :][:1]
        if "negative" in what:  # which PyTorch refuses, with a clear error
            got = subject.try_ask(model, form, doing=f"rows {what}", methods=methods)
            if isinstance(got, Refused):
                continue
        else:
            got = subject.answers(model, form, methods=methods)
        some = {method: want[method] for method in methods}
        same(got, some, f"rows {what} are answered alike", tolerance=subject.declares.tolerance, X=X)


@law("float32 and float64 of the same numbers are answered alike.", needs=("numeric",))
def single_precision(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    want = subject.expected(data, model)
    got = subject.answers(model, data.X_test.astype(np.float32))
    same(got, want, "float32 rows are answered like float64 rows of the same numbers", tolerance=SINGLE, X=data.X_test)
    if subject.declares.categorical or not subject.trains:
        return
    large = (data.X_test * 2.0**66).astype(np.float32)
    want, got = (subject.try_ask(model, rows, doing="large rows") for rows in (large.astype(np.float64), large))
    if not isinstance(want, Refused) and not isinstance(got, Refused) and _all_finite(want):
        same(
            got, want, "large float32 rows are answered like float64 rows of the same numbers", tolerance=1e-3, X=large
        )


def _all_finite(answers: Answers) -> bool:
    return all(answer.dtype.kind != "f" or bool(np.isfinite(answer).all()) for answer in answers.values())


def ordinary(subject: Subject, data: Data) -> Answers:
    """The answers of a model fitted on data, to their test rows, which it may refuse.

    Raises:
        NotApplicable: it does.
        Broken: it crashes.
    """
    with suppress(Broken):
        return subject.expected(data)
    return subject.asked(subject.fitted(data), data.X_test)


@law("NaN and infinity at predict are handled or refused, never turned into nonsense.", needs=("numeric",))
def odd_values_at_predict(subject: Subject, case: Case) -> None:
    if not subject.trains:
        raise NotApplicable("it has no fit, and a formula of NaN is NaN")
    if _refuses_all(subject, subject.data(case)):
        return
    # Away from zero, so that a gap that is taken for zero is far off.
    data = subject.data(case, shift=0.0 if subject.declares.categorical else 64.0)
    model = subject.fitted(data)
    clean = subject.expected(data, model)
    for what, value, columns in (
        ("NaN", np.nan, (-1, 0)),
        ("infinity", np.inf, (-1,)),
        ("minus infinity", -np.inf, (0,)),
    ):
        if subject.declares.positive_only and value < 0:
            continue
        for column in columns:
            X = data.X_test.copy()
            X[:, column] = value
            for method in subject.main_methods(model):
                got = subject.try_ask(model, X, doing=f"rows with {what}", methods=(method,))
                if not isinstance(got, Refused):
                    _sensible(subject, got, clean, f"{what} in column {column}", X)
                    _in_range(got, data, f"{what} in column {column}", X)
                    _alone(subject, model, got, X)
                elif what == "NaN" and subject.declares.allows_nan:
                    raise Broken("NaN is handled, as declared", str(got), X=X)
        _others_unmoved(subject, model, clean, data.X_test, value)


def _refuses_all(subject: Subject, data: Data) -> bool:
    """Whether one odd value anywhere in the rows is refused by every method, so that nothing is made of it."""
    if subject.declares.allows_nan:
        return False
    model = subject.fitted(data)
    for value, column in ((np.nan, -1), (np.nan, 0), (np.inf, -1), (-np.inf, 0)):
        X = data.X_test.copy()
        X[len(X) // 2, column] = value
        for method in subject.main_methods(model):
            if not isinstance(subject.try_ask(model, X, doing=f"one {value}", methods=(method,)), Refused):
                return False
    return True


def _others_unmoved(subject: Subject, model: Any, clean: Answers, X_test: Any, value: float) -> None:
    """What stands in one row changes no other row's answer."""
    X = X_test.copy()
    X[0, 0] = value
    got = subject.try_ask(model, X, doing=f"one {value}")
    if not isinstance(got, Refused):
        rest = {name: answer[1:] for name, answer in got.items()}
        check_finite(rest, f"{value} in another row", X)
        want = {name: answer[1:] for name, answer in clean.items()}
        claim = f"{value} in one row changes no other row's answer"
        same(rest, want, claim, tolerance=subject.declares.tolerance, X=X)


def _alone(subject: Subject, model: Any, batch: Answers, X: Any) -> None:
    """A gap is filled from what was learnt, not from the rows beside it."""
    for row in range(2):
        got = subject.try_ask(model, X[row : row + 1], doing="one such row alone", methods=tuple(batch))
        if not isinstance(got, Refused):
            want = {name: answer[row : row + 1] for name, answer in batch.items()}
            claim = "a row with a gap or infinity gives alone what it gives in the batch"
            same(got, want, claim, tolerance=subject.declares.tolerance, X=X)


def _in_range(got: Answers, data: Data, what: str, X: Any) -> None:
    """A regression that handles a gap predicts what it might without it."""
    if (
        "predict" not in got
        or got["predict"].dtype.kind != "f"
        or not isinstance(data.y, np.ndarray)
        or data.y.dtype.kind != "f"
    ):
        return
    low, high = float(data.y.min()), float(data.y.max())
    found = got["predict"]
    if found.min() < low - (high - low) or found.max() > high + (high - low):
        claim = f"rows with {what} are refused, or predicted somewhere near the training targets"
        raise Broken(
            claim, f"from {found.min():.3g} to {found.max():.3g}; the targets lie in {low:.3g} to {high:.3g}", X=X
        )


def check_finite(answers: Answers, what: str, X: Any) -> None:
    """Check that all numbers are finite.

    Raises:
        Broken: one is not.
    """
    for method, answer in answers.items():
        numbers = answer.dtype.kind == "f"
        if numbers and not np.isfinite(answer).all():
            raise Broken(f"{method} of rows with {what} is finite, or they are refused", f"{answer[:4]}", X=X)


def _sensible(subject: Subject, got: Answers, clean: Answers, what: str, X: Any) -> None:
    check_finite({n: a for n, a in got.items() if n != "decision_function"}, what, X)
    if "predict" not in got:
        return
    answer, wanted = got["predict"], clean["predict"]
    if answer.shape != wanted.shape:
        raise Broken(f"rows with {what} get one prediction each", f"shape {answer.shape}", X=X)
    constant = len(set(answer.ravel().tolist())) == 1 and len(set(wanted.ravel().tolist())) > 1
    if constant and not subject.declares.allows_nan:
        raise Broken(
            f"{what} in one column that says nothing is refused, or costs little",
            f"every row is predicted {answer.ravel()[0]!r}",
            X=X,
        )


@law(
    "NaN and infinity at fit, in inputs or targets, are handled or refused.", needs=("numeric", "trained", "validates")
)
def odd_values_at_fit(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    for what, X, y in _odd_fits(subject, data):
        model = subject.try_fit(X, y, doing=f"a fit with {what}")
        if isinstance(model, Refused):
            if what == "NaN in the inputs" and subject.declares.allows_nan:
                raise Broken("NaN is handled, as declared", str(model), X=X)
            continue
        if "targets" in what or "negative" in what:
            raise Broken(f"{what} is refused at fit", "it was fitted", X=X, y=y)
        got = subject.try_ask(model, data.X_test, doing=f"ordinary rows after a fit with {what}")
        if not isinstance(got, Refused):
            clean = subject.expected(data)
            _sensible(subject, got, clean, f"ordinary numbers, after a fit with {what},", X)


def _odd_fits(subject: Subject, data: Data) -> list[tuple[str, Any, Any]]:
    found = [("negative numbers, declared positive only,", -data.X, data.y)] if subject.declares.positive_only else []
    for name, value in {"NaN": np.nan, "infinity": np.inf}.items():
        X = data.X.copy()
        X[::5, -1] = value
        found.append((f"{name} in the inputs", X, data.y))
        if isinstance(data.y, np.ndarray) and data.y.dtype.kind == "f":
            y = data.y.copy()
            y[1] = value
            found.append((f"{name} in the targets", data.X, y))
    return found


LAWS = (
    memory_layout,
    single_precision,
    odd_values_at_predict,
    odd_values_at_fit,
)
