"""The accepted state on disk, as a session asks for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pytest_mlexp import Dataset, Evaluation, Experiment
from pytest_mlexp.gates.acceptance import Acceptance, accept, changes, described, merged
from pytest_mlexp.gates.contributions import Contributions, is_of
from pytest_mlexp.gates.judge import Baseline, judge
from pytest_mlexp.gates.lock import Lock, write
from pytest_mlexp.gates.state import AcceptedState
from pytest_mlexp.gates.vectors import unpack
from pytest_mlexp.matrix import Cell, expand

METRICS = ("share", "hits[5]")


def declared() -> Cell:
    experiment = Experiment("e")

    @experiment.dataset(version="1")
    def d() -> Dataset:
        return data()

    @experiment.model
    def m() -> object:
        return object()

    @experiment.evaluator(maximize=METRICS)
    def e() -> dict[str, float]:
        return dict.fromkeys(METRICS, 0.0)

    for metric in METRICS:
        experiment.gate(metric, max_drop=0.01, primary=True)
    return expand(experiment, ["cpu"])[0]


def data() -> Dataset:
    both = np.arange(200)
    return Dataset.from_arrays(both.reshape(-1, 1), np.ones(200), split=(both[:100], both[100:]))


def evaluation(right: int) -> Evaluation:
    table = (np.arange(100) < right)[None].astype(float)
    found = Contributions("examples", table.mean(axis=1), (0,), table, np.arange(100))
    return Evaluation(dict.fromkeys(METRICS, (right / 100,)), contributions=dict.fromkeys(METRICS, found))


def accepted(cell: Cell, right: int, previous: Baseline | None = None) -> tuple[Acceptance, Baseline]:
    found = accept(cell, data(), evaluation(right), evaluation(right), previous)
    assert found.entry is not None
    return found, Baseline(found.entry, unpack(found.vectors, digest=found.entry.contributions, where="x"))


def test_an_anchor_is_one_more_comparison(tmp_path: Path) -> None:
    cell, path = declared(), tmp_path / "mlexp.lock"
    assert AcceptedState(path).comparisons(cell) == 0
    first, baseline = accepted(cell, 90)
    write(path, merged(Lock(), [first]), {("e", cell.id): first.vectors})
    assert AcceptedState(path).comparisons(cell) == 2
    second, _ = accepted(cell, 89, baseline)
    write(path, merged(Lock(), [second]), {("e", cell.id): second.vectors})
    assert AcceptedState(path).comparisons(cell) == 4


def test_a_metric_with_brackets_in_its_name_is_accepted_and_judged() -> None:
    cell = declared()
    _, baseline = accepted(cell, 90)
    assert baseline.locked.metrics["hits[5]"].maximize
    assert changes(cell, described(cell, data()), baseline.locked) == ()
    verdicts = judge(evaluation(60), cell.gates, baseline=baseline)
    assert {verdict.metric: verdict.status for verdict in verdicts} == dict.fromkeys(METRICS, "regressed")


@pytest.mark.parametrize(
    ("name", "metric", "expected"),
    [
        ("share", "share", True),
        ("share[region=north]", "share", True),
        ("hits[5]", "hits[5]", True),
        ("hits[5][region=a=b]", "hits[5]", True),
        ("hits[5]", "hits", False),
        ("shares[region=north]", "share", False),
        ("share", "shares", False),
    ],
)
def test_slices_are_told_from_names_with_brackets(name: str, metric: str, expected: bool) -> None:
    assert is_of(name, metric) == expected
