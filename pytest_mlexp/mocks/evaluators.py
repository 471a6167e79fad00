"""Metrics that are right, and metrics that are wrong in one way; to test what stands around an evaluator.

They are declared like any other::

    experiment.evaluator(mocks.evaluators.accuracy, maximize="accuracy")
    experiment.evaluator(mocks.evaluators.absolute_error, minimize="absolute_error")

The good ones are ``accuracy``, ``absolute_error`` (with a score for each example) and ``log_loss``. All the others
are broken; what each gets wrong stands in its first line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from pytest_mlexp.records import Evaluation

if TYPE_CHECKING:
    import numpy.typing as npt


def accuracy(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
    """The weighted share of labels that are right, 0 to 1; good."""
    return float(np.average(_right(y_true, y_pred), weights=sample_weight))


def absolute_error(y_true: Any, y_pred: Any, sample_weight: Any = None) -> Evaluation:
    """The weighted mean distance of numbers, 0 or more, with the distance of each example; good."""
    distances = np.abs(np.asarray(y_true, dtype=np.float64) - np.asarray(y_pred, dtype=np.float64))
    scores = distances.reshape(len(distances), -1).mean(axis=1)
    mean = float(np.average(scores, weights=sample_weight))
    return Evaluation({"absolute_error": (mean,)}, {"absolute_error": scores})


def log_loss(y_true: Any, y_proba: Any, sample_weight: Any = None) -> float:
    """The weighted mean surprise in nats, for labels that all occur; probabilities are kept off 0; good."""
    codes = np.unique(np.asarray(y_true), return_inverse=True)[1]
    given = np.asarray(y_proba)[np.arange(len(codes)), codes]
    return float(np.average(-np.log(np.clip(given, 1e-15, 1.0)), weights=sample_weight))


def wrong_direction(y_true: Any, y_pred: Any) -> float:
    """The share of labels that are wrong, to be declared with ``maximize``; broken: better is worse."""
    return 1.0 - accuracy(y_true, y_pred)


def order_dependent(y_true: Any, y_pred: Any) -> float:
    """The accuracy of the first half of the rows; broken: their order matters."""
    right = _right(y_true, y_pred)
    return float(right[: (len(right) + 1) // 2].mean())


def nan_on_one_class(y_true: Any, y_pred: Any) -> float:
    """The balanced accuracy of two labels; broken: NaN without a word where one of them does not occur."""
    truth, right = np.asarray(y_true), _right(y_true, y_pred)
    labels = np.unique(truth)
    return float(np.mean([right[truth == label].mean() for label in labels])) if len(labels) > 1 else float("nan")


def mutating(y_true: Any, y_pred: Any) -> float:
    """The accuracy; broken: it sorts the predictions that it was given."""
    value = accuracy(y_true, y_pred)
    y_pred.sort()
    return value


def unbounded(y_true: Any, y_pred: Any) -> float:
    """The number of labels that are right; broken: it grows with the rows, beyond any bound."""
    return float(_right(y_true, y_pred).sum())


def changing(y_true: Any, y_pred: Any) -> float:
    """The accuracy of a random half; broken: the same predictions get other values."""
    right = _right(y_true, y_pred)
    return float(np.random.default_rng().permutation(right)[: (len(right) + 1) // 2].mean())


def weights_ignored(y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:  # noqa: ARG001 - this is the fault
    """The accuracy; broken: it asks for weights and does not use them."""
    return accuracy(y_true, y_pred)


def scores_of_another(y_true: Any, y_pred: Any) -> Evaluation:
    """The absolute error; broken: the scores of the examples are squared, so their mean is another number."""
    found = absolute_error(y_true, y_pred)
    return Evaluation(found.metrics, {name: scores**2 for name, scores in found.scores.items()})


def no_number(y_true: Any, y_pred: Any) -> str:
    """The accuracy as text; broken: a metric is a number."""
    return f"{accuracy(y_true, y_pred):.0%}"


def failing(y_true: Any, y_pred: Any) -> NoReturn:
    """Nothing; broken: it raises."""
    raise RuntimeError(f"this mock evaluator fails on {len(y_true)} rows and {len(y_pred)} predictions")


def _right(y_true: Any, y_pred: Any) -> npt.NDArray[np.bool_]:
    return np.asarray(np.asarray(y_true) == np.asarray(y_pred))
