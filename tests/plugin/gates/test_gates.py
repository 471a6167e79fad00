"""Gates in a session: what is judged, what is said, and what is kept of it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import pytest
from mlflow import MlflowClient

if TYPE_CHECKING:
    from tests.plugin.gates.conftest import Project

from pytest_mlexp.tracking.journal import read

ALIKE = """
@toy.model(name="big_guess")
def big(seed):
    return guess(seed)

toys = Experiment("toys")
toys.dataset(numbers, version="1")
toys.model(guess)
toys.evaluator(right, maximize="share")
toy.gate("share", max_drop=0.01, on="guess")
"""
BOTH = """
import pytest
from toy_experiment import toy, toys

@pytest.mark.mlexp(toy)
def test_toy(evaluation):
    pass

@pytest.mark.mlexp(toys)
def test_toys(evaluation):
    pass
"""


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_loss_fails_the_test_and_explains_itself(project: Project, store: str, workers: tuple[str, ...]) -> None:
    project.run("--mlexp-accept").assert_outcomes(passed=1)
    project.wrong(60)
    lost = project.run(*workers, tracking=store)
    lost.assert_outcomes(failed=1)
    lost.stdout.fnmatch_lines(
        [
            "REGRESSED share 0.9* -> 0.8* (margin 0.01)",
            f"  gate 'share at_least=0.1 max_drop=0.01' on {project.cell} of experiment 'toy'",
            "  baseline  0.9*  (95 %: 0.9* to 0.9*), 5 runs",
            "  candidate 0.8*  (95 %: 0.8* to 0.8*), 5 runs, seeds 0, 6, 7, 8, 9",
            "  difference -0.0*  (95 %: -0.* to -0.*), margin 0.01, 400 paired examples",
            "  p *, fails below 0.05",
            "  noise (standard error): examples 0.0*, training *",
            "  sees losses from 0.0* (in 80 % of cases)",
            "  ?? examples went from right to wrong, ? from wrong to right",
            "  next: find what changed, or accept the loss in a reviewed commit (--mlexp-accept; a loss stays red *)",
            "regressed  toy: *",
            "next: accept what is meant of 1 cell in a reviewed commit: pytest --mlexp-accept *  # a loss stays red *",
            "gates: failing: 1 regressed",
            "FAILED test_toy.py::test_quality[[]*[]] - REGRESSED share*",
        ]
    )
    (folder,) = (project.path / ".mlexp" / "sessions").iterdir()
    (verdict,) = read(folder).tests[0].verdicts
    assert verdict.status == "regressed"
    assert verdict.comparison is not None
    assert len(verdict.comparison.values) == 5
    assert verdict.comparison.seeds == (0, 6, 7, 8, 9)  # 1 to 5 are the baseline's
    client = MlflowClient(store)
    found = client.get_experiment_by_name("toy")
    assert found is not None
    (run,) = client.search_runs([found.experiment_id], f"attributes.run_name = '{project.cell}'")
    assert (
        run.data.metrics.items()
        >= {
            "gate/share/difference": verdict.comparison.difference,
            "gate/share/corrected_p": verdict.comparison.p,
            "gate/share/smallest_visible_drop": verdict.comparison.visible,
        }.items()
    )
    judged = client.get_metric_history(run.info.run_id, "gate/share/run")
    assert [point.value for point in judged] == list(verdict.comparison.values)
    flips = (folder / "flips" / "toy" / f"{project.cell}.csv").read_text(encoding="utf-8").splitlines()
    assert flips[0] == "metric,example,right_before,right_now"
    assert len(flips) > 40


def test_a_suspicion_that_does_not_last_passes_quietly(project: Project) -> None:
    project.run("--mlexp-accept")
    project.wrong(22)
    quiet = project.run()
    quiet.assert_outcomes(passed=1)
    quiet.stdout.fnmatch_lines(["inconclusive  toy: * share *, sees losses from 0.*", "gates: passing: 1 *"])


def test_the_share_of_each_gate_is_counted_after_selection(project: Project) -> None:
    project.edit(
        "@toy.evaluator(", "@toy.model(name='other')\ndef another(seed):\n    return guess(seed)\n\n@toy.evaluator("
    )
    project.run("--mlexp-accept")
    project.wrong(60)
    both = project.run("-n", "2")
    both.assert_outcomes(failed=2)
    both.stdout.fnmatch_lines(["*2 comparisons share an error rate of 5%: each fails below p 0.025*"])
    one = project.run("-k", "other")
    one.stdout.fnmatch_lines(["  p *, fails below 0.05"])
    project.settings("mlexp_alpha = 0.01")
    fewer = project.run()
    fewer.stdout.fnmatch_lines(
        [
            "LOOSENED gates were accepted at alpha 0.05, now it is 0.01: larger losses pass",
            "*2 comparisons share an error rate of 1%: each fails below p 0.005*",
            "mlexp_alpha: the error rate of this session is 0.01, not 0.05",
        ]
    )
    project.wrong(20)
    project.run("--mlexp-accept").stdout.fnmatch_lines(["alpha (0.05 where it is nothing): nothing -> 0.01"])
    project.run().assert_outcomes(passed=2)
    project.settings("mlexp_alpha = 0.02")
    project.run().assert_outcomes(passed=2)


def test_the_command_that_is_printed_chooses_these_cells_and_no_others(project: Project) -> None:
    project.edit('toy.gate("share", at_least=0.1, max_drop=0.01)', ALIKE)
    project.write_test(BOTH)
    new = project.run()
    (line,) = [line for line in new.outlines if line.startswith("next: accept what is new of 1 cell")]
    command = shlex.split(line.rpartition(": pytest ")[2])
    assert command == ["--mlexp-accept", f"test_toy.py::test_toy[{project.cell}]"]
    project.run(*command).assert_outcomes(passed=1)
    text = (project.path / "mlexp.lock").read_text(encoding="utf-8")
    assert "big_guess" not in text
    assert "toys" not in text


def test_the_command_for_all_of_many_cells_names_none_and_for_some_of_them_the_first_ones(project: Project) -> None:
    project.edit("@toy.model\ndef guess(seed)", "@toy.model(params={'n': range(9)})\ndef guess(n, seed)")
    for chosen, length in (((), 1), (("-k", "guess"), 4)):
        new = project.run(*chosen)
        (line,) = [line for line in new.outlines if line.startswith("next: accept what is new of 9 cells")]
        assert len(shlex.split(line.rpartition(": pytest ")[2], comments=True)) == length


def test_a_new_cell_fails_where_its_gate_asks_for_it(project: Project) -> None:
    project.edit("max_drop=0.01)", 'max_drop=0.01, new="fail")')
    new = project.run()
    new.assert_outcomes(failed=1)
    new.stdout.fnmatch_lines(["NEW nothing is accepted yet to compare share with"])


def test_a_slow_slide_is_caught_by_the_anchor(project: Project) -> None:
    """Each release loses little and is accepted; the oldest accepted value remembers."""
    project.edit("< 0.02", "< 0.0")
    project.edit("max_drop=0.01", "max_drop=0.02")
    for wrong in (20, 24, 28):
        project.wrong(wrong)
        project.run("--mlexp-accept").assert_outcomes(passed=1)
    project.wrong(32)
    slid = project.run()
    slid.assert_outcomes(failed=1)
    slid.stdout.fnmatch_lines(["  anchor    0.9500*", "*share (anchor)*"])
    said = f"toy: {project.cell}: share goes on failing against its anchor: 0.9500 -> 0.9*, margin 0.02"
    project.run("--mlexp-accept").stdout.fnmatch_lines([said, "next: --mlexp-accept --mlexp-reset-anchors *"])
    reset = project.run("--mlexp-accept", "--mlexp-reset-anchors")
    reset.stdout.no_fnmatch_line("*goes on failing*")
    project.run().assert_outcomes(passed=1)


def test_vectors_that_are_gone_are_no_pass(project: Project) -> None:
    project.run("--mlexp-accept")
    project.wrong(21)
    (project.path / "mlexp.lock.d" / "toy" / f"{project.cell}.bin").unlink()
    lost = project.run()
    lost.assert_outcomes(failed=1)
    lost.stdout.fnmatch_lines(["NOT COMPARABLE *is missing, and mlexp.lock needs it: restore it from git*"])
