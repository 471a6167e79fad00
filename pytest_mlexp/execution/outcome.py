"""Outcome: what a trial leaves for every evaluator."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

METHODS = ("predict", "predict_proba", "decision_function")


@dataclass(frozen=True)
class Outcome:
    """Predictions and timings of one trial, or the exception that stopped it.

    Attributes:
        responses: scikit-learn method name -> what it returned for the test part.
        classes: the fitted model's ``classes_``, in the column order of ``predict_proba``; None without.
        fit_seconds: wall clock; ``predict_seconds`` is that of ``predict`` alone.
        model: the fitted model, kept only when an evaluator asks for it.
        failure: what the team's code raised.
    """

    responses: Mapping[str, Any] = field(default_factory=dict)
    classes: Any = None
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    model: Any = None
    failure: Failure | None = None


@dataclass(frozen=True)
class Failure:
    """An exception and its traceback as text, which outlives the process that raised it."""

    error: Exception
    text: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """Keep an exception that has just been caught."""
        return cls(error, "".join(traceback.format_exception(error)))

    def again(self) -> NoReturn:
        """Raise it once more, for another evaluator of the same trial."""
        __tracebackhide__ = True
        note = f"first raised in another process:\n{self.text}"
        if self.error.__traceback__ is None and note not in getattr(self.error, "__notes__", ()):
            self.error.add_note(note)
        raise self.error

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (_portable(self.error), self.text)


def _restore(error: Exception, text: str) -> Failure:
    return Failure(error, text)


def _portable(error: Exception) -> Exception:
    """The exception itself where it survives pickling, else one of the nearest kind that does."""
    import cloudpickle

    try:
        copy: Exception = cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever a foreign exception does when pickled
        return RuntimeError(f"{type(error).__qualname__}: {error}")
    return copy.with_traceback(None)


def responder(model: Any, method: str) -> Callable[[Any], Any] | None:
    """The model's way to answer ``predict``, ``predict_proba`` or ``decision_function``, if it has one."""
    own = getattr(model, method, None)
    if callable(own):
        return own  # type: ignore[no-any-return]
    return model if method == "predict" and callable(model) else None


def first_answering(model: Any, methods: tuple[str, ...]) -> str | None:
    """The first of several methods that the model has."""
    return next((method for method in methods if responder(model, method)), None)
