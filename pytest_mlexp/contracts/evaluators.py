"""Laws of evaluators: what a metric must do whatever it measures."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from pytest_mlexp.blocks.digest import digest_of
from pytest_mlexp.blocks.evaluator import EvaluatorBlock
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.predictions import TASKS, Predictions, predictions
from pytest_mlexp.contracts.refusals import crash, is_refusal, told
from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.naming import nearest
from pytest_mlexp.records import Evaluation

SLACK = 1e-9


@dataclass(frozen=True)
class EvaluatorDeclarations:
    """What is known of an evaluator.

    Attributes:
        task: ``binary``, ``multiclass``, ``regression`` or ``text``; found out by trying where it is None.
        bounds: metric -> (lowest, highest).
        decomposable: metrics that are the mean of their per-example scores.
    """

    task: str | None = None
    bounds: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    decomposable: tuple[str, ...] = ()


@dataclass(eq=False)
class EvaluatorSubject:
    """An evaluator under check."""

    name: str
    block: EvaluatorBlock
    declares: EvaluatorDeclarations = field(default_factory=EvaluatorDeclarations)
    found: str | None = None

    def predictions(self, case: Case, quality: float = 1.0) -> Predictions:
        """Targets and predictions of a quality between 0, all wrong, and 1, all right."""
        return predictions(self.task(), case, quality=quality)

    def task(self) -> str:
        """The kind of predictions that it takes.

        Raises:
            NotApplicable: none of the kinds that can be made.
        """
        if self.declares.task is not None:
            return self.declares.task
        if self.found is None:
            reasons = []
            for task in TASKS:
                try:
                    self.block(predictions(task, Case(), quality=1.0).offered())
                except Exception as error:  # noqa: BLE001 - it may not take this kind, in whatever way it says so
                    reasons.append(f"{task}: {told(error)}")
                else:
                    self.found = task
                    break
            else:
                raise NotApplicable(f"it takes none of the predictions that can be made: {'; '.join(reasons)}")
        return self.found

    def evaluate(self, given: Predictions) -> Evaluation:
        """Evaluate ordinary predictions.

        Raises:
            Broken: it crashes.
        """
        try:
            return self.block(given.offered())
        except Exception as error:
            raise crash(error, doing="evaluating ordinary predictions", y_true=given.y_true) from error


def evaluator_subject(block: EvaluatorBlock, *, declares: Mapping[str, Any]) -> EvaluatorSubject:
    """Make a subject of a declared evaluator.

    Raises:
        DeclarationError: an unknown declaration, or one of a metric that it does not give.
    """
    known = [entry.name for entry in fields(EvaluatorDeclarations)]
    metrics = [metric.name for metric in block.metrics]
    for key in declares:
        if key not in known:
            raise DeclarationError(f"there is no declaration {key!r} of an evaluator: {nearest(key, known)}")
    found = EvaluatorDeclarations(**declares)
    for name in (*found.bounds, *found.decomposable):
        if name not in metrics:
            raise DeclarationError(f"evaluator {block.name!r} gives no metric {name!r}: {nearest(name, metrics)}")
    if found.task is not None and found.task not in TASKS:
        raise DeclarationError(f"there is no task {found.task!r} of an evaluator: {nearest(found.task, TASKS)}")
    return EvaluatorSubject(block.name, block, found)


@law("Perfect predictions get the best value, and worse ones never a better one.", cases=2)
def worse_is_not_better(subject: EvaluatorSubject, case: Case) -> None:
    qualities = (1.0, 0.9, 0.5, 0.0)
    found = [(q, subject.evaluate(subject.predictions(case, q))) for q in qualities]
    for metric in subject.block.metrics:
        values = [(q, evaluation[metric.name]) for q, evaluation in found]
        for better, worse in ((a, b) for i, a in enumerate(values) for b in values[i + 1 :]):
            gain = (worse[1] - better[1]) * (1 if metric.maximize else -1)
            if not gain <= SLACK * max(1.0, abs(better[1])):
                given = subject.predictions(case, worse[0])
                raise Broken(
                    f"{metric.name} ({'higher' if metric.maximize else 'lower'} is better) of predictions that are "
                    f"right for {better[0]:.0%} of the rows is no worse than of those right for {worse[0]:.0%}",
                    f"{better[1]:.6g} and {worse[1]:.6g}",
                    y_true=given.y_true,
                    y_pred=given.y_pred,
                )
        if values[0][1] == values[-1][1]:
            claim = f"{metric.name} tells perfect predictions from those that are all wrong"
            raise Broken(claim, f"both get {values[0][1]:.6g}")


@law("The order of the rows does not matter.", cases=2)
def row_order(subject: EvaluatorSubject, case: Case) -> None:
    given = subject.predictions(case, 0.7)
    order = np.random.default_rng(case.seed).permutation(len(given.y_true))
    one, other = subject.evaluate(given), subject.evaluate(given.take(order))
    _alike(one, other, "reordered rows get the same value", given)
    for name, scores in one.scores.items():
        if not np.allclose(scores[order], other.scores[name], equal_nan=True):
            raise Broken(f"scores {name} follow their rows", "reordered rows have other scores", y_true=given.y_true)


@law("Evaluating again gives the same value.")
def repeatable(subject: EvaluatorSubject, case: Case) -> None:
    given = subject.predictions(case, 0.7)
    _alike(subject.evaluate(given), subject.evaluate(given), "a second call gives the same value", given)


@law("Inputs are never changed.")
def inputs_unchanged(subject: EvaluatorSubject, case: Case) -> None:
    given = subject.predictions(case, 0.7)
    before = digest_of(*given.arrays())
    subject.evaluate(given)
    if digest_of(*given.arrays()) != before:
        raise Broken("targets, predictions and weights are left as they are", "they were changed", y_true=given.y_true)


@law("Values are finite and within their bounds, or the refusal is clear: one row, one class, all tied.")
def finite_or_refused(subject: EvaluatorSubject, case: Case) -> None:
    given = subject.predictions(case, 0.7)
    other = next(i for i, value in enumerate(given.y_pred) if value != given.y_pred[0])
    odd = {
        "ordinary rows": given,
        "perfect predictions": subject.predictions(case, 1.0),
        "predictions that are all wrong": subject.predictions(case, 0.0),
        "one row": given.take(np.arange(1)),
        "rows of one class": given.take(np.flatnonzero(given.y_true == given.y_true[0])),
        "rows of another class": given.take(np.flatnonzero(given.y_true != given.y_true[0])),
        "rows of one prediction": given.tied(0),
        "rows of another prediction": given.tied(other),
    }
    for what, rows in odd.items():
        _check_finite(subject, rows, what)


def _check_finite(subject: EvaluatorSubject, given: Predictions, what: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            evaluation = subject.block(given.offered())
        except Exception as error:
            if is_refusal(error):
                return
            raise crash(error, doing=f"evaluating {what}", y_true=given.y_true) from error
    for name in evaluation:
        value = evaluation[name]
        low, high = subject.declares.bounds.get(name, (-np.inf, np.inf))
        # A warning that it is undefined is a refusal in scikit-learn's way.
        told_so = any("defined" in str(warning.message) for warning in said)
        if not np.isfinite(value) and not told_so:
            raise Broken(f"{name} of {what} is finite, or they are refused", f"{value}", y_true=given.y_true)
        if np.isfinite(value) and not low - SLACK <= value <= high + SLACK:
            raise Broken(f"{name} of {what} lies between {low} and {high}", f"{value}", y_true=given.y_true)


@law("The mean of the scores of the examples is the metric, where it is declared decomposable.")
def scores_average(subject: EvaluatorSubject, case: Case) -> None:
    if not subject.declares.decomposable:
        raise NotApplicable("no metric is declared decomposable")
    given = subject.predictions(case, 0.7)
    evaluation = subject.evaluate(given)
    for name in subject.declares.decomposable:
        if name not in evaluation.scores:
            raise Broken(f"scores of the examples for {name}", f"scores for {sorted(evaluation.scores)} only")
        mean = float(np.mean(evaluation.scores[name]))
        if abs(mean - evaluation[name]) > SLACK * max(1.0, abs(mean)):
            raise Broken(f"{name} is the mean of its scores", f"{evaluation[name]:.9g}, and the mean is {mean:.9g}")


@law("Weights of one are no weights, and a weight of two is a row that stands there twice.")
def weights_are_counts(subject: EvaluatorSubject, case: Case) -> None:
    if "sample_weight" not in (*subject.block.requests, *subject.block.optional):
        raise NotApplicable("it takes no sample_weight")
    given = subject.predictions(case, 0.7)
    rows = len(given.y_true)
    ones = subject.evaluate(given.weighted(np.ones(rows)))
    if "sample_weight" in subject.block.optional:
        _alike(ones, subject.evaluate(given), "weights of one give what no weights give", given)
    counts = 1 + np.arange(rows) % 2
    twice = given.take(np.repeat(np.arange(rows), counts))
    weighted, repeated = given.weighted(counts.astype(float)), twice.weighted(np.ones(len(twice.y_true)))
    claim = "a weight of two counts like a row that stands there twice"
    _alike(subject.evaluate(weighted), subject.evaluate(repeated), claim, given)


def _alike(one: Evaluation, other: Evaluation, claim: str, given: Predictions) -> None:
    for name in one:
        value, again = one[name], other[name]
        if not (np.isnan(value) and np.isnan(again)) and not np.isclose(value, again, rtol=1e-7, atol=SLACK):
            data: dict[str, Any] = {"y_true": copy.copy(given.y_true), "y_pred": copy.copy(given.y_pred)}
            raise Broken(claim, f"{name} is {value:.9g} and {again:.9g}", **data)


LAWS = (
    worse_is_not_better,
    row_order,
    repeatable,
    inputs_unchanged,
    finite_or_refused,
    scores_average,
    weights_are_counts,
)
