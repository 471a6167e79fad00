"""Run one trial: build, seed, fit, predict."""

from __future__ import annotations

import inspect
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_mlexp.blocks.splitting import as_numpy
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
from pytest_mlexp.execution.pace import pace
from pytest_mlexp.execution.seeding import Randomness, load_torch, seeded
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
        timed: whether timings are asked for, so that the pace of the machine is taken beside them.
        interrupts: exceptions that end the session, or the test, and say nothing of the model.
    """

    wanted: frozenset[Wanted] = frozenset()
    keep_model: bool = False
    timed: bool = False
    interrupts: tuple[type[BaseException], ...] = INTERRUPTS


def run_trial(trial: Trial, dataset: Dataset, conditions: Conditions) -> Outcome:
    """Build, fit and predict once; what the team's code raises becomes the outcome's failure."""
    __tracebackhide__ = True
    split = dataset.split(trial.split)
    try:
        if trial.variant.asks_for_device:
            load_torch()
        with seeded(trial.seed, device=trial.device) as randomness:
            model = build(trial, randomness)
            train = dataset.train(split)
            weights = None if train.sample_weight is None else weights_argument(model)
            before = pace() if conditions.timed else 0.0
            fit_seconds = _fit(model, train, weights)
            outcome = _predict(model, dataset.test(split), trial, conditions, fit_seconds)
            after = pace() if conditions.timed else 0.0
        unused = train.sample_weight is not None and weights is None and hasattr(model, "fit")
        note = f"fit takes no sample weights, those of {trial.dataset!r} were not used"
        return replace(outcome, pace=(before + after) / 2, notes=(note,) if unused else ())
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


def _fit(model: Any, part: Part, weights: str | None) -> float:
    __tracebackhide__ = True
    fit = getattr(model, "fit", None)
    if not callable(fit):
        return 0.0
    targets = () if part.y is None else (part.y,)
    more = {weights: part.sample_weight} if weights is not None else {}
    started = time.perf_counter()
    fit(part.X, *targets, **more)
    return time.perf_counter() - started


def weights_argument(model: Any) -> str | None:
    """How ``fit`` of a model is given sample weights: by that name, or as the last step's; None where it takes none."""
    fit = getattr(model, "fit", None)
    if not callable(fit):
        return None
    parameters = inspect.signature(fit).parameters
    if "sample_weight" in parameters:
        return "sample_weight"
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values()):
        return None
    if steps := getattr(model, "steps", None):  # a Pipeline
        name, last = steps[-1]
        inner = weights_argument(last)
        return f"{name}__{inner}" if inner else None
    return weights_argument(getattr(model, "estimator", None))  # a search passes its arguments on


def _predict(model: Any, part: Part, trial: Trial, conditions: Conditions, fit_seconds: float) -> Outcome:
    __tracebackhide__ = True
    started = time.perf_counter()
    responses = {"predict": _answer(model, "predict", part, trial)}
    predict_seconds = time.perf_counter() - started
    refused: dict[str, Failure] = {}
    wanted = {first_answering(model, methods) for methods in conditions.wanted} - {None, "predict"}
    for method in sorted(str(name) for name in wanted):
        try:
            responses[method] = _answer(model, method, part, trial)
        except conditions.interrupts:
            raise
        except BaseException as error:  # noqa: BLE001 - only those who ask for it are concerned
            refused[method] = Failure.of(error)
    return Outcome(
        responses,
        refused,
        offers=tuple(method for method in METHODS if responder(model, method)),
        classes=getattr(model, "classes_", None),
        fit_seconds=fit_seconds,
        predict_seconds=predict_seconds,
        parameters=_parameters(model),
        model=model if conditions.keep_model else None,
    )


def _answer(model: Any, method: str, part: Part, trial: Trial) -> Any:
    __tracebackhide__ = True
    call = responder(model, method)
    if call is None:
        raise ModelError(f"model {trial.variant.name!r} has no {method}")
    answer = as_numpy(call(part.X))
    rows, found = len(part.examples), _rows_of(answer)
    one_an_output = method != "predict" and isinstance(answer, list) and all(_rows_of(a) == rows for a in answer)
    if found != rows and not one_an_output:
        got = f"{answer!r:.60}" if found is None else f"{found} predictions"
        raise ModelError(
            f"{method} of model {trial.variant.name!r} gave {got} for the {rows} examples of {trial.dataset!r} "
            f"({trial.split}): return one prediction an example, in their order"
        )
    return answer


def _rows_of(answer: Any) -> int | None:
    """How many rows an answer has: of arrays, sparse matrices and whatever has a length; None where it has none."""
    if shape := getattr(answer, "shape", None):
        return int(shape[0])
    return len(answer) if hasattr(answer, "__len__") and not hasattr(answer, "shape") else None


def _parameters(model: Any) -> dict[str, str]:
    """The parameters of an estimator, those of its steps included, as text; a part that is no value by its class."""
    if inspect.isclass(model) or not hasattr(model, "get_params"):
        return {}
    with suppress(Exception):  # the team's own get_params may do anything, and a trial is no test of it
        return {name: _text(value) for name, value in sorted(model.get_params().items())}
    return {}


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int | float | bool | None) else type(value).__qualname__
