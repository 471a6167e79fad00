"""Run one trial: build, seed, fit, predict."""

from __future__ import annotations

import inspect
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_mlexp.errors import ModelError
from pytest_mlexp.execution.outcome import (
    INTERRUPTS,
    METHODS,
    Failure,
    Outcome,
    first_answering,
    may_yet_answer,
    responder,
)
from pytest_mlexp.execution.seeding import Randomness, seeded
from pytest_mlexp.matrix import Trial

if TYPE_CHECKING:
    from pytest_mlexp.blocks.dataset import Dataset, Part

Wanted = tuple[str, ...]


@dataclass(frozen=True)
class Conditions:
    """What all trials of a flow have in common.

    Attributes:
        wanted: for each request of an evaluator, the methods that can answer it, preferred first.
        keep_model: whether an evaluator asks for the fitted model.
        interrupts: exceptions that end the session, or the test, and say nothing of the model.
    """

    wanted: frozenset[Wanted] = frozenset()
    keep_model: bool = False
    interrupts: tuple[type[BaseException], ...] = INTERRUPTS


def run_trial(trial: Trial, dataset: Dataset, conditions: Conditions) -> Outcome:
    """Build, fit and predict once; what the team's code raises becomes the outcome's failure."""
    __tracebackhide__ = True
    split = dataset.split(trial.split)
    try:
        with seeded(trial.seed, device=trial.device) as randomness:
            model = build(trial, randomness)
            fit_seconds = _fit(model, dataset.train(split))
            return _predict(model, dataset.test(split), trial, conditions, fit_seconds)
    except conditions.interrupts:
        raise
    except BaseException as error:  # noqa: BLE001 - the team's code may raise anything; it is raised again for each cell
        return Outcome(failure=Failure.of(error))


def build(trial: Trial, randomness: Randomness) -> Any:
    """Build a model with every generator seeded, also one that the factory itself imports."""
    __tracebackhide__ = True
    model = trial.variant.build(seed=trial.seed, device=trial.device)
    if randomness.torch_arrived():
        randomness.reseed()
        model = trial.variant.build(seed=trial.seed, device=trial.device)
    return model


def offered_methods(trial: Trial) -> frozenset[str] | None:
    """The methods of the trial's model, asked of a fresh one; None where it knows them only once fitted."""
    __tracebackhide__ = True
    with seeded(trial.seed, device=trial.device) as randomness:
        model = build(trial, randomness)
    if may_yet_answer(model):
        return None
    return frozenset(method for method in METHODS if responder(model, method))


def _fit(model: Any, part: Part) -> float:
    __tracebackhide__ = True
    fit = getattr(model, "fit", None)
    if not callable(fit):
        return 0.0
    targets = () if part.y is None else (part.y,)
    weights = {"sample_weight": part.sample_weight} if part.sample_weight is not None and _takes_weights(fit) else {}
    started = time.perf_counter()
    fit(part.X, *targets, **weights)
    return time.perf_counter() - started


def _takes_weights(fit: Any) -> bool:
    return "sample_weight" in inspect.signature(fit).parameters


def _predict(model: Any, part: Part, trial: Trial, conditions: Conditions, fit_seconds: float) -> Outcome:
    __tracebackhide__ = True
    started = time.perf_counter()
    responses = {"predict": _answer(model, "predict", part, trial)}
    predict_seconds = time.perf_counter() - started
    for methods in sorted(conditions.wanted):
        method = first_answering(model, methods)
        if method and method not in responses:
            responses[method] = _answer(model, method, part, trial)
    return Outcome(
        responses,
        getattr(model, "classes_", None),
        fit_seconds,
        predict_seconds,
        _parameters(model),
        model if conditions.keep_model else None,
    )


def _answer(model: Any, method: str, part: Part, trial: Trial) -> Any:
    __tracebackhide__ = True
    call = responder(model, method)
    if call is None:
        raise ModelError(f"model {trial.variant.name!r} has no {method}")
    answer = call(part.X)
    rows = len(part.examples)
    if not hasattr(answer, "__len__") or len(answer) != rows:
        got = f"{len(answer)} predictions" if hasattr(answer, "__len__") else f"{answer!r:.60}"
        raise ModelError(
            f"{method} of model {trial.variant.name!r} gave {got} for the {rows} examples of {trial.dataset!r} "
            f"({trial.split}): return one prediction an example, in their order"
        )
    return answer


def _parameters(model: Any) -> dict[str, str]:
    """The parameters of an estimator, those of its steps included, as text; a part that is no value by its class."""
    if inspect.isclass(model) or not hasattr(model, "get_params"):
        return {}
    with suppress(Exception):  # the team's own get_params may do anything, and a trial is no test of it
        return {name: _text(value) for name, value in sorted(model.get_params().items())}
    return {}


def _text(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float | bool | None) else type(value).__qualname__
