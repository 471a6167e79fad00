"""Laws on resources: memory and work do not grow call by call, nor fit by fit."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from pytest_mlexp.blocks.splitting import row_count, take
from pytest_mlexp.contracts.data import Case, is_texts
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.refit import LEAST_GROWTH
from pytest_mlexp.contracts.own_code import counted_lines, homes_of, state_size
from pytest_mlexp.contracts.subject import Subject

WINDOW = 1
LONG = 4200  # more than a cache commonly holds, which only a suspect is asked
LATE = 400
STEP = 100
_STARTS = itertools.count()


@law("Memory does not grow call by call.")
def memory_is_bounded(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    X = data.X_test
    # Other rows in each call, for whoever remembers them, and others than another model was asked before.
    numbers = itertools.count(next(_STARTS) % 61 / 64)
    methods = subject.main_methods(model)

    def calls(count: int) -> None:
        for _ in range(count):
            subject.try_ask(model, _others(X, next(numbers)), doing="one call of many", methods=methods)

    calls(1)
    sizes = [state_size(model)]
    for _ in range(2):
        calls(WINDOW)
        sizes.append(state_size(model))
    if not _grows(sizes, WINDOW):
        return
    # One row a call from here on, so that a cache with a limit fills, whether it keeps rows or batches.
    X = take(X, [0])
    for method in methods if len(methods) > 1 else ():
        before, methods = state_size(model), (method,)
        calls(WINDOW)
        if _grows([before, state_size(model)], WINDOW):
            break
    after, late = _late_growth(model, calls)
    if late > max(LATE, (after - sizes[0]) * LATE / (LONG + LATE)) / 2:
        raise Broken(
            "calls leave nothing behind, or no more than a limit",
            f"{late} bytes more after {LONG + LATE} calls than after {LONG}, in the model, its class or its module",
            X=data.X_test,
        )


def _late_growth(model: Any, calls: Callable[[int], None]) -> tuple[int, int]:
    """The largest state in a long series of calls, and how far it grew in the last of them.

    It is the largest so far that counts, as a cache that is emptied when it is full goes up and down.
    """
    largest: list[int] = []
    while len(largest) * STEP < LONG + LATE:
        calls(STEP)
        largest.append(max([state_size(model), *largest[-1:]]))
        if len(largest) * STEP > LATE and _late(largest) < LATE / 2:
            break  # full, whatever its limit
    return largest[-1], _late(largest)


def _late(largest: list[int]) -> int:
    return largest[-1] - largest[-1 - LATE // STEP]


def _others(X: Any, number: float) -> Any:
    """Rows that differ from call to call, as far as they can."""
    if is_texts(X):
        return [f"{text} {number}" for text in X]
    if hasattr(X, "dtype") and X.dtype.kind == "f":
        return X + number * 2.0**-12
    if hasattr(X, "select_dtypes"):
        return X.assign(**{name: X[name] + number * 2.0**-12 for name in X.select_dtypes("float")})
    return take(X, [int(number) % row_count(X, what="X")])


def _grows(sizes: list[int], calls: int) -> bool:
    return all(later - earlier >= calls for earlier, later in pairwise(sizes))


@law("Fitting again does not make the model larger.", needs=("trained", "deterministic"))
def refit_does_not_grow(subject: Subject, case: Case) -> None:
    if subject.declares.warm_start:
        raise NotApplicable("warm_start is set: a fit goes on from the one before")
    data = subject.data(case)
    if ("refit_does_not_grow", data.key) in subject.settled:
        return
    model = subject.fitted(data)
    sizes = [state_size(model)]
    for _ in range(2):
        subject.train(model, data.X, data.y)
        sizes.append(state_size(model))
        if sizes[-1] - sizes[-2] < LEAST_GROWTH:
            break
    else:
        raise Broken("a model fitted three times on the same data keeps its size", f"{sizes} bytes of state", X=data.X)


@law("Work does not grow call by call.", needs=("own_code",))
def work_is_bounded(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    counts = []
    for _ in range(3):
        with counted_lines(homes_of(model)) as count:
            subject.answers(model, data.X_test)
        counts.append(count())
        for _ in range(12):
            subject.answers(model, data.X_test)
    if counts[2] > counts[1] > counts[0] and counts[2] - counts[1] >= 6:
        raise Broken("the same call costs the same each time", f"lines of Python run: {counts}", X=data.X_test)


LAWS = (memory_is_bounded, refit_does_not_grow, work_is_bounded)
