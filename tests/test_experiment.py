from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.provenance.fingerprint import fingerprint


def numbers() -> Dataset:
    return Dataset.from_arrays(np.zeros((4, 1)), np.zeros(4), split=0.5)


def complete() -> Experiment:
    experiment = Experiment("complete")
    experiment.dataset(numbers)
    experiment.model(LogisticRegression(), name="logistic")
    experiment.evaluator(accuracy_score)
    return experiment


def test_decorators_give_the_function_back_unchanged() -> None:
    experiment = Experiment("e")

    @experiment.model(params={"k": [1, 2]})
    def model(k: int) -> Any:
        return k

    @experiment.evaluator(maximize="f")
    def evaluator(y_pred: Any) -> float:
        return 0.0

    assert experiment.dataset(numbers) is numbers
    assert (model(3), evaluator(None)) == (3, 0.0)
    assert list(experiment.models) == ["model-k=1", "model-k=2"]


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda e: e.dataset(numbers), "declares the dataset 'numbers'"),
        (
            lambda e: e.model(LogisticRegression(), name="logistic"),
            "declares the model 'logistic': give this a name=",
        ),
        (lambda e: e.model(lambda C: C, name="logistic", params={"C": [1]}), "declares the model 'logistic'"),
        (lambda e: e.evaluator("accuracy"), "declares the evaluator 'accuracy'"),
        (lambda e: e.dataset(3), "declared by the function that loads it"),
        (lambda e: e.dataset(lambda path: path, name="file"), "takes 'path'"),
        (lambda e: e.dataset(numbers, name="a-b"), "dataset name 'a-b'"),
        (
            lambda e: e.model(RandomForestClassifier, name="f", params={"n_estimator": [1]}),
            "did you mean 'n_estimators",
        ),
        (lambda e: e.evaluator("acuracy"), "did you mean 'accuracy'"),
        (lambda e: e.gate("accuracy"), "no rule"),
        (
            lambda e: (e.gate("accuracy", max_drop=1), e.gate("accuracy", max_drop=1.0, on=())),
            "'accuracy max_drop=1.0' is declared already: leave one of the two out",
        ),
        (lambda e: e.gate(Gate("accuracy", at_least=0.5) & Gate("accuracy", at_least=0.5)), "is declared already"),
        (
            lambda e: e.evaluator(lambda y_pred: 0, name="f", minimize="accuracy"),
            "is given by evaluator 'accuracy'",
        ),
        (lambda e: e.evaluator(lambda y_pred: 0, name="f", minimize=[1]), "a metric's name is a text"),
        (lambda e: e.evaluator(object(), maximize="f"), "an evaluator is a function"),
        (lambda e: e.evaluator("f1", owner=["risk"]), r"owner= of an evaluator is one line of text.*not \['risk'\]"),
        (lambda e: e.evaluator("f1", business_indicator="a\nb"), "business_indicator= of an evaluator is one line"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_declared(declare: Any, words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        declare(complete())


@pytest.mark.parametrize("seeds", [(), (0, 0), (-1,), (2**32,), (True,), ("0",), (0.0,)])
def test_seeds_are_distinct_integers_that_every_generator_takes(seeds: Any) -> None:
    with pytest.raises(DeclarationError, match="seeds= of experiment 'e'"):
        Experiment("e", seeds=seeds)


@pytest.mark.parametrize("seeds", [2, None, np.float64(3.0)])
def test_seeds_that_are_a_number_of_them_are_refused_with_what_is_meant(seeds: Any) -> None:
    with pytest.raises(DeclarationError, match=rf"as in \(0, 1\) or range\(5\), not {re.escape(repr(seeds))}"):
        Experiment("e", seeds=seeds)


@pytest.mark.parametrize("name", ["", "a b", "a-b", "x" * 101, None])
def test_an_experiments_name_is_checked(name: Any) -> None:
    with pytest.raises(DeclarationError, match="experiment name"):
        Experiment(name)


@pytest.mark.parametrize("kind", ["dataset", "model", "evaluator"])
def test_an_experiment_without_a_kind_of_block_says_which(kind: str) -> None:
    experiment = complete()
    getattr(experiment, f"{kind}s").clear()
    with pytest.raises(DeclarationError, match=f"declares no {kind}: add one with .{kind}"):
        experiment.validate()


@pytest.mark.parametrize("folder", [".", "experiments"])
def test_an_error_on_a_gate_starts_with_the_line_that_declares_it(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for gate in ("experiment.gate('acuracy', at_least=0.5)", "experiment.gate(made)"):
        experiment = complete()
        names = {"experiment": experiment, "made": Gate("acuracy", at_least=0.5) & Gate("accuracy", at_least=0.5)}
        exec(compile(f"\n\n{gate}", tmp_path / folder / "team.py", "exec"), names)  # noqa: S102 - a team's file
        where = Path(folder) / "team.py"
        with pytest.raises(DeclarationError, match=f"^{re.escape(str(where))}:3: the gate 'acuracy at_least=0.5' of"):
            experiment.validate()


def test_the_line_of_a_gate_elsewhere_is_absolute_and_no_part_of_a_fingerprint(tmp_path: Path) -> None:
    digests = set()
    for line in (1, 2):
        experiment = complete()
        code = "\n" * line + "experiment.gate('acuracy', at_least=0.5)"
        exec(compile(code, tmp_path / "team.py", "exec"), {"experiment": experiment})  # noqa: S102 - a team's file
        with pytest.raises(DeclarationError, match=f"^{re.escape(str(tmp_path / 'team.py'))}:{line + 1}: the gate"):
            experiment.validate()
        digests.add(fingerprint(experiment))
    assert len(digests) == 1


def test_a_gate_on_a_metric_that_nothing_gives_names_the_likely_one() -> None:
    experiment = complete()
    experiment.gate("acuracy", at_least=0.5)
    with pytest.raises(DeclarationError, match="did you mean 'accuracy'"):
        experiment.validate()


@pytest.mark.parametrize(
    ("metric", "bounds", "words"),
    [
        ("loss", {"at_least": 0.1}, "could fail only what is better, for loss is minimized: at_most= is meant?"),
        ("accuracy", {"at_most": 0.9, "max_drop": 0.1}, "accuracy is maximized: at_least= is meant?"),
        ("fit_seconds", {"at_least": 0.1}, "at_most= is meant?"),
        ("loss", {"at_least": 0.1, "at_most": 0.9}, None),
    ],
)
def test_a_bound_against_the_direction_of_its_metric_is_refused_alone(
    metric: str, bounds: dict[str, float], words: str | None
) -> None:
    experiment = complete()
    experiment.evaluator(lambda y_pred: 0.0, name="cost", minimize="loss")
    experiment.gate(metric, **bounds)  # type: ignore[call-overload]
    if words is None:
        experiment.validate()
        return
    with pytest.raises(DeclarationError, match=words):
        experiment.validate()


def test_slices_that_are_named_as_another_metric_are_refused() -> None:
    experiment = complete()
    experiment.evaluator(lambda y_pred: {}, name="top", maximize=["hits", "hits[k=5]"])
    experiment.gate("hits", max_drop=0.01, slices="region")
    experiment.gate("hits[k=5]", max_drop=0.01)
    experiment.validate()
    experiment.gate("hits", max_drop=0.01, slices="k")
    with pytest.raises(DeclarationError, match=r"named as the metric 'hits.k=5.' is: rename the metric"):
        experiment.validate()


@pytest.mark.parametrize(
    ("metric", "on", "words"),
    [
        ("loss", "logistic-numbers-accuracy-cpu", "does not have 'loss', .*: did you mean 'logistic-numbers-cost-cpu'"),
        ("accuracy", ["logistic", "logistic-numbers-cost-cuda:0"], "did you mean 'logistic-numbers-accuracy-cpu'"),
        (
            "loss",
            "logistic-numbers-cost-cuda:0",
            "never runs .its model asks for no device.*'logistic-numbers-cost-cpu'",
        ),
        ("loss", "placed-numbers-cost-cuda", "never runs .'cuda' is no device.*'placed-numbers-cost-cuda:0'"),
        ("loss", "placed-numbers-cost-cuda:7", None),
        ("fit_seconds", "logistic-numbers-cost-cpu", "checks nothing there: did you mean 'logistic-numbers-accuracy-"),
        ("accuracy", "logistc", "is no model, dataset or cell: did you mean 'logistic'"),
        ("loss", "logistic-numbers-cost-cpu", None),
        ("fit_seconds", "logistic-numbers-accuracy-cpu", None),
        ("loss", ["logistic", "numbers"], None),
    ],
)
def test_a_gate_that_would_check_nothing_is_refused(metric: str, on: Any, words: str | None) -> None:
    experiment = complete()
    experiment.evaluator(lambda y_pred: 0.0, name="cost", minimize="loss")
    experiment.model(lambda device: device, name="placed")
    experiment.gate(metric, max_drop=0.5, on=on)
    if words is None:
        experiment.validate()
        return
    with pytest.raises(DeclarationError, match=words):
        experiment.validate()
