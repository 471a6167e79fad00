"""False alarms beyond the bits of a hold-out: folds, slices, groups, jackknife, numbers alone, anchors.

The contributions of many seeds are measured by the product, on real learners; sessions draw their runs from them.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from gate_pools import LEARNERS, synthetic
from gate_rule import LOOKS, RUNS
from sklearn.metrics import accuracy_score, cohen_kappa_score
from sklearn.model_selection import KFold, RepeatedKFold
from tabulate import tabulate

from pytest_mlexp import Dataset, Experiment
from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.flow import Flow
from pytest_mlexp.gates.comparing import CONFIRM, SCREEN, Terms, against
from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.lock import Accepted
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.gates.screening import is_suspicious
from pytest_mlexp.matrix import expand

Rng = np.random.Generator
SEEDS, KINDS = 24, (1, 2)
ROWS = 600


def agreement(y_true: Any, y_pred: Any) -> float:
    """A metric that nothing is known of: it can only be called."""
    return float(cohen_kappa_score(y_true, y_pred))


def of_model(model: Any, X: Any, y_true: Any) -> float:
    """A metric of which there is only a number a run."""
    return float(accuracy_score(y_true, model.predict(X)))


HOLDOUT = 0.5
CASES: dict[str, tuple[Any, Any, dict[str, Any]]] = {  # split, evaluator, options of the gate
    "5 folds": (KFold(5, shuffle=True, random_state=0), accuracy_score, {}),
    "5 folds, 3 times": (RepeatedKFold(n_splits=5, n_repeats=3, random_state=0), accuracy_score, {}),
    "worst of 5 slices": (HOLDOUT, accuracy_score, {"slices": "region"}),
    "60 groups": (HOLDOUT, accuracy_score, {}),
    "jackknife": (HOLDOUT, agreement, {}),
    "jackknife, 5 folds": (KFold(5, shuffle=True, random_state=0), agreement, {}),
    "a number a run": (HOLDOUT, of_model, {}),
    "anchor too": (HOLDOUT, accuracy_score, {}),
}


def measured(case: str, learner: str, kind: int) -> tuple[Gate, dict[str, Contributions]]:
    """The gate of a case, and what it compares, in as many runs as there are seeds."""
    split, evaluator, options = CASES[case]
    experiment = Experiment("pool")

    @experiment.dataset
    def data() -> Dataset:
        X, y = synthetic(ROWS if split is not HOLDOUT else 2 * ROWS, kind)
        frame = pd.DataFrame(X, columns=[f"x{number}" for number in range(X.shape[1])]).assign(y=y)
        frame["region"] = np.searchsorted([0.1, 0.3, 0.6, 0.8], np.random.default_rng(0).random(len(frame)))
        frame["clinic"] = np.arange(len(frame)) % 60
        return Dataset.from_frame(frame, target="y", split=split, groups="clinic" if case == "60 groups" else None)

    @experiment.model
    def model(seed: int) -> Any:
        return LEARNERS[learner](seed)

    metric = "accuracy" if evaluator is accuracy_score else evaluator.__name__
    experiment.evaluator(evaluator, **({} if evaluator is accuracy_score else {"maximize": metric}))
    gate = experiment.gate(metric, max_drop=0.01, **options)
    flow = Flow(OutcomeStore(), record=lambda *_: None, keep_files=False)
    return gate, dict(flow.again(expand(experiment, ["cpu"])[0], range(SEEDS)).contributions)


def chosen(found: Contributions, runs: Any) -> Contributions:
    part = None if found.table is None else found.table[runs]
    return replace(found, runs=found.runs[runs], seeds=tuple(np.array(found.seeds)[runs].tolist()), table=part)


def locked(found: Contributions) -> tuple[Accepted, Any]:
    side = found.side
    return Accepted(side.value, 0.0, tuple(side.runs.tolist()), found.kind, found.columns, side.residual), side.mean


class Session:
    """Cells in which nothing but seeds changes."""

    def __init__(self, pool: list[tuple[Gate, dict[str, Contributions]]], rng: Rng, *, anchor: bool) -> None:
        self._pool, self._rng, self._anchor = pool, rng, anchor

    def accuses(self, gates: int) -> bool:
        shared = Terms(gates=gates * (2 if self._anchor else 1))
        cells = [self._pool[number] for number in self._rng.integers(len(self._pool), size=gates)]
        return any(self._one(gate, tables, shared) for gate, tables in cells)

    def _one(self, gate: Gate, tables: dict[str, Contributions], shared: Terms) -> bool:
        terms = shared.shared_by(len(tables))
        order = self._rng.permutation(SEEDS)
        now, before, oldest = order[: LOOKS[-1]], order[LOOKS[-1] :][:RUNS], order[-RUNS:]
        known = {name: locked(chosen(found, before)) for name, found in tables.items()}
        sides = [(known, False)]
        if self._anchor:
            sides.append(({name: locked(chosen(found, oldest)) for name, found in tables.items()}, True))
        number = 0
        while True:
            runs = now[: 1 + CONFIRM * number]
            seen = {name: chosen(found, runs) for name, found in tables.items()}
            verdicts = [
                against(gate, name, seen[name], (*side[name], True), terms, later=known[name] if anchored else None)
                for side, anchored in sides
                for name in tables
            ]
            if number == len(SCREEN) or not any(is_suspicious(v, SCREEN[number], whole=number > 0) for v in verdicts):
                return any(v.status == "regressed" for v in verdicts)
            number += 1


def null_more(args: argparse.Namespace, rng: Rng) -> None:
    sessions = {1: args.sessions * 3, 20: args.sessions}
    rows = []
    for case in CASES:
        for learner in ("tree", "forest", "SGD"):
            pool = [measured(case, learner, kind) for kind in KINDS]
            session = Session(pool, rng, anchor=case == "anchor too")
            row: dict[str, Any] = {"case": case, "learner": learner}
            for gates, count in sessions.items():
                with patch("pytest_mlexp.gates.comparing.smallest_visible", return_value=0.0):  # decides nothing
                    rate = float(np.mean([session.accuses(gates) for _ in range(count)]))
                row[f"{gates} gates %"] = f"{100 * rate:.1f} ± {100 * (rate * (1 - rate) / count) ** 0.5:.1f}"
            rows.append(row)
            print(row, flush=True)
    print("\nSessions that accuse anything although only seeds changed (margin 0.01)")
    print(tabulate(rows, headers="keys", tablefmt="github"), flush=True)
