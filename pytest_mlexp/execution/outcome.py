"""Outcome: what a trial leaves for every evaluator, or the failure that stopped it."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NoReturn

from pytest_mlexp.errors import MlexpError

METHODS = ("predict", "predict_proba", "decision_function")
# What ends a session instead of failing a trial.
INTERRUPTS: tuple[type[BaseException], ...] = (KeyboardInterrupt, SystemExit, GeneratorExit)
_PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True)
class Outcome:
    """Predictions and timings of one trial, or the exception that stopped it.

    Attributes:
        responses: scikit-learn method name -> what it returned for the test part; tensors as arrays.
        refused: method name -> what it raised instead, where it is another than ``predict``.
        offers: the methods of ``METHODS`` that the fitted model has.
        classes: the fitted model's ``classes_``, in the column order of ``predict_proba``; None without.
        fit_seconds: wall clock; ``predict_seconds`` is that of ``predict`` alone.
        pace: seconds that a fixed piece of work took before and after, on average; 0 where nobody asks for timings.
        parameters: the built model's ``get_params()`` as text; empty where it has none.
        model: the fitted model, kept only when an evaluator asks for it.
        model_lost: why the model could not come along from the process that fitted it.
        notes: what a reader of the results should know.
        failure: what the team's code raised.
        files: what was read meanwhile, or by an earlier trial of the session, by absolute path, with time and size.
    """

    responses: Mapping[str, Any] = field(default_factory=dict)
    refused: Mapping[str, Failure] = field(default_factory=dict)
    offers: tuple[str, ...] = ()
    classes: Any = None
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    pace: float = 0.0
    parameters: Mapping[str, str] = field(default_factory=dict)
    model: Any = None
    model_lost: str | None = None
    notes: tuple[str, ...] = ()
    failure: Failure | None = None
    files: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Failure:
    """An exception and its traceback as text, which outlives the process that raised it."""

    error: BaseException
    text: str
    origin: TracebackType | None = None
    from_elsewhere: bool = False

    @classmethod
    def of(cls, error: BaseException) -> Failure:
        """Keep an exception that has just been caught; its traceback starts in the team's code."""
        origin = _from_the_team(error.__traceback__)
        if isinstance(error, MlexpError):
            _end_in_the_team(origin)
        error = error.with_traceback(origin)
        return cls(error, "".join(traceback.format_exception(error)), origin)

    def again(self) -> NoReturn:
        """Raise it once more, for another evaluator of the same trial."""
        __tracebackhide__ = True
        note = f"first raised in another process:\n{self.text}"
        if self.from_elsewhere and note not in getattr(self.error, "__notes__", ()):
            self.error.add_note(note)
        raise self.error.with_traceback(self.origin)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (_portable(self.error), self.text)


def _restore(error: BaseException, text: str) -> Failure:
    return Failure(error, text, from_elsewhere=True)


def _from_the_team(trace: TracebackType | None) -> TracebackType | None:
    """The traceback without the frames of this package that lead to the team's code."""
    while trace is not None and _is_ours(trace):
        trace = trace.tb_next
    return trace


def _end_in_the_team(trace: TracebackType | None) -> None:
    """Cut the frames of this package off the end: our errors tell what is wrong, the team's line where."""
    last = trace
    while trace is not None:
        if not _is_ours(trace):
            last = trace
        trace = trace.tb_next
    if last is not None and not _is_ours(last):
        last.tb_next = None


def _is_ours(trace: TracebackType) -> bool:
    name: str = trace.tb_frame.f_globals.get("__name__", "")
    return name.partition(".")[0] == _PACKAGE


def _portable(error: BaseException) -> BaseException:
    """The exception itself where it survives pickling, else one of the nearest kind that does."""
    import cloudpickle

    try:
        copy: BaseException = cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever a foreign exception does when pickled
        return RuntimeError(f"{type(error).__qualname__}: {error}")
    return copy.with_traceback(None)


def may_yet_answer(model: Any) -> bool:
    """Whether an unfitted model says nothing of its methods, as scikit-learn's stacking does before it is fitted."""
    return not hasattr(model, "predict") and hasattr(type(model), "predict")


def responder(model: Any, method: str) -> Callable[[Any], Any] | None:
    """The model's way to answer ``predict``, ``predict_proba`` or ``decision_function``, if it has one."""
    own = getattr(model, method, None)
    if callable(own):
        return own  # type: ignore[no-any-return]
    return model if method == "predict" and callable(model) else None


def first_answering(model: Any, methods: tuple[str, ...]) -> str | None:
    """The first of several methods that the model has."""
    return next((method for method in methods if responder(model, method)), None)
