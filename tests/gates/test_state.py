"""The accepted state on disk, as a session asks for it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pytest_mlexp import Dataset, Evaluation, Experiment
from pytest_mlexp.gates.acceptance import Acceptance, accept, merged
from pytest_mlexp.gates.contributions import Contributions, is_of
from pytest_mlexp.gates.judge import Baseline, judge
from pytest_mlexp.gates.likeness import changes, described
from pytest_mlexp.gates.lock import Lock, write
from pytest_mlexp.gates.state import AcceptedState
from pytest_mlexp.gates.vectors import unpack
from pytest_mlexp.matrix import Cell, expand

METRICS = ("share", "hits[5]")
LESS = ("share[5]",)


def declared() -> Cell:
    experiment = Experiment("e")

    @experiment.dataset(version="1")
    def d() -> Dataset:
        return data()

    @experiment.model
    def m() -> object:
        return object()

    @experiment.evaluator(maximize=METRICS, minimize=LESS)
    def e() -> dict[str, float]:
        return dict.fromkeys((*METRICS, *LESS), 0.0)

    for metric in METRICS:
        experiment.gate(metric, max_drop=0.01, primary=True)
    return expand(experiment, ["cpu"])[0]


def data(rows: int = 200, trained: int = 100) -> Dataset:
    both = np.arange(rows)
    return Dataset.from_arrays(both.reshape(-1, 1), np.ones(rows), split=(both[:trained], both[trained:]))


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
    ("name", "metric", "slices", "expected"),
    [
        ("share", "share", None, True),
        ("share[region=north]", "share", "region", True),
        ("share[region=north]", "share", None, False),
        ("share[size=big]", "share", "region", False),
        ("hits[5]", "hits[5]", None, True),
        ("hits[5][region=a=b]", "hits[5]", "region", True),
        ("hits[k=5]", "hits", None, False),
        ("shares[region=north]", "share", "region", False),
        ("share", "shares", None, False),
    ],
)
def test_slices_are_told_from_names_with_brackets(name: str, metric: str, slices: str | None, expected: bool) -> None:
    assert is_of(name, metric, slices) == expected


def test_a_slice_has_the_direction_of_its_own_metric() -> None:
    cell = declared()
    found = evaluation(90)
    slices = {f"{metric}[region=north]": found.contributions["share"] for metric in (*METRICS, *LESS)}
    metrics = dict.fromkeys((*METRICS, *LESS), (0.9,))
    both = Evaluation(metrics, contributions={**found.contributions, **slices})
    entry = accept(cell, data(), both, both, None).entry
    assert entry is not None
    assert {name: metric.maximize for name, metric in entry.metrics.items()} == {
        "share": True,
        "hits[5]": True,
        "share[region=north]": True,
        "hits[5][region=north]": True,
        "share[5]": False,
        "share[5][region=north]": False,
    }


def test_fewer_rows_are_other_data_and_other_rows_to_test_on_are_another_split() -> None:
    cell = declared()
    now, fewer, elsewhere = (described(cell, data(*sizes)) for sizes in ((200, 100), (180, 90), (200, 90)))
    (told,) = changes(cell, fewer, now)
    assert told.startswith("dataset 'd' changed without a new version (still ")
    assert told.endswith("), and its splits with it: give it a new version= first")
    (told,) = changes(cell, elsewhere, now)
    assert told.startswith("the splits of dataset 'd' changed (")


def test_what_is_not_finite_without_a_gate_is_said_and_not_accepted() -> None:
    cell = declared()
    odd = evaluation(90)
    odd = Evaluation({**odd.metrics, "free": (np.nan,)}, contributions=odd.contributions)
    found = accept(cell, data(), odd, odd, None)
    assert found.entry is not None
    assert "free" not in found.entry.metrics
    assert [line.partition(", ")[0] for line in found.warnings] == [f"e: {cell.id}: free is not finite"]


def test_timings_are_accepted_with_those_of_the_declared_runs_which_are_first_in_their_process() -> None:
    cell = declared()
    cold, warm = (
        Contributions("runs", np.array(seconds), tuple(range(len(seconds))), hardware="here")
        for seconds in ([9.0], [1.0, 1.1, 1.0])
    )
    metrics = evaluation(90).metrics
    timed = [Evaluation(metrics, contributions={"fit_seconds": found}) for found in (cold, warm)]
    entry = accept(cell, data(), timed[0], timed[1], None).entry
    assert entry is not None
    assert entry.metrics["fit_seconds"].accepted.runs == (9.0, 1.0, 1.1, 1.0)
    assert entry.metrics["fit_seconds"].accepted.unchanged == cold.run_digests()
    assert entry.metrics["share"].accepted.runs == (0.9,)
