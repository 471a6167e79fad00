"""Mixed columns: wines as a frame of numbers, categories and gaps, its dtypes kept up to the model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pytest_mlexp import Dataset, Experiment

cellar = Experiment("cellar", description="Which grower made a wine, from an untidy table?")


@cellar.dataset(version="uci-1991-untidy")
def wine() -> Dataset:
    return Dataset.from_frame(
        untidy_wine(), target="grower", split=StratifiedKFold(n_splits=3, shuffle=True, random_state=0)
    )


def untidy_wine() -> pd.DataFrame:
    """Wines with two columns binned to categories and one value in ten missing from two others."""
    frame: pd.DataFrame = load_wine(as_frame=True).frame.rename(columns={"target": "grower"})
    frame["grower"] = frame["grower"].map({0: "Alba", 1: "Barolo", 2: "Canelli"})
    frame["colour"] = pd.cut(frame.pop("color_intensity"), [0, 3, 6, 20], labels=["pale", "ruby", "deep"])
    frame["strength"] = pd.cut(frame.pop("alcohol"), [0, 12.5, 13.5, 20], labels=["light", "mid", "strong"])
    gaps = np.random.default_rng(0).random((len(frame), 2)) < 0.1
    for position, column in enumerate(["malic_acid", "flavanoids"]):
        frame[column] = frame[column].mask(gaps[:, position])
    return frame


def _preparation() -> Any:
    return make_column_transformer(
        (
            make_pipeline(SimpleImputer(), StandardScaler()),
            make_column_selector(dtype_include="number"),
        ),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_include="category")),
    )


@cellar.model(params={"C": [0.1, 1.0]})
def logistic(C: float) -> Any:
    return make_pipeline(_preparation(), LogisticRegression(C=C))


@cellar.model
def forest(seed: int) -> Any:
    return make_pipeline(_preparation(), RandomForestClassifier(50, random_state=seed))


@cellar.model
def boosting(seed: int) -> Any:
    """Takes categories and gaps as they are: it works only if the frame's dtypes arrive at the model."""
    return HistGradientBoostingClassifier(max_iter=30, categorical_features="from_dtype", random_state=seed)


cellar.evaluator(accuracy_score)
cellar.evaluator("balanced_accuracy")
cellar.gate("accuracy", at_least=0.9)
cellar.gate("balanced_accuracy", at_least=0.9)
