"""What can be compared with what was accepted, and what fails or says that it cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pytest_mlexp.gates.comparing import Terms, against
from pytest_mlexp.gates.contributions import Contributions
from pytest_mlexp.gates.lock import Accepted
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.reporting.verdicts import quiet_lines
from tests.gates.judging import GATE, accepted, bits, judged, runs, table


@pytest.mark.parametrize("options", [{"runs": (np.nan,) * 3}, {"value": np.nan}, {"residual": np.inf}, {"runs": ()}])
@pytest.mark.parametrize("gate", [GATE, Gate("m", max_relative_drop=0.1)], ids=str)
def test_what_was_accepted_and_is_no_number_fails(gate: Gate, options: dict[str, Any]) -> None:
    kept, _ = accepted(runs(0.9, 0.91, 0.89))
    verdict = against(gate, "m", runs(0.9), (replace(kept, **options), None, True), Terms())
    assert (verdict.status, bool(verdict)) == ("not_comparable", False)
    kept, vector = accepted(bits(900))
    assert vector is not None
    verdict = against(gate, "m", bits(900), (kept, np.where(vector > 0, np.nan, vector), True), Terms())
    assert (verdict.status, bool(verdict)) == ("not_comparable", False)


@pytest.mark.parametrize("scale", [1e155, 1e200])
def test_a_loss_that_is_too_large_to_square_fails(scale: float) -> None:
    for before, now in (
        (runs(1.0 * scale, 1.1 * scale, 0.9 * scale), runs(100 * scale)),
        (table(np.arange(1, 9) * scale), table(np.arange(1, 9) * 100 * scale)),
    ):
        kept = Accepted(float(before.runs.mean()), 0.0, tuple(before.runs.tolist()), before.kind)
        vector = None if before.table is None else before.table[0]
        verdict = against(Gate("m", max_drop=0.01), "m", now, (kept, vector, False), Terms())
        assert (verdict.status, bool(verdict)) == ("not_finite", False)
        assert "too large to square" in verdict.reason


def test_what_pairing_needs_and_is_not_there_gives_no_other_test() -> None:
    before = replace(table(np.eye(5)[:, :4] < 1), examples=np.arange(4))
    kept, _ = accepted(before)
    verdict = against(GATE, "m", before, (kept, None, True), Terms())
    assert verdict.status == "not_comparable"
    assert "what pairing needs of them is not there: restore the lock and its folder" in verdict.reason


def test_further_looks_that_could_not_be_measured_alike_give_no_other_test() -> None:
    first = replace(table(np.eye(20)), kind="blocks", examples=np.arange(20))
    kept, vector = accepted(first)
    both = first.joined(runs(0.0, 0.0))
    assert (both.kind, both.runs.size) == ("runs", 22)
    verdict = against(GATE, "m", both, (kept, vector, True), Terms())
    assert verdict.status == "not_comparable"
    assert "cannot be called on parts of them any more" in verdict.reason


def test_a_later_one_without_its_vector_lends_nothing() -> None:
    anchor, later = accepted(bits(900)), accepted(table(np.arange(1000) < np.array([[850], [950], [900]])))
    paired, alone = (
        against(GATE, "m", bits(895), (*anchor, True), Terms(), later=(later[0], vector)).comparison
        for vector in (later[1], None)
    )
    assert paired is not None
    assert alone is not None
    assert alone.noise[1] == 0.0 < paired.noise[1]


@pytest.mark.parametrize(
    ("now", "why"),
    [
        (table(np.zeros(100), groups=np.zeros(100, dtype=np.intp)), "one group"),
        (table([0.0]), "one example"),
        (replace(table([0.0]), kind="blocks"), "one group, or one block of examples"),
    ],
)
def test_a_gate_that_can_show_no_loss_says_so(now: Contributions, why: str) -> None:
    assert now.table is not None
    before = replace(table(np.ones(now.table.size)), kind=now.kind)
    verdict = judged(before, now)
    assert (verdict.status, bool(verdict)) == ("inconclusive", True)
    assert verdict.reason.endswith(f"this gate can show no loss: {why}")
    (line,) = quiet_lines([("e: c", verdict)])
    assert line.endswith(f"THIS GATE CAN SHOW NO LOSS: {why}")
    assert not judged(before, now, gate=replace(GATE, inconclusive="fail"))
    two = judged(table(np.ones(100)), replace(table(np.zeros(100)), groups=np.arange(100) % 2)).comparison
    assert two is not None
    assert not two.blind


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ("runs", "blocks", "no gate compared m when this cell was accepted"),
        ("runs, gated", "blocks", "its evaluator could not be called on parts of the data then, and now it can"),
        ("blocks", "runs", "the data are the same, but its evaluator cannot be called on parts of them any more"),
        ("examples", "blocks", "m was measured by examples when it was accepted, and is by blocks now"),
        ("blocks", "blocks", "m was accepted on other blocks"),
    ],
)
def test_what_was_measured_otherwise_is_told_from_what_was_measured_on_others(
    before: str, now: Any, words: str
) -> None:
    kind, _, gated = before.partition(", ")
    columns, unchanged = "" if kind == "runs" else "x", ("d",) if gated else ()
    kept = Accepted(0.5, 0.0, (0.5,) * 3, kind, columns, unchanged=unchanged)  # type: ignore[arg-type]
    candidate = runs(0.5) if now == "runs" else replace(table([0.0, 1.0]), kind=now, examples=np.arange(2))
    verdict = against(GATE, "m", candidate, (kept, np.ones(2) if kind != "runs" else None, True), Terms())
    assert verdict.status == "not_comparable"
    assert words in verdict.reason
