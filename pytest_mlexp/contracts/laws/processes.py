"""Laws on other processes and on threads: what a model answers does not depend on where it is asked."""

from __future__ import annotations

import functools
import itertools
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

import cloudpickle
import numpy as np

from pytest_mlexp.blocks.splitting import take
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data, fit_case, is_texts
from pytest_mlexp.contracts.elsewhere import Elsewhere
from pytest_mlexp.contracts.fitted import Answers, as_array
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.own_code import homes_of, own_code
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import JOBS, Subject
from pytest_mlexp.execution.seeding import seeded

WORDS = ("amber", "beryl", "coral", "flint", "jade", "marl", "onyx", "opal", "ruby", "slate", "topaz")
PATIENCE = 1.0
MOST_VISITS = 2
_elsewhere = Elsewhere()


def _answers(model: Any, X: Any, methods: tuple[str, ...]) -> Answers:
    return {m: as_array(getattr(model, m)(X) if hasattr(model, m) else model(X)) for m in methods}


def _loaded_answers(payload: bytes, batches: list[Any], methods: tuple[str, ...]) -> list[Answers]:
    import warnings

    warnings.simplefilter("ignore")
    return [_answers(cloudpickle.loads(payload), X, methods) for X in batches]


def _fitted_answers(payload: bytes, data: tuple[Any, Any, Any], methods: tuple[str, ...]) -> Answers:
    import warnings

    warnings.simplefilter("ignore")
    model = cloudpickle.loads(payload)
    X, y, X_test = data
    with seeded(0):
        model.fit(X, y)
    return _answers(model, X_test, methods)


@law("Saved here and loaded in another process, it answers alike.")
def loads_in_another_process(subject: Subject, case: Case) -> None:
    data = _worded(subject, case)
    model = subject.fitted(data)
    want = subject.expected(data, model)
    # Rows much like those that were asked about here, and which the other process hears of first.
    near = _near(data.X_test)
    here = subject.try_ask(model, near, doing="rows", methods=tuple(want))
    known = [(data.X_test, want)] if isinstance(here, Refused) else [(near, here), (data.X_test, want)]
    try:
        found = _elsewhere.call(_loaded_answers, packed(model), [X for X, _ in known], tuple(want))
    except Exception as error:
        raise Broken("a saved model can be loaded and asked in another process", f"{error}") from error
    for (X, wanted), got in zip(known, found, strict=True):
        same(got, wanted, "in another process it answers alike", tolerance=1e-9, X=X)


def _worded(subject: Subject, case: Case) -> Data:
    """The data with words as labels that a set holds in another order there than here, where the model takes them."""
    classes = fit_case(subject.declares, case).classes
    if subject.trains and subject.declares.task == "classification" and classes < 4 and not subject.declares.given:
        data = subject.data(case, labels=_labels_apart())
        with suppress(NotApplicable):
            subject.fit_of(data)
            return data
    return subject.data(case)


@functools.cache
def _labels_apart() -> tuple[str, ...]:
    """Three words that a set holds in one order here and in another there, and so it does the first two of them."""
    triples = list(itertools.combinations(WORDS, 3))
    orders = zip(triples, _set_orders(triples), _elsewhere.call(_set_orders, triples), strict=True)
    return next(words for words, here, there in orders if all(a != b for a, b in zip(here, there, strict=True)))


def _set_orders(triples: Sequence[tuple[str, ...]]) -> list[tuple[list[str], list[str]]]:
    return [(list(set(words)), list(set(words[:2]))) for words in triples]


def _near(X: Any) -> Any:
    if is_texts(X):
        return [f"{text[:-1]} {text[::-1]}" for text in X]
    return X * (1 + 2.0**-9) if isinstance(X, np.ndarray) and X.dtype.kind == "f" else X


@law("Fitted in another process, it answers alike.", needs=("trained", "deterministic"))
def fits_alike_in_another_process(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    want = subject.expected(data)
    model = subject.build()
    arguments = (packed(model), (data.X, data.y, data.X_test), tuple(want))
    try:
        got = _elsewhere.call(_fitted_answers, *arguments)
    except Exception as error:
        raise Broken("an unfitted model can be sent to another process and fitted there", f"{error}") from error
    same(got, want, "fitted in another process on the same data it answers alike", tolerance=1e-7, X=data.X, y=data.y)


def packed(model: Any) -> bytes:
    """The model's bytes; classes of modules that another process cannot import travel with it.

    Raises:
        Exception: it cannot be saved.
    """
    module = sys.modules.get(type(model).__module__)
    if module is None or _importable(module.__name__):
        return bytes(cloudpickle.dumps(model))
    cloudpickle.register_pickle_by_value(module)
    try:
        return bytes(cloudpickle.dumps(model))
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def _importable(name: str) -> bool:
    if name == "__main__":
        return True  # cloudpickle sends its classes along by itself
    if name not in _KNOWN:
        try:
            _elsewhere.call(_imports, name)
        except RuntimeError:
            _KNOWN[name] = False
        else:
            _KNOWN[name] = True
    return _KNOWN[name]


_KNOWN: dict[str, bool] = {}


def _imports(name: str) -> None:
    import importlib

    importlib.import_module(name)


@law("Two threads that ask at the same time get what one would get.", needs=("own_code",))
def threads_answer_alike(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    X, others = data.X_test, [data.X, take(data.X_test, np.arange(len(data.X_test))[::-1])]
    methods = subject.main_methods(model)
    want, wanted = subject.answers(model, X), [subject.answers(model, other) for other in others]
    for other, expected in zip(others, wanted, strict=True):
        meeting = _Meeting(lambda other=other: _plain(model, other, methods), homes_of(model))
        claim = "a call that another thread's call falls into gives what it gives alone"
        try:
            with meeting:
                got = _plain(model, X, methods)
        except Exception as error:
            raise Broken(claim, f"{type(error).__name__}: {error}", X=X) from error
        same(got, want, claim, tolerance=subject.declares.tolerance, X=X)
        for answer in meeting.found:
            same(answer, expected, claim, tolerance=subject.declares.tolerance, X=other)
        if meeting.error is not None:
            raise Broken(claim, f"{type(meeting.error).__name__}: {meeting.error}", X=X) from meeting.error


def _plain(model: Any, X: Any, methods: tuple[str, ...]) -> Answers:
    # Not seeded: global generators belong to all threads.
    return {m: as_array(getattr(model, m)(X) if hasattr(model, m) else model(X)) for m in methods}


class _Meeting:
    """While it lasts, another thread makes its call between any two lines of this thread's model code.

    That is what an unlucky switch of threads does, without the luck. Each line is stopped at twice at most.
    """

    def __init__(self, call: Any, homes: frozenset[str]) -> None:
        self._call = call
        self._homes = homes
        self._visits: Counter[tuple[str, int]] = Counter()
        self._patient = True
        self.found: list[Answers] = []
        self.error: Exception | None = None

    def __enter__(self) -> None:
        self._before = sys.gettrace()
        sys.settrace(self._entered)

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _entered(self, frame: FrameType, _event: str, _argument: Any) -> Any:
        return self._line if own_code(frame, self._homes) else None

    def _line(self, frame: FrameType, event: str, _argument: Any) -> Any:
        place = (frame.f_code.co_filename, frame.f_lineno)
        self._visits[place] += 1
        if event == "line" and self._visits[place] <= MOST_VISITS and self._patient:
            thread = threading.Thread(target=self._meet, daemon=True)
            thread.start()
            thread.join(PATIENCE)
            self._patient = not thread.is_alive()  # a model with a lock makes it wait, and is right to
        return self._line

    def _meet(self) -> None:
        try:
            self.found.append(self._call())
        except Exception as error:  # noqa: BLE001 - told by the law
            self.error = self.error or error


@law("Several threads at once, many times over, get what one would get.", thorough=True)
def many_threads_answer_alike(subject: Subject, case: Case) -> None:
    from concurrent.futures import ThreadPoolExecutor

    data = subject.data(case)
    model = subject.fitted(data)
    methods = subject.main_methods(model)
    batches = [data.X, data.X_test, take(data.X_test, np.arange(len(data.X_test))[::-1]), take(data.X_test, [0])]
    wanted = [subject.answers(model, X) for X in batches]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            tasks = [(i % 4, pool.submit(_plain, model, batches[i % 4], methods)) for i in range(80)]
            found = [(i, task.result()) for i, task in tasks]
    finally:
        sys.setswitchinterval(before)
    for i, got in found:
        same(got, wanted[i], "in threads it answers alike", tolerance=subject.declares.tolerance, X=batches[i])


@law(
    "Several jobs in threads give what one job gives.",
    needs=("trained", "jobs", "deterministic", "set_params", "own_code"),
)
def jobs_in_threads_answer_alike(subject: Subject, case: Case) -> None:
    import joblib

    data = subject.data(case)
    model = subject.fitted(data)
    rows = len(data.X_test) // 6 * 6 - 1  # which neither two jobs nor three can share evenly
    X, methods = take(data.X_test, np.arange(rows)), subject.main_methods(model)
    names = [name for name in model.get_params() if name in JOBS]
    with joblib.parallel_config(backend="threading"):
        want = subject.answers(model.set_params(**dict.fromkeys(names, 1)), X, methods=methods)
        for jobs in (2, 3):
            got = subject.answers(model.set_params(**dict.fromkeys(names, jobs)), X, methods=methods)
            claim = f"a fitted model of which {' and '.join(names)} is set to {jobs} answers as with 1"
            same(got, want, claim, tolerance=subject.declares.tolerance, X=X)
        again = subject.train(subject.build().set_params(**dict.fromkeys(names, 3)), data.X, data.y)
    claim = f"fitted with {' and '.join(names)} set to 3 it answers as fitted with 1"
    same(subject.answers(again, X, methods=methods), want, claim, tolerance=subject.declares.tolerance, X=X)


@law("Several jobs give what one job gives.", needs=("trained", "n_jobs", "deterministic"), thorough=True)
def jobs_answer_alike(subject: Subject, case: Case) -> None:
    if threading.current_thread().daemon:
        raise NotApplicable("joblib uses one job within a daemon")
    data = subject.data(case)
    found = []
    for jobs in (1, 2):
        model = subject.train(subject.build().set_params(n_jobs=jobs), data.X, data.y)
        found.append(subject.answers(model, data.X_test))
    claim = "n_jobs=2 gives what n_jobs=1 gives"
    same(found[1], found[0], claim, tolerance=subject.declares.tolerance, X=data.X, y=data.y)


LAWS = (
    loads_in_another_process,
    fits_alike_in_another_process,
    threads_answer_alike,
    many_threads_answer_alike,
    jobs_in_threads_answer_alike,
    jobs_answer_alike,
)
