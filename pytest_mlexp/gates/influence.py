"""Metrics as means: one contribution an example, whose mean is the metric and whose spread is its noise.

The contribution of an example to a metric is the metric plus the example's influence value. For a mean it
is the example's own score; for a ratio of means, such as F1 or R², the linearised ratio (Cochran, Sampling
Techniques, 1977, chapter 6); for the area under the ROC curve, DeLong's placement value (DeLong, DeLong and
Clarke-Pearson, Biometrics 44, 1988).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    FloatArray: TypeAlias = npt.NDArray[np.float64]
    Reduction: TypeAlias = Callable[["Answers"], FloatArray | None]

_PREFIX = "neg_"
_AVERAGES = ("macro", "weighted", "micro", "binary")


@dataclass(frozen=True, eq=False)
class Answers:
    """What a model answered for ``n`` examples whose truth is known.

    Attributes:
        y_true: the truth, shape ``(n,)``; ``y_pred`` likewise.
        y_proba: probabilities, shape ``(n, k)``, columns in the order of the sorted classes, or None.
        y_score: one score an example, higher for the positive class, shape ``(n,)``, or None.
        weights: shape ``(n,)``, or None for equal ones.
        classes: the labels of the columns of ``y_proba``; by default those of the truth.
    """

    y_true: Any
    y_pred: Any = None
    y_proba: Any = None
    y_score: Any = None
    weights: Any = None
    classes: Any = None


def contributions(metric: str, answers: Answers, value: float, *, average: str | None = None) -> FloatArray | None:
    """The contributions to a metric of one run, as :func:`of_runs` gives them.

    Returns:
        shape ``(n,)``, with the mean ``value``; None when the metric is not known, or is another one.
    """
    found = of_runs(metric, [(answers, value)], average=average)
    return None if found is None else found[0]


def of_runs(
    metric: str, runs: Sequence[tuple[Answers, float]], *, average: str | None = None
) -> list[FloatArray] | None:
    """The contributions to a metric that is known by its name and gives the value of each run by our reckoning too.

    The comparison with the values guards against a metric of the same name and another meaning. Two averages over
    classes may have the same value and other contributions, so ``average`` (scikit-learn's parameter, or the end of
    the metric's name) decides where it is known, and one of them must give the values of all runs.

    Returns:
        for each run shape ``(n,)``, with its value as mean; None when the metric is not known, or is another one.
    """
    sign = -1.0 if metric.startswith(_PREFIX) else 1.0
    for reduction in _reductions(metric.removeprefix(_PREFIX), average):
        found = [_reduced(reduction, answers, sign * value) for answers, value in runs]
        whole = [sign * one for one in found if one is not None]
        if len(whole) == len(found):
            return whole
    return None


def _reduced(reduction: Reduction, answers: Answers, value: float) -> FloatArray | None:
    try:
        found = reduction(answers)
    except (TypeError, ValueError, IndexError):  # answers of another shape: not this metric
        return None
    fits = found is not None and found.ndim == 1 and np.isclose(found.mean(), value, rtol=1e-9, atol=1e-12)
    return found if fits else None


def _reductions(metric: str, average: str | None) -> tuple[Reduction, ...]:
    """The reductions that the metric may have, where its average is known that one alone."""
    suffix = next((a for a in _AVERAGES if metric.endswith(f"_{a}")), None)
    known = _KNOWN.get(metric.removesuffix(f"_{suffix}"), {})
    if len(known) < 2 or (suffix or average) is None:
        return tuple(known.values())
    return tuple(reduction for name, reduction in known.items() if name == (suffix or average))


def _accuracy(answers: Answers) -> FloatArray:
    return _mean(_right(answers), answers.weights)


def _absolute_error(answers: Answers) -> FloatArray:
    return _mean(np.abs(_errors(answers)), answers.weights)


def _squared_error(answers: Answers) -> FloatArray:
    return _mean(_errors(answers) ** 2, answers.weights)


def _root_of_squared_error(answers: Answers) -> FloatArray | None:
    squares = _squared_error(answers)
    root = float(np.sqrt(squares.mean()))
    return root + (squares - squares.mean()) / (2 * root) if root > 0 else np.zeros_like(squares)


def _r2(answers: Answers) -> FloatArray | None:
    truth = np.asarray(answers.y_true, dtype=np.float64)
    centre = np.average(truth, weights=answers.weights)
    unexplained = _ratio(_errors(answers) ** 2, (truth - centre) ** 2, answers.weights)
    return None if unexplained is None else np.subtract(1.0, unexplained)


def _log_loss(answers: Answers) -> FloatArray:
    proba = np.asarray(answers.y_proba)
    tiny = np.finfo(proba.dtype).eps
    chosen = proba[np.arange(len(proba)), _columns(answers)]
    return _mean(-np.log(np.clip(chosen, tiny, 1 - tiny)), answers.weights)


def _brier(answers: Answers) -> FloatArray | None:
    if np.shape(answers.y_proba)[1] != 2:
        return None
    return _mean((np.asarray(answers.y_proba)[:, 1] - _columns(answers)) ** 2, answers.weights)


def _roc_auc(answers: Answers) -> FloatArray | None:
    positive = _is_positive(answers)
    if positive is None or answers.y_score is None or answers.weights is not None:
        return None
    from scipy.stats import rankdata

    score = np.asarray(answers.y_score, dtype=np.float64)
    n, ups = positive.size, int(positive.sum())
    downs = n - ups
    if score.shape != positive.shape or not ups or not downs:
        return None
    ranks = rankdata(score)
    placements = np.empty(n)
    placements[positive] = (ranks[positive] - rankdata(score[positive])) / downs
    placements[~positive] = 1.0 - (ranks[~positive] - rankdata(score[~positive])) / ups
    area = float(placements[positive].mean())
    found: FloatArray = area + (placements - area) * np.where(positive, n / ups, n / downs)
    return found


def _ratio_metric(top: float, predicted: float, actual: float) -> dict[str, Reduction]:
    """F1, precision and recall: ``top * hits / (predicted * positives predicted + actual * positives)``."""

    def of_class(label: Any, answers: Answers) -> FloatArray | None:
        truth, guess = np.asarray(answers.y_true) == label, np.asarray(answers.y_pred) == label
        return _ratio(top * (truth & guess), predicted * guess + actual * truth, answers.weights)

    def binary(answers: Answers) -> FloatArray | None:
        labels = _labels(answers)
        return of_class(labels[-1], answers) if len(labels) <= 2 else None

    def macro(answers: Answers) -> FloatArray | None:
        each = [of_class(label, answers) for label in _labels(answers)]
        zeros = np.zeros(len(answers.y_true))
        found: FloatArray = np.mean([zeros if one is None else one for one in each], axis=0)
        return found

    def weighted(answers: Answers) -> FloatArray | None:
        labels = np.unique(np.asarray(answers.y_true))
        total = np.zeros(len(answers.y_true))
        for label in labels:
            one = of_class(label, answers)
            share = _mean(np.asarray(answers.y_true) == label, answers.weights)
            if one is not None:
                total += share.mean() * (one - one.mean()) + share * one.mean()
        return total

    return {"binary": binary, "macro": macro, "weighted": weighted, "micro": _accuracy}


def _balanced_accuracy(answers: Answers) -> FloatArray:
    """The recall of the classes that the truth has, averaged (what scikit-learn does with the others too)."""
    truth = np.asarray(answers.y_true)
    each = [_ratio(_right(answers) & (truth == label), truth == label, answers.weights) for label in np.unique(truth)]
    found: FloatArray = np.mean([one for one in each if one is not None], axis=0)
    return found


def _one(reduction: Reduction) -> dict[str, Reduction]:
    """Of a metric that is not averaged over classes."""
    return {"": reduction}


def _mean(scores: Any, weights: Any) -> FloatArray:
    values = np.asarray(scores, dtype=np.float64)
    if weights is None:
        return values
    found = _ratio(values, np.ones_like(values), weights)
    return values if found is None else found


def _ratio(above: Any, below: Any, weights: Any) -> FloatArray | None:
    """The linearised ratio of two (weighted) means; None where the one below is zero."""
    w = np.ones(len(above)) if weights is None else np.asarray(weights, dtype=np.float64)
    top, bottom = w * np.asarray(above, dtype=np.float64), w * np.asarray(below, dtype=np.float64)
    if not bottom.any():
        return None
    ratio = top.sum() / bottom.sum()
    found: FloatArray = ratio + (top - ratio * bottom) / bottom.mean()
    return found


def _errors(answers: Answers) -> FloatArray:
    truth, guess = (np.asarray(values, dtype=np.float64) for values in (answers.y_true, answers.y_pred))
    if truth.ndim != 1 or truth.shape != guess.shape:
        raise ValueError("only one number an example is reduced")
    return guess - truth


def _right(answers: Answers) -> npt.NDArray[np.bool_]:
    right: npt.NDArray[np.bool_] = np.asarray(answers.y_true) == np.asarray(answers.y_pred)
    return right


def _labels(answers: Answers) -> list[Any]:
    return list(np.unique(np.concatenate([np.asarray(answers.y_true), np.asarray(answers.y_pred)])))


def _columns(answers: Answers) -> npt.NDArray[np.intp]:
    truth = np.asarray(answers.y_true)
    labels = np.unique(truth) if answers.classes is None else np.asarray(answers.classes)
    if len(labels) != np.shape(answers.y_proba)[1] or not np.isin(truth, labels).all():
        raise ValueError("the columns of y_proba cannot be told apart")
    columns: npt.NDArray[np.intp] = np.searchsorted(labels, truth)
    return columns


def _is_positive(answers: Answers) -> npt.NDArray[np.bool_] | None:
    labels = np.unique(np.asarray(answers.y_true))
    return np.asarray(answers.y_true) == labels[-1] if len(labels) == 2 else None


_F1, _PRECISION, _RECALL = _ratio_metric(2, 1, 1), _ratio_metric(1, 1, 0), _ratio_metric(1, 0, 1)
_KNOWN: dict[str, Mapping[str, Reduction]] = {
    **dict.fromkeys(("accuracy", "accuracy_score"), _one(_accuracy)),
    **dict.fromkeys(("f1", "f1_score"), _F1),
    **dict.fromkeys(("precision", "precision_score"), _PRECISION),
    **dict.fromkeys(("recall", "recall_score"), _RECALL),
    **dict.fromkeys(("balanced_accuracy", "balanced_accuracy_score"), _one(_balanced_accuracy)),
    **dict.fromkeys(("roc_auc", "roc_auc_score", "auc", "auroc"), _one(_roc_auc)),
    **dict.fromkeys(("log_loss", "cross_entropy", "nll"), _one(_log_loss)),
    **dict.fromkeys(("brier", "brier_score", "brier_score_loss", "brier_loss"), _one(_brier)),
    **dict.fromkeys(("mae", "mean_absolute_error"), _one(_absolute_error)),
    **dict.fromkeys(("mse", "mean_squared_error"), _one(_squared_error)),
    **dict.fromkeys(("rmse", "root_mean_squared_error"), _one(_root_of_squared_error)),
    **dict.fromkeys(("r2", "r2_score"), _one(_r2)),
}
