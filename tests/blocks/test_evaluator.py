from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_mlexp.blocks.evaluator import EvaluatorBlock, directions, from_function
from pytest_mlexp.errors import DeclarationError, EvaluatorError
from pytest_mlexp.records import Evaluation


def declare(function: Any, *, maximize: Any = (), minimize: Any = (), name: str | None = "f") -> EvaluatorBlock:
    return from_function(function, name=name, metrics=directions(maximize, minimize))


def test_a_function_is_given_what_it_asks_for_and_nothing_else() -> None:
    def recall(y_true: Any, y_pred: Any, groups: Any = None, threshold: float = 0.5) -> float:
        assert groups is None
        return threshold + len(y_true) + len(y_pred)

    block = declare(recall, maximize="recall", name=None)
    assert (block.name, block.requests, block.optional) == ("recall", ("y_true", "y_pred"), ("groups",))
    assert block({"y_true": [1], "y_pred": [1], "groups": None, "X": [0]})["recall"] == 2.5


def test_an_optional_request_is_met_where_it_can_be() -> None:
    block = declare(lambda y_pred, groups=None: float(groups == ["a"]), maximize="f")
    assert block({"y_pred": [1], "groups": ["a"]})["f"] == 1.0


def test_metrics_keep_their_order_and_direction() -> None:
    block = declare(lambda y_pred: {}, maximize=["auc", "f1"], minimize="loss")
    assert [(metric.name, metric.maximize) for metric in block.metrics] == [
        ("auc", True),
        ("f1", True),
        ("loss", False),
    ]


@pytest.mark.parametrize(
    ("function", "how", "words"),
    [
        (lambda y_prd: 0, {"maximize": "f"}, "did you mean 'y_pred'"),
        (lambda *y: 0, {"maximize": "f"}, r"takes \*y"),
        (lambda y_pred: 0, {}, "declares no metric"),
        (lambda y_pred: 0, {"maximize": ["a", "a"]}, "the metric 'a' twice"),
        (lambda y_pred: 0, {"maximize": "a", "minimize": "a"}, "the metric 'a' twice"),
        (lambda y_pred: 0, {"maximize": [""]}, "a metric's name is a text"),
        (lambda y_pred: 0, {"maximize": "f", "name": "a-b"}, "evaluator name"),
        (3, {"maximize": "f"}, "an evaluator is a function"),
    ],
)
def test_a_declaration_that_cannot_work_is_refused(function: Any, how: dict[str, Any], words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        declare(function, **how)


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("high", "'f' returned str"),
        (None, "'f' returned NoneType"),
        ({"g": 1.0}, "returned the metric 'g'"),
        ({}, "did not return it"),
        ({"f": "high"}, "not a number"),
        ([1.0], "not a number"),
        (Evaluation({"g": (1.0,)}), "returned the metric 'g'"),
    ],
)
def test_a_result_that_is_not_the_promised_metrics_is_refused(result: Any, words: str) -> None:
    with pytest.raises(EvaluatorError, match=words):
        declare(lambda y_pred: result, maximize="f")({"y_pred": []})


def test_scores_that_are_likely_those_of_a_metric_are_refused_and_others_are_kept() -> None:
    def evaluated(*scores: str) -> Evaluation:
        given = Evaluation({"brier": 0.2, "hits": 1.0}, scores=dict.fromkeys(scores, np.ones(2)))
        return declare(lambda y_pred: given, name="e", maximize="hits", minimize="brier")({"y_pred": []})

    for misspelt, meant in (("brierr", "brier"), ("hit", "hits")):
        with pytest.raises(EvaluatorError, match=f"scores '{misspelt}' .* did you mean '{meant}'"):
            evaluated(misspelt)
    assert set(evaluated("brier", "brierr", "drawn").scores) == {"brier", "brierr", "drawn"}
