"""Outcome and evaluator -> evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pytest_mlexp.blocks.splitting import own, take
from pytest_mlexp.errors import EvaluatorError, ModelError, RequestError
from pytest_mlexp.execution.outcome import Outcome
from pytest_mlexp.execution.seeding import seeded
from pytest_mlexp.matrix import Cell, Trial
from pytest_mlexp.records import Evaluation

if TYPE_CHECKING:
    from pytest_mlexp.blocks.dataset import Dataset
    from pytest_mlexp.blocks.splitting import Split

FROM_DATASET = {"y_true": "y", "X": "X", "groups": "groups", "sample_weight": "sample_weight"}
_WORDS = {"y": "targets", "groups": "groups", "sample_weight": "sample weights"}


def evaluate(cell: Cell, trial: Trial, outcome: Outcome, dataset: Dataset) -> Evaluation:
    """Evaluate one trial's outcome with the cell's evaluator, global generators seeded.

    Raises:
        EvaluatorError: the result is not the promised metrics, or has scores for other than the test examples.
    """
    __tracebackhide__ = True
    split = dataset.split(trial.split)
    with seeded(trial.seed):
        evaluation = cell.evaluator(Available(cell, outcome, dataset, split))
    for name, scores in evaluation.scores.items():
        if scores.shape != split.test.shape:
            raise EvaluatorError(
                f"evaluator {cell.evaluator.name!r} gave scores {name!r} of shape {scores.shape} for "
                f"{split.test.size} test examples: give one score an example"
            )
    return evaluation


def check_requests(cell: Cell, dataset: Dataset, offered: Callable[[], frozenset[str] | None]) -> None:
    """Refuse an evaluator that asks for what dataset or model do not give, before anything is fitted.

    ``offered`` gives the methods of the cell's model, or None where they are known only after a fit.

    Raises:
        RequestError: names what is asked for, by whom, and what is there.
    """
    __tracebackhide__ = True
    evaluator = cell.evaluator
    for request, attribute in FROM_DATASET.items():
        if request in evaluator.requests and getattr(dataset, attribute) is None:
            raise RequestError(
                f"evaluator {evaluator.name!r} asks for {request}, but dataset {cell.dataset.name!r} has no "
                f"{_WORDS[attribute]}: give it some, or leave one of the two out of the experiment"
            )
    demanding = {name: evaluator.responses[name] for name in evaluator.requests if name in evaluator.responses}
    if all("predict" in methods for methods in demanding.values()):
        return
    there = offered()
    for request, methods in demanding.items():
        if there is not None and there.isdisjoint(methods):
            raise _unmet(cell, request, there)


class Available(Mapping[str, Any]):
    """What an evaluator may ask for, made when it asks."""

    def __init__(self, cell: Cell, outcome: Outcome, dataset: Dataset, split: Split) -> None:
        self._cell, self._outcome, self._dataset, self._split = cell, outcome, dataset, split

    def __getitem__(self, request: str) -> Any:  # noqa: PLR0911 - one return a request
        outcome = self._outcome
        if request in FROM_DATASET:
            return take(getattr(self._dataset, FROM_DATASET[request]), self._split.test)
        match request:
            case "model":
                return self._model()
            case "dataset":
                return self._dataset
            case "device":
                return self._cell.device
            case "timings":
                return {"fit_seconds": outcome.fit_seconds, "predict_seconds": outcome.predict_seconds}
            case "recorded":
                from pytest_mlexp.blocks.scorers import recorded_model

                if self._response(request) is not None:
                    return recorded_model(outcome.responses, outcome.classes)
        return self._response(request)

    def __iter__(self) -> Iterator[str]:
        return iter((*self._cell.evaluator.requests, *self._cell.evaluator.optional))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def _model(self) -> Any:
        if self._outcome.model_lost is not None:
            raise ModelError(
                f"evaluator {self._cell.evaluator.name!r} asks for the model, but {self._cell.variant.name!r} was "
                f"fitted in another process and cannot be pickled ({self._outcome.model_lost}): give it a "
                "__getstate__ that leaves that out, or run without -n"
            )
        return self._outcome.model

    def _response(self, request: str) -> Any:
        """A copy of what the first method that meets the request returned; None for an optional one that none meets."""
        __tracebackhide__ = True
        outcome, evaluator = self._outcome, self._cell.evaluator
        there = {**outcome.responses, **outcome.refused}
        method = next((m for m in evaluator.responses.get(request, ()) if m in there), None)
        if method is None:
            if request in evaluator.requests:
                raise _unmet(self._cell, request, there)
            return None
        if method in outcome.refused:
            outcome.refused[method].again()
        answer = own(outcome.responses[method])
        if request == "y_score" and method == "predict_proba" and getattr(answer, "shape", (0,))[-1:] == (2,):
            return answer.iloc[:, 1] if hasattr(answer, "iloc") else answer[:, 1]
        return answer


def _unmet(cell: Cell, request: str, offered: Iterable[str]) -> RequestError:
    asked = "its predictions" if request == "recorded" else request
    return RequestError(
        f"evaluator {cell.evaluator.name!r} asks for {asked}, which needs "
        f"{' or '.join(cell.evaluator.responses[request])}, but model {cell.variant.name!r} offers "
        f"{', '.join(sorted(offered))}: give the model that method, or leave one of the two out of the experiment"
    )
