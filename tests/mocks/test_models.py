from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.errors import DataError
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.mocks import datasets, evaluators, models

MAKERS = (datasets.binary, datasets.multiclass, datasets.regression, datasets.multi_output, datasets.frame)
LISTS = (datasets.text, datasets.sequences)


def fitted(model: Any, dataset: Dataset) -> Any:
    return model.fit(dataset.X, dataset.y)


@pytest.mark.parametrize("make", [*MAKERS, *LISTS])
def test_perfect_knows_every_row_in_any_order(make: Callable[..., Dataset]) -> None:
    dataset = make(rows=30)
    (split,) = dataset.splits
    test = dataset.test(split)
    predicted = models.Perfect(dataset).predict(test.X)
    assert list(predicted.tolist()) == (test.y if isinstance(test.y, list) else test.y.tolist())


def test_perfect_says_which_row_it_does_not_know() -> None:
    with pytest.raises(DataError, match="does not know row 0"):
        models.Perfect(datasets.binary()).predict(datasets.binary(seed=1).X)
    with pytest.raises(DataError, match="needs a dataset with targets"):
        models.Perfect(Dataset.from_arrays(np.eye(4), None, split=0.25))


@pytest.mark.parametrize(
    ("make", "expected"),
    [(datasets.imbalanced, lambda y: 0), (datasets.regression, np.mean), (datasets.frame, lambda y: y.mode()[0])],
)
def test_constant_takes_the_mean_or_the_most_frequent_label(make: Callable[..., Dataset], expected: Any) -> None:
    dataset = make()
    predicted = fitted(models.Constant(), dataset).predict(dataset.X)
    assert len(predicted) == len(dataset)
    assert (predicted == expected(dataset.y)).all()


@pytest.mark.parametrize("make", [*MAKERS, *LISTS])
def test_predictions_have_the_shape_of_the_targets(make: Callable[..., Dataset]) -> None:
    dataset = make(rows=20)
    shape = np.shape(dataset.y) if make in MAKERS else (20,)
    noisy = models.Noisy(models.Perfect(dataset), share=0.5)
    for model in (models.Constant(), models.Random(), models.Unseeded(), noisy):
        assert fitted(model, dataset).predict(dataset.X).shape == shape


def test_constant_predicts_a_given_value_without_fit() -> None:
    assert models.Constant("yes").predict(["a", "b"]).tolist() == ["yes", "yes"]


@pytest.mark.parametrize("make", [*MAKERS, *LISTS])
def test_random_depends_on_seed_and_row_only(make: Callable[..., Dataset]) -> None:
    dataset = make(rows=60)
    predicted = fitted(models.Random(seed=3), dataset).predict(dataset.X)
    again = fitted(models.Random(seed=3), dataset)
    halves = [again.predict(dataset.X[start : start + 30]) for start in (0, 30)]
    np.testing.assert_array_equal(np.concatenate(halves), predicted)
    assert not np.array_equal(fitted(models.Random(seed=4), dataset).predict(dataset.X), predicted)


def test_noisy_is_wrong_in_about_its_share() -> None:
    dataset = datasets.regression(rows=1000)
    model = fitted(models.Noisy(models.Perfect(dataset), share=0.2), dataset)
    assert np.mean(model.predict(dataset.X) != dataset.y) == pytest.approx(0.2, abs=0.05)
    np.testing.assert_array_equal(model.predict(dataset.X[::-1])[::-1], model.predict(dataset.X))


def test_noisy_keeps_several_outputs_of_a_row_together() -> None:
    dataset = datasets.multi_output(rows=100)
    wrong = fitted(models.Noisy(models.Perfect(dataset)), dataset).predict(dataset.X) != dataset.y
    assert (wrong[:, 0] == wrong[:, 1]).all()
    assert wrong.any()


def test_slow_takes_at_least_its_time() -> None:
    dataset = datasets.binary(rows=10)
    model = models.Slow(models.Constant(), fit_seconds=0.02, predict_seconds=0.01)
    started = time.perf_counter()
    fitted(model, dataset).predict(dataset.X)
    assert time.perf_counter() - started >= 0.03


@pytest.mark.parametrize("at", ["fit", "predict"])
@pytest.mark.parametrize(
    ("make", "error"),
    [
        (models.Failing, RuntimeError),
        (models.OutOfMemory, MemoryError),
        (lambda inner, at: models.Failing(inner, at=at, error=KeyError("column")), KeyError),
    ],
)
def test_failing_models_fail_at_their_moment_only(make: Any, error: type[Exception], at: str) -> None:
    dataset = datasets.binary(rows=10)
    model = make(models.Constant(0), at=at)
    if at == "fit":
        with pytest.raises(error):
            fitted(model, dataset)
        assert len(model.predict(dataset.X)) == 10
    else:
        with pytest.raises(error):
            fitted(model, dataset).predict(dataset.X)


def test_wrong_shape_is_a_column() -> None:
    dataset = datasets.binary(rows=10)
    assert fitted(models.WrongShape(models.Constant()), dataset).predict(dataset.X).shape == (10, 1)


@pytest.mark.parametrize("make", [datasets.binary, datasets.frame, datasets.text])
def test_mutating_changes_its_input(make: Callable[..., Dataset]) -> None:
    dataset = make(rows=12)
    X = dataset.X.copy()
    fitted(models.Mutating(models.Constant()), dataset).predict(X)
    assert repr(X) != repr(dataset.X)


def test_leaking_instances_predict_as_the_last_one_fitted() -> None:
    X = np.zeros((3, 1))
    first = models.Leaking(models.Constant()).fit(X, [1, 1, 1])
    models.Leaking(models.Constant()).fit(X, [2, 2, 2])
    assert first.predict(X).tolist() == [2, 2, 2]


def test_unseeded_predicts_otherwise_each_time() -> None:
    dataset = datasets.regression()
    model = fitted(models.Unseeded(), dataset)
    assert not np.array_equal(model.predict(dataset.X), model.predict(dataset.X))


def test_forgetful_loses_its_fit_in_pickle_and_the_others_do_not() -> None:
    dataset = datasets.binary(rows=10)
    model = fitted(models.Forgetful(models.Constant()), dataset)
    assert len(model.predict(dataset.X)) == 10
    with pytest.raises(AttributeError):
        pickle.loads(pickle.dumps(model)).predict(dataset.X)
    for kind in (models.Noisy, models.Slow, models.Failing, models.OutOfMemory, models.WrongShape, models.Mutating):
        assert pickle.loads(pickle.dumps(kind(models.Constant())))


def test_wrapped_models_have_probabilities_where_the_inner_one_has_them() -> None:
    from sklearn.linear_model import LogisticRegression

    dataset = datasets.binary()
    assert fitted(models.Wrapped(LogisticRegression()), dataset).predict_proba(dataset.X).shape == (200, 2)
    assert not hasattr(models.Wrapped(models.Constant()), "predict_proba")


def test_mocks_go_through_the_whole_flow() -> None:
    experiment = Experiment("mocked")
    experiment.dataset(datasets.imbalanced)
    experiment.model(lambda: models.Perfect(datasets.imbalanced()), name="perfect")
    experiment.model(models.Constant(), name="constant")
    experiment.evaluator(evaluators.accuracy, maximize="accuracy")
    results = experiment.run(devices="cpu")
    assert results["perfect-imbalanced-accuracy-cpu"]["accuracy"] == 1
    assert 0.8 < results["constant-imbalanced-accuracy-cpu"]["accuracy"] < 1
