"""What the gates of an accepted cell can see is said where it is more than their margin."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.flow import Flow
from pytest_mlexp.gates.acceptance import Acceptance, Sight, accept, merged
from pytest_mlexp.gates.comparing import Terms
from pytest_mlexp.gates.lock import Lock
from pytest_mlexp.gates.screening import other_seeds
from pytest_mlexp.gates.sights import failing_comparisons, only_informing, short_sighted, sights
from tests.gates.accepting import Project
from tests.gates.test_lock import acceptance, cell


def accepted(project: Project, *, gates: int = 1) -> Acceptance:
    flow = Flow(OutcomeStore(), record=lambda *_: None, keep_files=False)
    cell = project.cell
    declared, fresh = flow.evaluate(cell), flow.again(cell, other_seeds((0,), 5))
    found = accept(cell, flow.dataset(cell), declared, fresh, None)
    return replace(found, sights=sights(cell, found, declared, Terms(gates=gates)))


def test_a_gate_that_sees_no_loss_as_small_as_its_margin_is_told() -> None:
    (line,) = short_sighted([accepted(Project(max_drop=0.005))])
    assert line.startswith("e: gate 'share max_drop=0.005' sees losses from 0.0")
    assert line.endswith("its margin is 0.005 (m-d-e-cpu)")


def test_what_many_comparisons_share_they_see_less_of() -> None:
    project = Project(max_drop=0.005)
    (one,), (twenty,) = (accepted(project, gates=number).sights for number in (1, 20))
    assert one.visible < twenty.visible


def test_a_gate_that_informs_is_not_told() -> None:
    project = Project(max_drop=0.005, primary=False)
    assert accepted(project).sights == ()
    assert failing_comparisons(project.cell) == 0
    assert failing_comparisons(Project(max_drop=0.005).cell) == 1


def test_each_gate_is_told_once_with_its_worst_cell() -> None:
    def cell(name: str, *sights: Sight) -> Acceptance:
        return Acceptance("e", name, sights=sights)

    several = [
        cell("a", Sight("m", 0.04, 0.02)),
        cell("b", Sight("m", 0.043, 0.02)),
        cell("c", Sight("m", 0.022, 0.02)),
    ]
    assert short_sighted([*several, cell("d", Sight("n", math.inf, 0.1))]) == [
        "e: gate 'm' sees losses from 0.0430, its margin is 0.02 (b, the worst of 2 cells)",
        "e: gate 'n' sees no loss, its margin is 0.1 (d)",
    ]


def test_a_margin_that_only_informs_is_said_when_it_is_accepted_first() -> None:
    loud: dict[str, Any] = {"metric": "m", "max_drop": 0.01}
    quiet: dict[str, Any] = {"metric": "n", "at_least": 0.5, "max_drop": 0.01, "informs": "margin"}
    found = [acceptance(name, replace(cell(), gates=(loud, quiet))) for name in "ab"]
    (both,) = only_informing(Lock(), found)
    start = "toy: the margin of gate 'n at_least=0.5 max_drop=0.01' only informs in 2 cells"
    assert both == f"{start}, its bound fails them: primary=True lets the margin fail them too"
    (alone,) = only_informing(merged(Lock(), found[:1]), found)
    assert "only informs in 1 cell," in alone
    assert only_informing(merged(Lock(), found), found) == []
    unbounded = replace(cell(), gates=({"metric": "n", "max_drop": 0.01, "informs": "margin"},))
    (without,) = only_informing(Lock(), [acceptance("a", unbounded)])
    assert without.endswith("only informs in 1 cell: primary=True lets the margin fail them too")
