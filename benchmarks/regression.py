"""Regression: disease progression of diabetes patients, five folds and two seeds."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from pytest_mlexp import Dataset, Evaluation, Experiment, TorchModel

if TYPE_CHECKING:
    from torch import Tensor, nn

HAS_TORCH = find_spec("torch") is not None

progression = Experiment("progression", seeds=(0, 1), description="How far does diabetes progress within a year?")


@progression.dataset(version="lars-2004")
def diabetes() -> Dataset:
    patients, progress = load_diabetes(return_X_y=True)
    return Dataset.from_arrays(patients, progress, split=KFold(n_splits=5, shuffle=True, random_state=0))


@progression.model
def mean() -> Any:
    return DummyRegressor()


@progression.model(params={"alpha": [0.01, 0.1]})
def ridge(alpha: float) -> Any:
    return Ridge(alpha=alpha)


@progression.model
def support_vectors() -> Any:
    return make_pipeline(StandardScaler(), SVR(C=50.0))


@progression.model
def forest(seed: int) -> Any:
    return RandomForestRegressor(60, min_samples_leaf=5, random_state=seed)


@progression.model
def boosting(seed: int) -> Any:
    return GradientBoostingRegressor(n_estimators=60, max_depth=2, subsample=0.7, random_state=seed)


def train_regressor(module: nn.Module, X: Tensor, y: Tensor, device: str) -> None:
    import torch

    optimizer = torch.optim.Adam(module.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(module(X), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


if HAS_TORCH:  # without PyTorch the rest of the experiment stands; test_regression.py says so

    @progression.model
    def mlp(device: str) -> TorchModel:
        from torch import nn

        module = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1), nn.Flatten(0))
        return TorchModel(module, train_regressor, device=device, task="regression")


@progression.evaluator(minimize=["absolute_error", "worst_error"])
def errors(y_true: Any, y_pred: Any) -> Evaluation:
    """The error of every patient is kept, so that two models can be compared patient by patient."""
    error = np.abs(np.asarray(y_true) - np.asarray(y_pred))
    return Evaluation(
        metrics={"absolute_error": (float(error.mean()),), "worst_error": (float(error.max()),)},
        scores={"absolute_error": error},
    )


progression.evaluator(r2_score)
progression.gate("r2", at_least=-0.05)
progression.gate("absolute_error", at_most=70.0)
