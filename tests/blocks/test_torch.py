from __future__ import annotations

import importlib.util
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pytest_mlexp.blocks.device import absent_reason
from pytest_mlexp.blocks.torch import TorchModel
from pytest_mlexp.errors import DeclarationError, DeviceError, MlexpError, ModelError

pytest.importorskip("torch")
import torch

X, Y = load_iris(return_X_y=True)


def full_batch(module: Any, X: Any, y: Any, device: str) -> None:
    classification = y.dtype == torch.int64
    loss = torch.nn.CrossEntropyLoss() if classification else torch.nn.MSELoss()
    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    for _ in range(60):
        optimizer.zero_grad()
        output = module(X)
        loss(output if classification else output.reshape(y.shape), y).backward()
        optimizer.step()


def untrained(module: Any, X: Any, y: Any, device: str) -> None:
    """Leave the module as it is."""


def net(outputs: int = 3) -> Any:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, outputs))


class Constant(torch.nn.Module):
    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value

    def forward(self, _: Any) -> Any:
        return self.value


def test_a_network_learns_iris() -> None:
    model = TorchModel(net(), full_batch).fit(X[::2], Y[::2])
    assert np.mean(model.predict(X[1::2]) == Y[1::2]) > 0.8


def test_labels_keep_their_type() -> None:
    names = np.array(["setosa", "versicolor", "virginica"])[Y]
    model = TorchModel(net(), full_batch).fit(X, pd.Series(names))
    predicted = model.predict(X)
    assert model.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert np.mean(predicted == names) > 0.8
    assert TorchModel(net(), untrained).fit(X, Y * 10).predict(X).dtype == Y.dtype


def test_probabilities_are_rows_of_one_and_agree_with_the_labels() -> None:
    model = TorchModel(net(), full_batch).fit(X, Y)
    proba = model.predict_proba(X)
    assert proba.shape == (150, 3)
    np.testing.assert_allclose(proba.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(model.classes_[proba.argmax(axis=1)], model.predict(X))


def test_a_regression_predicts_numbers_and_no_probabilities() -> None:
    model = TorchModel(net(1), full_batch, task="regression").fit(X[:, :4], X[:, 2])
    assert model.predict(X).shape == (150,)
    assert np.corrcoef(model.predict(X), X[:, 2])[0, 1] > 0.8
    assert not hasattr(model, "predict_proba")


def test_a_regression_may_have_several_targets() -> None:
    model = TorchModel(net(2), full_batch, task="regression").fit(X, X[:, :2])
    assert model.predict(X).shape == (150, 2)


def test_a_refit_equals_the_first_fit_and_the_given_module_is_never_trained() -> None:
    module = net()
    before = [p.detach().clone() for p in module.parameters()]
    model = TorchModel(module, full_batch)
    first = model.fit(X, Y).predict_proba(X)
    np.testing.assert_array_equal(model.fit(X, Y).predict_proba(X), first)
    assert all(torch.equal(a, b) for a, b in zip(before, module.parameters(), strict=True))
    assert not np.array_equal(TorchModel(module, untrained).fit(X, Y).predict_proba(X), first)


@pytest.mark.parametrize("batch_size", [1, 7, 150, 10_000])
def test_the_batch_size_does_not_change_predictions(batch_size: int) -> None:
    expected = TorchModel(net(), untrained).fit(X, Y).predict_proba(X)
    actual = TorchModel(net(), untrained, batch_size=batch_size).fit(X, Y).predict_proba(X)
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_training_sees_the_module_in_train_mode_and_predicting_in_eval_mode_without_gradients() -> None:
    seen: list[tuple[bool, bool]] = []

    class Spy(torch.nn.Linear):
        def forward(self, X: Any) -> Any:
            seen.append((self.training, torch.is_grad_enabled()))
            return super().forward(X)

    model = TorchModel(Spy(4, 3).eval(), lambda module, X, y, device: module(X)).fit(X, Y)
    model.module_.train()
    model.predict(X)
    assert seen == [(True, True), (False, False)]


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        (X, "float32"),
        (X.astype(np.float16), "float32"),
        (X.astype(np.int16), "int64"),
        (X > 1, "float32"),
        (X.tolist(), "float32"),
        (pd.DataFrame(X), "float32"),
        (pd.DataFrame({"a": Y, "b": X[:, 0]}), "float32"),
        ([[1, 2]] * 150, "int64"),
    ],
)
@pytest.mark.parametrize(("task", "target"), [("classification", "int64"), ("regression", "float32")])
def test_train_gets_tensors_of_the_promised_types(given: Any, dtype: str, task: Any, target: str) -> None:
    seen: list[Any] = []
    TorchModel(net(), lambda module, X, y, device: seen.extend([X, y, device]), task=task).fit(given, Y)
    assert [str(seen[0].dtype), str(seen[1].dtype), seen[2]] == [f"torch.{dtype}", f"torch.{target}", "cpu"]
    assert (seen[0].shape[0], tuple(seen[1].shape)) == (150, (150,))


def test_class_indexes_are_given_whatever_the_labels() -> None:
    seen: list[Any] = []
    TorchModel(net(), lambda module, X, y, device: seen.append(y)).fit(X[:3], ["b", "a", "b"])
    assert seen[0].tolist() == [1, 0, 1]


def test_no_examples_give_no_predictions() -> None:
    model = TorchModel(net(), untrained).fit(X, Y)
    assert model.predict(X[:0]).shape == (0,)
    assert model.predict_proba(X[:0]).shape == (0, 3)


@pytest.mark.parametrize(
    ("output", "task", "message"),
    [
        (torch.zeros(150, 2), "classification", r"returned shape \(150, 2\), expected \(150, 3\)"),
        (torch.zeros(150), "classification", r"returned shape \(150,\), expected \(150, 3\)"),
        (torch.zeros(149, 3), "classification", r"returned shape \(149, 3\), expected \(150, 3\)"),
        (torch.zeros(150, 2), "regression", r"returned shape \(150, 2\), expected \(150,\)"),
        (torch.zeros(1), "regression", r"returned shape \(1,\), expected \(150,\)"),
        ((torch.zeros(150, 3),), "classification", r"returned tuple, not a tensor of shape \(150, 3\)"),
        (torch.full((150, 3), float("nan")), "classification", "NaN logits for 150 of 150"),
    ],
)
def test_an_unusable_output_is_refused(output: Any, task: Any, message: str) -> None:
    model = TorchModel(Constant(output), untrained, task=task).fit(X, Y)
    with pytest.raises(ModelError, match=f"Constant .*{message}"):
        model.predict(X)


def test_nan_of_a_regression_stays_visible() -> None:
    model = TorchModel(Constant(torch.full((150,), float("nan"))), untrained, task="regression").fit(X, Y)
    assert np.isnan(model.predict(X)).all()


@pytest.mark.parametrize(
    ("given", "labels", "message"),
    [
        (X, Y[:-1], "X has 150 examples and y has 149"),
        (X, Y.reshape(-1, 1), r"y has shape \(150, 1\)"),
        (X, np.where(Y == 1, np.nan, Y), "missing labels"),
        (X, pd.Series(["a", None, "b"] * 50), "missing labels|cannot be sorted"),
        (X, pd.array([1, None, 2] * 50, dtype="Int64"), "missing labels|cannot be sorted"),
        (X, [1, "a", None] * 50, "cannot be sorted|missing labels"),
        (pd.DataFrame({"a": ["x"] * 150}), Y, "X holds object values"),
    ],
)
def test_unusable_examples_are_refused(given: Any, labels: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        TorchModel(net(), untrained).fit(given, labels)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"task": "regresion"}, DeclarationError, "did you mean 'regression'"),
        ({"batch_size": 0}, DeclarationError, "batch_size=0"),
        ({"module": "net"}, DeclarationError, "takes a torch.nn.Module, not 'net'"),
        ({"device": "cuda:99"}, DeviceError, "cannot be fitted: "),
    ],
)
def test_an_unusable_argument_is_refused_before_training(changed: Any, error: type[Exception], message: str) -> None:
    model = TorchModel(net(), lambda *_: pytest.fail("trained")).set_params(**changed)
    with pytest.raises(error, match=message):
        model.fit(X, Y)


def test_without_torch_the_install_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MlexpError, match=r"pip install 'pytest-mlexp\[torch\]'"):
        TorchModel(net(), untrained).fit(X, Y)


def test_an_error_of_the_training_function_arrives_as_it_was_raised() -> None:
    def broken(module: Any, X: Any, y: Any, device: str) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        TorchModel(net(), broken).fit(X, Y)


def test_predicting_before_a_fit_is_scikit_learns_error() -> None:
    with pytest.raises(NotFittedError, match="fit"):
        TorchModel(net(), untrained).predict(X)


def test_it_is_a_good_scikit_learn_estimator() -> None:
    model = TorchModel(net(), full_batch, batch_size=64)
    copied = clone(model)
    assert copied.get_params()["batch_size"] == 64
    assert copied.module is not model.module
    assert is_classifier(model)
    assert is_regressor(TorchModel(net(), untrained, task="regression"))
    scores = cross_val_score(
        make_pipeline(StandardScaler(), model), X, Y, cv=3, scoring=make_scorer(accuracy_score), error_score="raise"
    )
    assert scores.min() > 0.8
    with pytest.raises(DeclarationError, match="did you mean 'batch_size'"):
        model.set_params(batchsize=1)


def test_a_fitted_model_survives_pickling() -> None:
    model = TorchModel(net(), full_batch).fit(X, Y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X))


@pytest.mark.skipif(absent_reason("cuda:0") is not None, reason=str(absent_reason("cuda:0")))
def test_a_cuda_device_trains_and_predicts_like_the_cpu() -> None:
    model = TorchModel(net(), full_batch, device="cuda:0").fit(X, Y)
    assert next(model.module_.parameters()).device.type == "cuda"
    cpu = TorchModel(net(), full_batch).fit(X, Y)
    np.testing.assert_allclose(model.predict_proba(X), cpu.predict_proba(X), atol=0.01)


def test_a_frame_with_other_columns_or_another_order_is_refused() -> None:
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    model = TorchModel(net(), untrained).fit(frame, Y)
    np.testing.assert_array_equal(model.predict(frame), model.predict(X))
    with pytest.raises(ModelError, match="in another order"):
        model.predict(frame[["b", "a", "c", "d"]])
    with pytest.raises(ModelError, match="differ in d, e"):
        model.predict(frame.rename(columns={"d": "e"}))
    assert model.fit(X, Y).predict(frame[["b", "a", "c", "d"]]).shape == (150,)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_a_target_that_is_no_number_in_float32_is_refused(value: float) -> None:
    with pytest.raises(ModelError, match="y holds NaN, infinity or numbers beyond float32"):
        TorchModel(net(1), untrained, task="regression").fit(X, np.where(np.arange(150) == 3, value, X[:, 0]))
