"""scikit-learn's metrics and scorers as evaluators, with the direction that scikit-learn gives them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_mlexp.blocks.evaluator import RESPONSES, EvaluatorBlock, read_requests
from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.naming import check_name, nearest
from pytest_mlexp.records import Metric

ALL_RESPONSES = ("predict", "predict_proba", "decision_function")


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
    assert callable(function)
    return _from_function(function, name=name, metrics=metrics)


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

    response = getattr(scorer, "_response_method", ALL_RESPONSES)
    methods = (response,) if isinstance(response, str) else tuple(response)
    return EvaluatorBlock(
        label,
        score,
        _one(label, metrics) or (Metric(label, True),),
        ("recorded", "X", "y_true"),
        ("sample_weight",),
        {"recorded": methods},
        {"model": "recorded"},
    )


def _from_function(function: Callable[..., Any], *, name: str | None, metrics: tuple[Metric, ...]) -> EvaluatorBlock:
    own = function.__name__
    label = check_name(name or own.removesuffix("_score"), kind="evaluator")
    declared = _one(label, metrics)
    if not declared:
        if own.endswith("_score"):
            declared = (Metric(label, True),)
        elif own.endswith(("_loss", "_error", "_deviance")):
            declared = (Metric(label, False),)
        else:
            raise DeclarationError(
                f"scikit-learn does not say which way {own} is better: declare maximize={label!r} or minimize={label!r}"
            )
    if own in _ASKS_FOR_PROBABILITIES:
        aliases = {"y_pred": "y_proba"} if own == "log_loss" else {}
    else:
        aliases = {"pred_decision": "y_score"}
    import inspect

    parameters = inspect.signature(function).parameters
    aliases = {parameter: request for parameter, request in aliases.items() if parameter in parameters}
    requests = tuple(aliases.get(p, p) for p in parameters if parameters[p].default is parameters[p].empty)
    optional = ("sample_weight",) if "sample_weight" in parameters else ()
    responses = {**RESPONSES, **_binary_column(own)}
    return EvaluatorBlock(label, function, declared, requests, optional, responses, aliases)
