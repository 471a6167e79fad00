"""What the gates of an accepted cell can see is said where it is more than their margin."""

from __future__ import annotations

import math
from dataclasses import replace

from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.flow import Flow
from pytest_mlexp.gates.acceptance import Acceptance, Sight, accept
from pytest_mlexp.gates.comparing import Terms
from pytest_mlexp.gates.screening import other_seeds
from pytest_mlexp.gates.sights import failing_comparisons, short_sighted, sights
from tests.gates.accepting import Project


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
