"""The law of the flow: every block runs through the whole flow with mocks in the place of the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.blocks.dataset_block import DatasetBlock
from pytest_mlexp.blocks.model import ModelVariant
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.datasets import DatasetSubject
from pytest_mlexp.contracts.evaluators import EvaluatorSubject
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.refusals import told
from pytest_mlexp.contracts.subject import Subject
from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.flow import Flow
from pytest_mlexp.matrix import expand
from pytest_mlexp.mocks import datasets, evaluators, models
from pytest_mlexp.records import Evaluation

MOCKS: dict[str, Callable[[], Dataset]] = {
    "binary": datasets.binary,
    "multiclass": datasets.multiclass,
    "regression": datasets.regression,
    "text": datasets.text,
}
SENTENCE = "With mocks in the place of the other blocks, it runs through the whole flow."


def answered(y_pred: Any) -> float:
    """A mock evaluator: whether there are predictions."""
    return float(len(y_pred) > 0)


def walk(load: Callable[[], Dataset], variant: ModelVariant, declare: Callable[[Experiment], object]) -> Evaluation:
    """Take one cell through the flow, from expanding to evaluating.

    Raises:
        Broken: a step failed, or a metric is not finite.
    """
    flow = Experiment("flow")
    flow.datasets["data"] = DatasetBlock("data", load, "1")
    flow.models[variant.name] = variant
    declare(flow)
    try:
        (cell,) = expand(flow, ["cpu"])
        evaluation = Flow(OutcomeStore(), record=lambda *_: None).evaluate(cell)
    except Exception as error:
        raise Broken("the flow goes from dataset to evaluation", told(error)) from error
    for name, values in evaluation.metrics.items():
        if not np.isfinite(values).all():
            raise Broken(f"{name} is finite at the end of the flow", f"{values}")
    return evaluation


def _variant(make: Callable[[], Any]) -> ModelVariant:
    return ModelVariant("model", "model", make, {}, frozenset())


@law(SENTENCE)
def model_runs_through(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    if data.y is None:
        raise NotApplicable("its data have no targets")
    classifies = subject.declares.task == "classification"
    mock = evaluators.accuracy if classifies else evaluators.absolute_error
    direction = {"maximize": "accuracy"} if classifies else {"minimize": "absolute_error"}
    if not subject.trains:
        mock, direction = answered, {"maximize": "answered"}  # type: ignore[assignment]
    load = lambda: Dataset.from_parts((data.X, data.y), (data.X_test, data.y_test))  # noqa: E731
    walk(load, _variant(subject.build), lambda flow: flow.evaluator(mock, **direction))


@law(SENTENCE)
def dataset_runs_through(subject: DatasetSubject, _case: object) -> None:
    if subject.dataset.y is None:
        raise NotApplicable("it has no targets to train on")
    walk(subject.load, _variant(models.Constant), lambda flow: flow.evaluator(answered, maximize="answered"))


@law(SENTENCE)
def evaluator_runs_through(subject: EvaluatorSubject, _case: object) -> None:
    task = subject.task()
    probabilistic = any("predict" not in methods for methods in subject.block.methods())

    def model() -> Any:
        if not probabilistic:
            return models.Random()
        from sklearn.dummy import DummyClassifier

        return DummyClassifier(strategy="prior")

    walk(MOCKS[task], _variant(model), lambda flow: flow.evaluators.update({"it": subject.block}))
