"""Our numbers are those of plain scikit-learn code, to the last bit."""

from __future__ import annotations

import pytest
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.experiment import Experiment

X, y = load_wine(return_X_y=True, as_frame=True)


def forest(seed: int) -> RandomForestClassifier:
    return RandomForestClassifier(10, random_state=seed)


@pytest.mark.parametrize("scoring", ["accuracy", "f1_macro", "roc_auc_ovr", "neg_log_loss"])
def test_cross_validation(scoring: str) -> None:
    folds = StratifiedKFold(3, shuffle=True, random_state=1)
    wines = Experiment("wines", seeds=(0, 5))
    wines.dataset(lambda: Dataset.from_arrays(X, y, split=folds), name="wine")
    wines.model(forest)
    wines.evaluator(scoring)
    ours = wines.run(tracking_uri="off")[f"forest-wine-{scoring}-cpu"].values(scoring)
    plain = [score for seed in (0, 5) for score in cross_val_score(forest(seed), X, y, cv=folds, scoring=scoring)]
    assert list(ours) == plain


def test_a_held_out_fraction() -> None:
    wines = Experiment("wines")
    wines.dataset(lambda: Dataset.from_arrays(X, y, split=0.3), name="wine")
    wines.model(make_pipeline(StandardScaler(), LogisticRegression()), name="logistic")
    wines.evaluator(accuracy_score)
    wines.evaluator(log_loss)
    results = wines.run(tracking_uri="off")
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X_train, y_train)
    assert results["logistic-wine-accuracy-cpu"]["accuracy"] == accuracy_score(y_test, model.predict(X_test))
    assert results["logistic-wine-log_loss-cpu"]["log_loss"] == log_loss(y_test, model.predict_proba(X_test))


def test_groups_are_kept_together_as_scikit_learn_keeps_them() -> None:
    groups = [number % 7 for number in range(len(y))]
    wines = Experiment("wines")
    wines.dataset(lambda: Dataset.from_arrays(X, y, split=GroupKFold(3), groups=groups), name="wine")
    wines.model(forest)
    wines.evaluator("accuracy")
    ours = wines.run(tracking_uri="off")["forest-wine-accuracy-cpu"].values("accuracy")
    assert list(ours) == list(cross_val_score(forest(0), X, y, cv=GroupKFold(3), groups=groups, scoring="accuracy"))
