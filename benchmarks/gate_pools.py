"""Real learners, fitted again and again with nothing but another seed: what a gate must call the same.

A pool is one learner on one split of one dataset: which of the ``n`` test rows each of many seeds got right.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

SIZES = (50, 200, 1000, 10_000)
Bits = npt.NDArray[np.bool_]

LEARNERS: dict[str, Callable[[int], Any]] = {
    "tree": lambda seed: DecisionTreeClassifier(max_features=0.5, random_state=seed),
    "forest": lambda seed: RandomForestClassifier(25, random_state=seed),
    "SGD": lambda seed: SGDClassifier(random_state=seed),
    "MLP": lambda seed: MLPClassifier((16,), max_iter=60, learning_rate_init=0.01, random_state=seed),
}


@dataclass(frozen=True, eq=False)
class Pool:
    """Scores of one learner on one split: ``right`` has shape ``(seeds, n)``."""

    learner: str
    data: str
    right: Bits


def synthetic(rows: int, kind: int) -> tuple[Any, Any]:
    X, y = make_classification(
        rows,
        n_features=10 + 5 * kind,
        n_informative=5 + kind,
        n_redundant=2,
        class_sep=0.7 + 0.2 * kind,
        flip_y=0.02 * kind,
        random_state=kind,
    )
    return X, y


def datasets(n: int) -> Iterator[tuple[str, Any, Any, int]]:
    """Name, X, y and the number of train rows, for test sets of ``n`` rows."""
    real: dict[int, list[Callable[..., Any]]] = {
        50: [load_iris, load_wine, load_breast_cancer],
        200: [load_breast_cancer, load_digits],
        1000: [load_digits],
    }
    for load in real.get(n, []):
        X, y = load(return_X_y=True)
        yield load.__name__.removeprefix("load_"), X, y, min(len(y) - n, 500)
    for kind in range(4 - len(real.get(n, []))):
        train = min(1000, 4 * n)
        yield f"synthetic{kind}", *synthetic(n + train, kind), train


def pools(n: int, *, seeds: int, splits: int, folder: Path | None = None) -> list[Pool]:
    """All pools of one test size; kept in ``folder`` between calls where one is given."""
    file = folder / f"pools-{n}-{seeds}-{splits}.npz" if folder else None
    if file and file.exists():
        return [Pool(name.partition("/")[0], name.partition("/")[2], right) for name, right in np.load(file).items()]
    found = [
        Pool(learner, f"{name}.{split}", _fits(learner, X, y, (n, train, split), seeds))
        for name, X, y, train in datasets(n)
        for split in range(splits)
        for learner in LEARNERS
    ]
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(file, **{f"{p.learner}/{p.data}": p.right for p in found})  # type: ignore[arg-type]
    return found


def _fits(learner: str, X: Any, y: Any, sizes: tuple[int, int, int], seeds: int) -> Bits:
    n, train, split = sizes
    X_train, X_test, y_train, y_test = train_test_split(X, y, train_size=train, test_size=n, random_state=split)
    scaler = StandardScaler().fit(X_train)
    X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
    rows = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for seed in range(seeds):
            model = LEARNERS[learner](seed).fit(X_train, y_train)
            rows.append(model.predict(X_test) == y_test)
    return np.array(rows)
