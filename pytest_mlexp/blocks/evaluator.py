"""Evaluators as a team declares them: a function, what it asks for, and the metrics it promises."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_mlexp.blocks.declared import Declared
from pytest_mlexp.errors import DeclarationError, EvaluatorError
from pytest_mlexp.naming import check_name, meant, nearest, own_name
from pytest_mlexp.records import Evaluation, Metric

REQUESTS = (
    "y_true",
    "y_pred",
    "y_proba",
    "y_score",
    "X",
    "groups",
    "sample_weight",
    "model",
    "dataset",
    "timings",
    "device",
)
ALIKE = 0.8  # "brierr" is to "brier", "hit" to "hits"; "hit" is not to "worst_hit"
# How a request for predictions is met, first method that the model has; scikit-learn's method names.
RESPONSES: Mapping[str, tuple[str, ...]] = {
    "y_pred": ("predict",),
    "y_proba": ("predict_proba",),
    "y_score": ("predict_proba", "decision_function"),
}


@dataclass(frozen=True)
class Words:
    """What people should know of an evaluator: ``owner`` and ``business_indicator``, a line of text each.

    Raises:
        DeclarationError: one of them is no line of text.
    """

    owner: str = ""
    business_indicator: str = ""

    def __post_init__(self) -> None:
        for name, given in vars(self).items():
            if not isinstance(given, str) or len(given.splitlines()) > 1:
                raise DeclarationError(
                    f"{name}= of an evaluator is one line of text, such as owner='risk team' or "
                    f"business_indicator='customers kept', not {given!r:.60}"
                )
            object.__setattr__(self, name, given.strip())


@dataclass(frozen=True)
class EvaluatorBlock:
    """One declared evaluator.

    Attributes:
        name: part of test ids.
        function: called with what it asks for, by parameter name.
        metrics: the metrics it promises, primary one first.
        requests: the names it must be given; ``optional``: those it is given when they exist.
        responses: for each request for predictions, the model methods that meet it, preferred first.
        aliases: its parameter name -> the request it stands for, where they differ.
        words: what people should know of it.
        depends_on: what it depends on beside its code, as declared; ``module``: the one that declares it.
        average: how scikit-learn averages the metric over classes, where it does.
    """

    name: str
    function: Callable[..., Any] = field(repr=False)
    metrics: tuple[Metric, ...]
    requests: tuple[str, ...]
    optional: tuple[str, ...] = ()
    responses: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: RESPONSES)
    aliases: Mapping[str, str] = field(default_factory=dict)
    words: Words = Words()
    depends_on: tuple[Declared, ...] = ()
    module: str = ""
    average: str | None = None

    def methods(self) -> list[tuple[str, ...]]:
        """For each request for predictions, also an optional one, the model methods that can meet it."""
        return [self.responses[name] for name in (*self.requests, *self.optional) if name in self.responses]

    def __call__(self, available: Mapping[str, Any]) -> Evaluation:
        """Evaluate one trial from what is available, by request name.

        Raises:
            EvaluatorError: the result is no number, mapping or Evaluation, or not the promised metrics.
        """
        __tracebackhide__ = True
        given = {name: available[name] for name in self.requests}
        given |= {name: value for name in self.optional if (value := available.get(name)) is not None}
        back = {request: parameter for parameter, request in self.aliases.items()}
        return self._as_evaluation(self.function(**{back.get(name, name): value for name, value in given.items()}))

    def _as_evaluation(self, result: object) -> Evaluation:
        promised = [metric.name for metric in self.metrics]
        if isinstance(result, Evaluation):
            evaluation = result
        elif isinstance(result, Mapping):
            evaluation = Evaluation(dict(result))
        elif len(promised) == 1 and not isinstance(result, str | bytes | None):
            evaluation = Evaluation({promised[0]: result})  # type: ignore[dict-item]
        else:
            raise EvaluatorError(
                f"evaluator {self.name!r} returned {type(result).__qualname__} {result!r:.60}: return a number (for a "
                f"single metric), a mapping or an Evaluation with the metrics {', '.join(promised)}"
            )
        for name in evaluation.metrics:
            if name not in promised:
                raise EvaluatorError(
                    f"evaluator {self.name!r} returned the metric {name!r}, whose direction was not declared with "
                    f"maximize= or minimize=: {nearest(name, promised)}"
                )
            if (count := len(evaluation.values(name))) != 1:
                raise EvaluatorError(
                    f"evaluator {self.name!r} returned {count} values of {name!r} for one trial: "
                    "return one number a metric, and what there is for each example as scores"
                )
        missing = [name for name in promised if name not in evaluation.metrics]
        if missing:
            raise EvaluatorError(
                f"evaluator {self.name!r} declares the metric {missing[0]!r} but did not return it; it returned "
                f"{', '.join(evaluation.metrics) or 'nothing'}"
            )
        self._check_scores(evaluation.scores)
        return evaluation

    def _check_scores(self, scores: Iterable[str]) -> None:
        """Refuse scores that are likely those of a metric: gates would silently do without them."""
        without = [metric.name for metric in self.metrics if metric.name not in scores]
        for name in set(scores) - {metric.name for metric in self.metrics}:
            if (metric := meant(name, without, likeness=ALIKE)) is not None:
                raise EvaluatorError(
                    f"evaluator {self.name!r} returned the scores {name!r} and none of its metric {metric!r}: did you "
                    f"mean {metric!r}? Scores of anything else need a name that is less like a metric's"
                )


def directions(maximize: str | Iterable[str], minimize: str | Iterable[str]) -> tuple[Metric, ...]:
    """The metrics that a declaration names; those to maximize come first, and the first of all ranks models."""
    return (
        *(Metric(name, maximize=True) for name in _names(maximize)),
        *(Metric(name, maximize=False) for name in _names(minimize)),
    )


def from_function(function: object, *, name: str | None, metrics: tuple[Metric, ...]) -> EvaluatorBlock:
    """Validate the declaration of a function that asks for what it needs by parameter name.

    Raises:
        DeclarationError: illegal name, unknown request, no direction, or a metric named twice.
    """
    if not callable(function):
        raise DeclarationError(
            f"an evaluator is a function, a scikit-learn metric or a scorer's name, not {function!r:.80}"
        )
    label = check_name(name or own_name(function, kind="evaluator"), kind="evaluator")
    if not metrics:
        raise DeclarationError(
            f"evaluator {label!r} declares no metric: say which ones it returns and which way is better, as in "
            '@experiment.evaluator(maximize="accuracy", minimize=["log_loss"])'
        )
    _check_metrics(label, metrics)
    requests, optional = read_requests(label, function)
    return EvaluatorBlock(label, function, metrics, requests, optional)


def read_requests(label: str, function: Callable[..., Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split a function's parameters into what it must be given and what it may be given."""
    required: list[str] = []
    optional: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            raise DeclarationError(
                f"evaluator {label!r} takes *{parameter.name}: name what it needs instead; known: {', '.join(REQUESTS)}"
            )
        has_default = parameter.default is not parameter.empty
        if parameter.name not in REQUESTS:
            if has_default:
                continue
            raise DeclarationError(
                f"evaluator {label!r} asks for {parameter.name!r}, which nothing gives: "
                f"{nearest(parameter.name, REQUESTS)}"
            )
        (optional if has_default else required).append(parameter.name)
    return tuple(required), tuple(optional)


def _names(names: str | Iterable[Any]) -> list[Any]:
    return [names] if isinstance(names, str) else list(names)


def _check_metrics(label: str, metrics: Iterable[Metric]) -> None:
    seen: set[str] = set()
    for metric in metrics:
        name: object = metric.name
        if not isinstance(name, str) or not name:
            raise DeclarationError(
                f"evaluator {label!r} declares the metric {metric.name!r}: a metric's name is a text"
            )
        if metric.name in seen:
            raise DeclarationError(f"evaluator {label!r} declares the metric {metric.name!r} twice")
        seen.add(metric.name)
