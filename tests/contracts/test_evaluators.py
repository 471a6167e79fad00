"""Laws of evaluators: each finds its fault, and sound evaluators break none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from pytest_mlexp.contracts.checks import check_evaluator
from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.records import Evaluation


def declared(function: Any, **options: Any) -> Any:
    experiment = Experiment("one")
    experiment.evaluator(function, name="it", **options)
    return experiment.evaluators["it"]


def statuses(evaluator: Any, **options: Any) -> dict[str, str]:
    return {record.law: record.status for record in check_evaluator(evaluator, **options)}


SOUND = [
    metrics.accuracy_score,
    metrics.log_loss,
    metrics.roc_auc_score,
    metrics.mean_absolute_error,
    metrics.mean_squared_error,
    metrics.f1_score,
    metrics.balanced_accuracy_score,
    metrics.brier_score_loss,
    metrics.average_precision_score,
    metrics.matthews_corrcoef,
    "r2",
    "neg_root_mean_squared_error",
    "roc_auc",
]


@pytest.mark.parametrize("metric", SOUND, ids=lambda metric: getattr(metric, "__name__", metric))
def test_scikit_learns_metrics_break_no_law(metric: Any) -> None:
    direction = {"maximize": "it"} if metric is metrics.matthews_corrcoef else {}
    records = check_evaluator(declared(metric, **direction))
    assert not [record.message for record in records if not record]
    assert sum(record.status == "passed" for record in records) >= 5


def wrong_way(y_true: Any, y_pred: Any) -> float:
    return float(np.mean(np.abs(y_true - y_pred)))


def by_position(y_true: Any, y_pred: Any) -> float:
    return float(np.average(y_true == y_pred, weights=np.arange(1, len(y_true) + 1)))


def sorting(y_true: Any, y_pred: Any) -> float:
    right = float(np.mean(y_true == y_pred))
    y_true.sort()
    return right


def dividing(y_true: Any, y_pred: Any) -> float:
    with np.errstate(all="ignore"):
        return float(np.sum((y_true == y_pred) & (y_true == 1)) / np.float64(np.sum(y_pred == 1)))


def constant(y_true: Any, y_pred: Any) -> float:
    return 0.5


def dicing(y_true: Any, y_pred: Any) -> float:
    return float(np.mean(y_true == y_pred) + np.random.default_rng().normal() * 1e-3)


def unweighted(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    right = y_true == y_pred
    return float(np.mean(right) if sample_weight is None else np.sum(right * sample_weight) / len(right))


FAULTS: dict[Callable[..., float], str] = {
    wrong_way: "worse_is_not_better",
    by_position: "row_order",
    sorting: "inputs_unchanged",
    dividing: "finite_or_refused",
    constant: "worse_is_not_better",
    dicing: "repeatable",
    unweighted: "weights_are_counts",
}


@pytest.mark.parametrize(("function", "law"), FAULTS.items(), ids=[function.__name__ for function in FAULTS])
def test_a_fault_breaks_its_law(function: Callable[..., float], law: str) -> None:
    found = statuses(declared(function, maximize="it"), declares={"task": "binary"})
    assert found[law] == "failed"


def test_bounds_and_decomposable_metrics_are_checked_where_declared() -> None:
    def halves(y_true: Any, y_pred: Any) -> Evaluation:
        right = (y_true == y_pred).astype(float)
        mean = float(right.mean())
        return Evaluation({"right": (mean,), "off": (1.5 - mean,)}, {"right": right, "off": right})

    evaluator = declared(halves, maximize="right", minimize="off")
    assert statuses(evaluator, declares={"decomposable": ("right",)})["scores_average"] == "passed"
    assert statuses(evaluator, declares={"decomposable": ("off",)})["scores_average"] == "failed"
    assert statuses(evaluator, declares={"bounds": {"right": (0, 1)}})["finite_or_refused"] == "passed"
    assert statuses(evaluator, declares={"bounds": {"off": (0, 1)}})["finite_or_refused"] == "failed"
    with pytest.raises(DeclarationError, match="right"):
        check_evaluator(evaluator, declares={"bounds": {"rigth": (0, 1)}})


def test_texts_are_evaluated_as_texts() -> None:
    def overlap(y_true: Any, y_pred: Any) -> float:
        return float(
            np.mean(
                [
                    len(set(a.split()) & set(b.split())) / len(set(a.split()))
                    for a, b in zip(y_true, y_pred, strict=True)
                ]
            )
        )

    records = check_evaluator(declared(overlap, maximize="it"))
    assert not [record.message for record in records if not record]


def test_an_evaluator_that_takes_nothing_that_can_be_made_is_not_applicable_and_says_why() -> None:
    def boxes(y_true: Any, y_pred: Any) -> float:
        return float(y_true[0]["corner"] + y_pred[0]["corner"])

    records = check_evaluator(declared(boxes, maximize="it"))
    assert {record.status for record in records} == {"not_applicable"}
    assert "binary: " in records[0].message
