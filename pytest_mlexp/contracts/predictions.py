"""Targets and predictions of a known quality, for evaluators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pytest_mlexp.contracts.data import Case

TASKS = ("binary", "multiclass", "regression", "text")
ROWS = 40
WORDS = np.array(["a red fox", "the blue whale sings", "no", "many small birds fly south"], dtype=object)
Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Predictions:
    """One row each: targets, predictions, probabilities, and weights where there are any."""

    y_true: Array
    y_pred: Array
    y_proba: Array | None
    sample_weight: Array | None = None

    def offered(self) -> Mapping[str, Any]:
        """What an evaluator may ask for, by request name."""
        rows = len(self.y_true)
        y_score = self.y_proba
        if y_score is not None and y_score.shape[1] == 2:
            y_score = y_score[:, 1]
        return {
            "y_true": self.y_true,
            "y_pred": self.y_pred,
            "y_proba": self.y_proba,
            "y_score": self.y_pred if y_score is None else y_score,
            "X": np.arange(3.0 * rows).reshape(rows, 3),
            "groups": np.arange(rows) % 3,
            "sample_weight": self.sample_weight,
            "timings": {"fit_seconds": 1.0, "predict_seconds": 0.1},
            "device": "cpu",
            "recorded": self._model(),
            "model": self._model(),
            "dataset": None,
        }

    def take(self, rows: Array) -> Predictions:
        """Those rows, in that order; a row may stand there more than once."""
        return Predictions(*(None if a is None else a[rows] for a in self.arrays(every=True)))  # type: ignore[arg-type]

    def weighted(self, weights: Array) -> Predictions:
        """The same with weights."""
        return replace(self, sample_weight=weights)

    def tied(self, row: int) -> Predictions:
        """The same targets, every row predicted like one of them."""
        first = np.full(len(self.y_true), row)
        return replace(self, y_pred=self.y_pred[first], y_proba=None if self.y_proba is None else self.y_proba[first])

    def arrays(self, *, every: bool = False) -> list[Array | None]:
        """All that an evaluator could change."""
        found = [self.y_true, self.y_pred, self.y_proba, self.sample_weight]
        return found if every else [array for array in found if array is not None]

    def _model(self) -> Any:
        """What a scorer asks, answering with these predictions."""
        from pytest_mlexp.blocks.scorers import recorded_model

        responses: dict[str, Any] = {"predict": self.y_pred}
        if self.y_proba is None:
            return recorded_model(responses, None)
        responses["predict_proba"] = self.y_proba
        return recorded_model(responses, np.arange(self.y_proba.shape[1]))


def predictions(task: str, case: Case, *, quality: float) -> Predictions:
    """Rows of which the share ``quality`` is predicted right; which ones, ``case.seed`` decides.

    The rows that are right at a lower quality are among those that are right at a higher one.
    """
    rng = np.random.default_rng(case.seed)
    order = rng.permutation(ROWS)
    wrong = np.zeros(ROWS, dtype=bool)
    wrong[order[: round((1 - quality) * ROWS)]] = True
    if task == "regression":
        y = rng.normal(10, 3, ROWS)
        error = rng.uniform(2, 4, ROWS) * np.where(rng.random(ROWS) < 0.5, -1, 1)
        return Predictions(y, np.where(wrong, y + error, y), None)
    classes = {"binary": 2, "multiclass": 3, "text": len(WORDS)}[task]
    codes = rng.permutation(np.arange(ROWS) % classes)
    guess = np.where(wrong, (codes + 1) % classes, codes)
    if task == "text":
        return Predictions(WORDS[codes], WORDS[guess], None)
    sure = rng.uniform(0.7, 0.95, ROWS)
    proba = np.repeat(((1 - sure) / (classes - 1))[:, None], classes, axis=1)
    proba[np.arange(ROWS), guess] = sure
    if quality == 1.0:
        proba = np.eye(classes)[codes]
    return Predictions(codes, guess, proba)
