"""Run one trial: build, seed, fit, predict."""

from __future__ import annotations

import inspect
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pytest_mlexp.errors import ModelError
from pytest_mlexp.execution.outcome import Failure, Outcome, first_answering, responder
from pytest_mlexp.execution.seeding import seeded
from pytest_mlexp.matrix import Trial

if TYPE_CHECKING:
    from pytest_mlexp.blocks.dataset import Dataset, Part
    from pytest_mlexp.blocks.model import ModelVariant

Wanted = tuple[str, ...]


def run_trial(trial: Trial, dataset: Dataset, *, wanted: Iterable[Wanted], keep_model: bool) -> Outcome:
    """Build, fit and predict once; what the team's code raises becomes the outcome's failure.

    ``wanted`` names, for each request of an evaluator, the methods that can answer it, preferred first.
    """
    __tracebackhide__ = True
    split = dataset.split(trial.split)
    try:
        with seeded(trial.seed, device=trial.device) as randomness:
            model = build(trial.variant, trial, randomness)
            fit_seconds = _fit(model, dataset.train(split))
            return _predict(model, dataset.test(split), trial, set(wanted), fit_seconds, keep_model=keep_model)
    except Exception as error:  # noqa: BLE001 - the team's code may raise anything; it is raised again for each cell
        return Outcome(failure=Failure.of(error))


def build(variant: ModelVariant, trial: Trial, randomness: Any) -> Any:
    """Build a model with every generator seeded, also one that the factory itself imports."""
    __tracebackhide__ = True
    model = variant.build(seed=trial.seed, device=trial.device)
    if randomness.torch_arrived():
        randomness.reseed()
        model = variant.build(seed=trial.seed, device=trial.device)
    return model


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


def _predict(
    model: Any, part: Part, trial: Trial, wanted: set[Wanted], fit_seconds: float, *, keep_model: bool
) -> Outcome:
    __tracebackhide__ = True
    started = time.perf_counter()
    responses = {"predict": _answer(model, "predict", part, trial)}
    predict_seconds = time.perf_counter() - started
    for methods in sorted(wanted):
        method = first_answering(model, methods)
        if method and method not in responses:
            responses[method] = _answer(model, method, part, trial)
    classes = getattr(model, "classes_", None)
    return Outcome(responses, classes, fit_seconds, predict_seconds, model if keep_model else None)


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
