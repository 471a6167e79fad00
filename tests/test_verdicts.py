from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from pytest_mlexp.verdicts import Comparison, Verdict, points

FOUND = Comparison(
    baseline=0.95,
    candidate=0.93,
    baseline_interval=(0.94, 0.96),
    candidate_interval=(0.92, 0.94),
    difference=-0.02,
    interval=(-0.03, -0.01),
    margin=0.01,
    p=0.002,
    limit=0.0025,
    visible=0.021,
    noise=(0.005, 0.003),
    examples=1000,
    runs=(5, 3),
    values=(0.92, 0.94, 0.93),
    gates=20,
    seeds=(0, 5, 6),
)


def verdict(metric: str = "accuracy", *, comparison: Comparison | None = FOUND, **options: Any) -> Verdict:
    return Verdict(f"{metric} max_drop=0.01", metric, "regressed", "why", comparison=comparison, **options)


def test_the_numbers_of_a_gate_are_points_with_every_run_and_its_seed() -> None:
    assert list(points([verdict()])) == [
        ("gate/accuracy/difference", -0.02, 0),
        ("gate/accuracy/corrected_p", 0.04, 0),
        ("gate/accuracy/smallest_visible_drop", 0.021, 0),
        ("gate/accuracy/seed", 0.0, 0),
        ("gate/accuracy/run", 0.92, 0),
        ("gate/accuracy/seed", 5.0, 1),
        ("gate/accuracy/run", 0.94, 1),
        ("gate/accuracy/seed", 6.0, 2),
        ("gate/accuracy/run", 0.93, 2),
    ]


def test_the_anchor_and_the_worst_slice_have_names_of_their_own() -> None:
    both = [verdict(against="anchor"), verdict("accuracy[region=north]"), verdict()]
    names = [name for name, _, _ in points(both) if name.endswith("difference")]
    assert names == [
        "gate/accuracy/anchor/difference",
        "gate/accuracy/region/difference",
        "gate/accuracy/difference",
    ]


def test_what_is_infinite_or_was_not_compared_is_no_point() -> None:
    blind = verdict(comparison=replace(FOUND, visible=math.inf, seeds=()))
    assert [name for name, _, _ in points([verdict("new", comparison=None), blind, verdict()])] == [
        "gate/accuracy/difference",
        "gate/accuracy/corrected_p",
    ]
    assert replace(FOUND, p=0.5).corrected_p == 1


def test_further_gates_on_a_metric_have_their_rule_in_the_name() -> None:
    second = replace(verdict(), gate="accuracy max_relative_drop=0.02")
    found = list(points([verdict(), second, replace(second, against="anchor"), second]))
    assert [name for name, *_ in found if name.endswith("difference")] == [
        "gate/accuracy/difference",
        "gate/accuracy/max_relative_drop_0.02/difference",
        "gate/accuracy/max_relative_drop_0.02/anchor/difference",
    ]
