"""A project whose single cell is right as often as it is told, and what it accepts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pytest_mlexp import Dataset, Evaluation, Experiment
from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.flow import Flow
from pytest_mlexp.gates.acceptance import accept
from pytest_mlexp.gates.anchors import against_anchors, given_up
from pytest_mlexp.gates.comparing import Terms
from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.judge import Baseline
from pytest_mlexp.gates.screening import judge_cell, other_seeds
from pytest_mlexp.gates.vectors import unpack
from pytest_mlexp.matrix import Cell, expand

ROWS = 500


class Wrong:
    """Wrong on the first rows, and on some others by luck."""

    def __init__(self, rows: int, luck: float, seed: int) -> None:
        self.rows, self.luck, self.seed = rows, luck, seed

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        unlucky = np.random.default_rng(self.seed).random(len(X)) < self.luck
        return np.where((np.arange(len(X)) < self.rows) | unlucky, 0.0, 1.0)


class Project:
    """One cell that can be made better and worse, and what is accepted of it."""

    def __init__(self, **gate: Any) -> None:
        self.rows, self.luck, self.trained = 50, 0.01, 0
        self.experiment = Experiment("e")
        self.experiment.gate("share", **(gate or {"max_drop": 0.01}))
        self.baseline: Baseline | None = None

        @self.experiment.dataset(version="1")
        def d() -> Dataset:
            both = np.arange(2 * ROWS)
            X = pd.DataFrame({"row": both, "region": both % 2})
            return Dataset.from_arrays(X, np.ones(2 * ROWS), split=(both[:ROWS], both[ROWS:]))

        @self.experiment.model
        def m(seed: int) -> Wrong:
            self.trained += 1
            return Wrong(self.rows, self.luck, seed)

        @self.experiment.evaluator(maximize="share")
        def e(y_true: Any, y_pred: Any) -> Evaluation:
            scores = (y_true == y_pred).astype(float)
            return Evaluation({"share": scores.mean()}, scores={"share": scores})

    @property
    def cell(self) -> Cell:
        return expand(self.experiment, ["cpu"])[0]

    def accept(self, rows: int, *, reset: bool = False, tables: Evaluation | None = None) -> tuple[str, ...]:
        self.rows = rows
        flow = Flow(OutcomeStore(), record=lambda *_: None, keep_files=False)
        evaluation, fresh = tables, tables
        if evaluation is None or fresh is None:
            evaluation = flow.evaluate(self.cell)
            fresh = flow.again(self.cell, other_seeds(self.experiment.seeds, 5))
        found = accept(self.cell, flow.dataset(self.cell), evaluation, fresh, None if reset else self.baseline)
        found = given_up(found, self.baseline) if reset else found
        assert found.entry is not None
        digest = found.entry.contributions
        vectors = unpack(found.vectors, digest=digest, where="x") if digest else {}
        self.baseline = Baseline(found.entry, vectors)
        return found.warnings

    def goes_on(self, rows: int) -> tuple[str, ...]:
        """What is said of the anchor when these rows are accepted beside what was accepted before."""
        self.rows = rows
        flow = Flow(OutcomeStore(), record=lambda *_: None, keep_files=False)
        fresh = flow.again(self.cell, other_seeds(self.experiment.seeds, 5))
        found = accept(self.cell, flow.dataset(self.cell), flow.evaluate(self.cell), fresh, self.baseline)
        return against_anchors(self.cell, found, fresh, Terms())

    def locked(self, **other: Any) -> None:
        """Let the cell have been made of something else when it was accepted."""
        assert self.baseline is not None
        self.baseline = replace(self.baseline, locked=replace(self.baseline.locked, **other), changes=("changed",))

    @property
    def accepted(self) -> float:
        assert self.baseline is not None
        return self.baseline.locked.metrics["share"].accepted.value

    def judge(self, rows: int) -> dict[str, str]:
        self.rows = rows
        flow = Flow(OutcomeStore(), record=lambda *_: None, keep_files=False)
        evaluation = flow.evaluate(self.cell)
        self.trained = 0
        verdicts, _ = judge_cell(self.cell, evaluation, flow=flow, baseline=self.baseline, terms=Terms())
        return {verdict.against: verdict.status for verdict in verdicts}

    @property
    def anchor(self) -> float | None:
        assert self.baseline is not None
        anchor = self.baseline.locked.metrics["share"].anchor
        return None if anchor is None else anchor.value


def evaluation(values: dict[str, list[float]]) -> Evaluation:
    tables = {name: np.array([scores]) for name, scores in values.items()}
    found = {n: Contributions("examples", t.mean(axis=1), (0,), t, np.arange(t.size)) for n, t in tables.items()}
    return Evaluation({n: tuple(c.runs.tolist()) for n, c in found.items()}, contributions=found)
