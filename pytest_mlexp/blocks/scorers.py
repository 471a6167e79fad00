"""scikit-learn's metrics and scorers as evaluators, with the direction that scikit-learn gives them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, cast

from pytest_mlexp.blocks.evaluator import RESPONSES, EvaluatorBlock
from pytest_mlexp.blocks.splitting import own
from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.naming import check_name, nearest
from pytest_mlexp.records import Metric

# log-loss-like functions call their probabilities y_pred.
TAKES_PROBABILITIES = ("log_loss", "d2_log_loss_score")
PREDICTION_PARAMETERS = {
    "y_proba": "y_proba",
    "y_prob": "y_score",
    "y_score": "y_score",
    "pred_decision": "y_score",
    "y_pred": "y_pred",
    "labels_pred": "y_pred",
    "y2": "y_pred",
}
TRUTH_PARAMETERS = ("y_true", "labels_true", "y1")
# Where scikit-learn's y_score is not that of a classifier: a margin, or what a ranking model predicts.
SCORED_BY = {"hinge_loss": ("decision_function",), "ndcg_score": ("predict",), "dcg_score": ("predict",)}
ALL_RESPONSES = ("predict", "predict_proba", "decision_function")


def is_sklearn(function: object) -> bool:
    """Whether this is a scorer's name, a scorer, or one of scikit-learn's metric functions."""
    return isinstance(function, str) or str(getattr(function, "__module__", "")).startswith("sklearn.metrics")


def from_sklearn(function: object, *, name: str | None, metrics: tuple[Metric, ...]) -> EvaluatorBlock:
    """Turn a scikit-learn scorer name, scorer object or metric function into an evaluator.

    Direction comes from scikit-learn: scorers maximize; of the metric functions those named ``*_loss``,
    ``*_error`` or ``*_deviance`` minimize and those named ``*_score`` maximize (User Guide, "The scoring
    API overview").

    Raises:
        DeclarationError: no such scorer, or a function whose direction is not known.
    """
    if isinstance(function, str) or hasattr(function, "_score_func"):
        return _from_scorer(function, name=name, metrics=metrics)
    return _from_function(cast("Callable[..., Any]", function), name=name, metrics=metrics)


def _from_scorer(scorer: Any, *, name: str | None, metrics: tuple[Metric, ...]) -> EvaluatorBlock:
    from sklearn.metrics import get_scorer, get_scorer_names

    if isinstance(scorer, str):
        known = get_scorer_names()
        if scorer not in known:
            raise DeclarationError(f"scikit-learn has no scorer {scorer!r}: {nearest(scorer, known)}")
        label, scorer = check_name(name or scorer, kind="evaluator"), get_scorer(scorer)
    else:
        label = check_name(name or scorer._score_func.__name__, kind="evaluator")

    def score(model: Any, X: Any, y_true: Any, sample_weight: Any = None) -> Any:
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        return scorer(model, X, y_true, **weights)

    weighted = "sample_weight" in inspect.signature(getattr(scorer, "_score_func", score)).parameters
    response = getattr(scorer, "_response_method", ALL_RESPONSES)
    methods = (response,) if isinstance(response, str) else tuple(response)
    return EvaluatorBlock(
        label,
        score,
        _one(label, metrics) or (Metric(label, maximize=True),),
        ("recorded", "X", "y_true"),
        ("sample_weight",) if weighted else (),
        {"recorded": methods},
        {"model": "recorded"},
        average=_average(getattr(scorer, "_score_func", score), **getattr(scorer, "_kwargs", {})),
    )


def _from_function(function: Callable[..., Any], *, name: str | None, metrics: tuple[Metric, ...]) -> EvaluatorBlock:
    own = function.__name__
    label = check_name(name or own.removesuffix("_score"), kind="evaluator")
    declared = _one(label, metrics) or (Metric(label, maximize=_higher_is_better(own, label)),)
    parameters = inspect.signature(function).parameters
    truth = next((p for p in TRUTH_PARAMETERS if p in parameters), None)
    prediction = next((p for p in PREDICTION_PARAMETERS if p in parameters), None)
    if truth is None or prediction is None:
        raise DeclarationError(
            f"{own}({', '.join(parameters)}) does not compare predictions with the truth: declare a function that asks "
            "for what it needs, such as y_pred and X, and calls it"
        )
    request = "y_proba" if own in TAKES_PROBABILITIES else PREDICTION_PARAMETERS[prediction]
    aliases = {name: meant for name, meant in ((truth, "y_true"), (prediction, request)) if name != meant}
    requests = ("y_true", request)
    optional = ("sample_weight",) if "sample_weight" in parameters else ()
    responses, average = _responses(own), _average(function)
    return EvaluatorBlock(label, function, declared, requests, optional, responses, aliases, average=average)


def _average(function: Callable[..., Any], **given: Any) -> str | None:
    """How a metric is averaged over classes; None where it is not, or gives a number for each."""
    parameter = inspect.signature(function).parameters.get("average")
    return given.get("average", None if parameter is None else parameter.default)


def _higher_is_better(own: str, label: str) -> bool:
    if own.endswith("_score"):
        return True
    if own.endswith(("_loss", "_error", "_deviance")):
        return False
    raise DeclarationError(
        f"scikit-learn does not say which way {own} is better: declare maximize={label!r} or minimize={label!r}"
    )


def _responses(own: str) -> Mapping[str, tuple[str, ...]]:
    return {**RESPONSES, "y_score": SCORED_BY[own]} if own in SCORED_BY else RESPONSES


def _one(label: str, metrics: tuple[Metric, ...]) -> tuple[Metric, ...]:
    if len(metrics) > 1:
        raise DeclarationError(f"scikit-learn metric {label!r} gives one number; {len(metrics)} metrics are declared")
    return metrics


def recorded_model(responses: Mapping[str, Any], classes: Any) -> Any:
    """A fitted scikit-learn estimator that answers with recorded predictions, whatever it is asked."""
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

    def answering(method: str) -> Callable[[Any, Any], Any]:
        def answer(_self: Any, _X: Any) -> Any:
            return own(responses[method])

        answer.__name__ = method
        return answer

    kind = RegressorMixin if classes is None else ClassifierMixin
    members: dict[str, Any] = {method: answering(method) for method in responses}
    if classes is not None:
        members["classes_"] = classes
    members["__sklearn_is_fitted__"] = lambda _self: True
    return type("RecordedModel", (kind, BaseEstimator), members)()
