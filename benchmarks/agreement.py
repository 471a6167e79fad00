"""Are our metrics those of plain scikit-learn code, to the last bit?

Run ``python benchmarks/agreement.py``: every metric value of three experiments is computed a second time with
``cross_val_score``, or with ``train_test_split``, ``fit`` and a metric. Exits with 1 when a single bit differs.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from classification import digits, tumours
from regression import progression
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score, train_test_split
from tabulate import tabulate

from pytest_mlexp import Experiment

Pair = tuple[str, str, tuple[float, ...], tuple[float, ...]]  # cell, metric, ours, plain


def holdout_pairs() -> Iterator[Pair]:
    results = tumours.run(devices="cpu", tracking_uri="off")
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    for name, variant in tumours.models.items():
        model = variant.build(seed=0, device="cpu").fit(X_train, y_train)
        score = model.predict_proba(X_test)[:, 1]
        plain = {
            "accuracy": ("accuracy", accuracy_score(y_test, model.predict(X_test))),
            "roc_auc": ("discrimination", roc_auc_score(y_test, score)),
            "log_loss": ("discrimination", log_loss(y_test, score)),
        }
        for metric, (evaluator, value) in plain.items():
            cell = f"{name}-breast_cancer-{evaluator}-cpu"
            yield cell, metric, results[cell].values(metric), (float(value),)


def folds_pairs(
    experiment: Experiment, data: tuple[Any, Any], *, splitter: Any, scorings: dict[str, str]
) -> Iterator[Pair]:
    results = experiment.run(devices="cpu", tracking_uri="off")
    (dataset,) = experiment.datasets
    for name, variant in experiment.models.items():
        if name == "mlp":
            continue  # its weights come from torch's global state, which plain code would not seed
        for metric, scoring in scorings.items():
            cell = f"{name}-{dataset}-{metric}-cpu"
            plain = [
                float(value)
                for seed in experiment.seeds
                for value in cross_val_score(
                    variant.build(seed=seed, device="cpu"), *data, cv=splitter, scoring=scoring
                )
            ]
            yield cell, metric, results[cell].values(metric), tuple(plain)


def all_pairs() -> Iterator[Pair]:
    yield from holdout_pairs()
    pixels, labels = load_digits(return_X_y=True)
    yield from folds_pairs(
        digits,
        (pixels / 16.0, labels),
        splitter=StratifiedKFold(n_splits=3, shuffle=True, random_state=0),
        scorings={"accuracy": "accuracy", "f1_macro": "f1_macro"},
    )
    yield from folds_pairs(
        progression,
        load_diabetes(return_X_y=True),
        splitter=KFold(n_splits=5, shuffle=True, random_state=0),
        scorings={"r2": "r2"},
    )


def main() -> int:
    """Print one row a cell and metric; return the number of rows that differ, at most 1."""
    rows = [
        (cell, metric, len(ours), "equal" if ours == plain else f"DIFFERENT: {ours} and {plain}")
        for cell, metric, ours, plain in all_pairs()
    ]
    different = sum(row[3] != "equal" for row in rows)
    print(tabulate(rows, headers=["cell", "metric", "values", "bits"]))
    print(f"{len(rows)} metrics compared, {sum(row[2] for row in rows)} values; {different} differ")
    return min(different, 1)


if __name__ == "__main__":
    sys.exit(main())
