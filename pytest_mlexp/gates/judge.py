"""Evaluation and gates -> verdicts."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.naming import nearest
from pytest_mlexp.records import Evaluation, Verdict


def judge(evaluation: Evaluation, gates: Iterable[Gate]) -> tuple[Verdict, ...]:
    """Judge each gate on the mean of its metric; NaN, infinity and a missing metric never pass."""
    return tuple(_judge_one(evaluation, gate) for gate in gates)


def _judge_one(evaluation: Evaluation, gate: Gate) -> Verdict:
    if gate.metric not in evaluation.metrics:
        reason = f"the metric {gate.metric!r} is missing: {nearest(gate.metric, evaluation.metrics)}"
        return Verdict(str(gate), gate.metric, "missing", reason)
    values, mean = evaluation.values(gate.metric), evaluation[gate.metric]
    if not values or not all(math.isfinite(value) for value in values):
        return Verdict(str(gate), gate.metric, "not_finite", f"{gate.metric} is not finite: {values}", mean)
    if gate.at_least is not None and mean < gate.at_least:
        return Verdict(
            str(gate),
            gate.metric,
            "breach",
            f"{gate.metric} is {mean:.6g}, at least {gate.at_least} is asked",
            mean,
        )
    if gate.at_most is not None and mean > gate.at_most:
        return Verdict(
            str(gate),
            gate.metric,
            "breach",
            f"{gate.metric} is {mean:.6g}, at most {gate.at_most} is asked",
            mean,
        )
    return Verdict(str(gate), gate.metric, "pass", f"{gate.metric} is {mean:.6g}", mean)
