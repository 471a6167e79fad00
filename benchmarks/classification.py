"""Classification: tumours from a frame with a hold-out, hand-written digits cross-validated."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pytest_mlexp import Dataset, Evaluation, Experiment, TorchModel

if TYPE_CHECKING:
    from torch import Tensor, nn

HAS_TORCH = find_spec("torch") is not None

tumours = Experiment("tumours", description="Is a breast tumour benign? One stratified hold-out.")


@tumours.dataset(version="uci-1995")
def breast_cancer() -> Dataset:
    frame = load_breast_cancer(as_frame=True).frame
    return Dataset.from_frame(
        frame, target="target", split=StratifiedShuffleSplit(n_splits=1, test_size=0.25, random_state=0)
    )


@tumours.model
def majority() -> Any:
    return DummyClassifier(strategy="prior")


@tumours.model(params={"C": [0.1, 1.0]})
def logistic(C: float) -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=500))


@tumours.model(params={"n_estimators": [30, 100]})
def forest(n_estimators: int, seed: int) -> Any:
    return RandomForestClassifier(n_estimators, random_state=seed)


@tumours.model
def boosting(seed: int) -> Any:
    return HistGradientBoostingClassifier(max_iter=50, random_state=seed)


@tumours.evaluator(maximize=["roc_auc"], minimize=["log_loss"])
def discrimination(y_true: Any, y_score: Any) -> dict[str, float]:
    return {"roc_auc": roc_auc_score(y_true, y_score), "log_loss": log_loss(y_true, y_score)}


tumours.evaluator(accuracy_score)
tumours.gate("accuracy", at_least=0.6)
tumours.gate("roc_auc", at_least=0.5)
tumours.gate("log_loss", at_most=0.7)

digits = Experiment("digits", description="Which digit was written? Three stratified folds.")


@digits.dataset(version="uci-1998")
def handwritten() -> Dataset:
    pixels, labels = load_digits(return_X_y=True)
    return Dataset.from_arrays(pixels / 16.0, labels, split=StratifiedKFold(n_splits=3, shuffle=True, random_state=0))


@digits.model(name="majority")
def most_frequent_digit() -> Any:
    return DummyClassifier(strategy="most_frequent")


@digits.model
def softmax() -> Any:
    return LogisticRegression(max_iter=200)


@digits.model(params={"n_neighbors": [1, 5]})
def neighbours(n_neighbors: int) -> Any:
    return KNeighborsClassifier(n_neighbors)


@digits.model(name="forest")
def digit_forest(seed: int) -> Any:
    return RandomForestClassifier(100, random_state=seed)


def train_classifier(module: nn.Module, X: Tensor, y: Tensor, device: str) -> None:
    import torch

    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module(X), y).backward()  # type: ignore[no-untyped-call]
        optimizer.step()


if HAS_TORCH:  # without PyTorch the rest of the experiment stands; test_classification.py says so

    @digits.model
    def mlp(device: str) -> TorchModel:
        from torch import nn

        module = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))
        return TorchModel(module, train_classifier, device=device)


@digits.evaluator(maximize="worst_recall")
def recalls(y_true: Any, y_pred: Any) -> Evaluation:
    """The recall of the digit that is found least, each image's hit or miss, and which digit is taken for which."""
    hits = (y_true == y_pred).astype(float)
    confusion = pd.crosstab(pd.Series(y_true, name="truth"), pd.Series(y_pred, name="taken for"))
    worst = min(hits[y_true == digit].mean() for digit in np.unique(y_true))
    return Evaluation({"worst_recall": worst}, scores={"hit": hits}, tables={"confusion": confusion})


digits.evaluator(accuracy_score)
digits.evaluator("f1_macro")
digits.gate("accuracy", at_least=0.09)
