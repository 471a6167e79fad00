"""What judging costs, beside ``scipy.stats.bootstrap`` on the same work in the same process."""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
from gate_rule import accepted, look, table
from scipy import stats
from sklearn.metrics import roc_auc_score

from pytest_mlexp.gates.comparing import Terms, against
from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.influence import Answers, contributions
from pytest_mlexp.gates.rules import Gate

ROWS, CELLS, RESAMPLES = 10_000, 50, 10_000
AUC_RESAMPLES = 100


def cost(args: argparse.Namespace, rng: np.random.Generator) -> None:
    repeats = 1 if args.quick else 3
    for name, measure in (("accuracy", of_accuracy), ("AUC", of_auc)):
        ratios = [theirs / ours for ours, theirs in (measure(rng) for _ in range(repeats))]
        print(f"{name}: {CELLS} cells of {ROWS} rows: scipy.stats.bootstrap takes {min(ratios):,.0f} times as long")


def of_accuracy(rng: np.random.Generator) -> tuple[float, float]:
    """Seconds for all cells: ours, and the bootstrap's, of which two cells are run."""
    right = (rng.random((6, ROWS)) < np.clip(rng.beta(3, 0.3, ROWS), 0, 1)).astype(float)
    gate, terms = Gate("accuracy", max_drop=0.01), Terms(gates=CELLS)
    side = accepted(right[:5])
    ours = seconds(lambda: [look(side, right[5:], gate, terms) for _ in range(CELLS)])
    change = right[5] - right[:5].mean(axis=0)

    def bootstrap() -> Any:
        return stats.bootstrap((change,), np.mean, n_resamples=RESAMPLES, method="percentile", batch=500)

    return ours, seconds(lambda: [bootstrap() for _ in range(2)]) * CELLS / 2


def of_auc(rng: np.random.Generator) -> tuple[float, float]:
    """Seconds for all cells: ours with DeLong's placements, and the bootstrap's, of which 100 resamples are run."""
    truth = rng.integers(0, 2, ROWS)
    scores = truth + rng.normal(0, 1.0, (6, ROWS))
    values = [roc_auc_score(truth, score) for score in scores]
    gate, terms = Gate("roc_auc", max_drop=0.01), Terms(gates=CELLS)

    def reduced(number: int) -> Any:
        return contributions("roc_auc", Answers(truth, y_score=scores[number]), values[number])

    side = accepted(np.array([reduced(number) for number in range(5)]))

    def judged() -> Any:
        one: Contributions = table(reduced(5)[None, :])
        return against(gate, gate.metric, one, (*side, True), terms)

    ours = seconds(lambda: [judged() for _ in range(CELLS)])

    def difference(y: Any, before: Any, now: Any) -> float:
        return float(roc_auc_score(y, now) - roc_auc_score(y, before))

    def bootstrap() -> Any:
        data = (truth, scores[0], scores[5])
        return stats.bootstrap(
            data, difference, paired=True, vectorized=False, n_resamples=AUC_RESAMPLES, method="percentile"
        )

    return ours, seconds(bootstrap) * RESAMPLES / AUC_RESAMPLES * CELLS


def seconds(work: Any) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
