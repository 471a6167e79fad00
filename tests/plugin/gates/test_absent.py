"""Cells whose device is not here, or none of the session, and what gates say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.plugin.gates.conftest import Project


def test_an_accepted_cell_of_a_device_elsewhere_is_skipped_with_a_verdict(project: Project) -> None:
    project.edit("def guess(seed)", "def guess(seed, device)")
    project.run("--mlexp-accept", "--mlexp-devices=cpu").assert_outcomes(passed=1)
    lock = project.path / "mlexp.lock"
    lock.write_text(lock.read_text(encoding="utf-8").replace("right-cpu", "right-mps"), encoding="utf-8")
    elsewhere = project.run("-rs", "--mlexp-devices=cpu", "-n", "2")
    elsewhere.assert_outcomes(passed=1, skipped=1)
    elsewhere.stdout.fnmatch_lines(
        ["gates: passing: 1 new, 1 skipped", "*accepted on mps, which is no device of this session: not judged*"]
    )
    project.edit("max_drop=0.01", 'max_drop=0.01, inconclusive="fail"')
    strict = project.run("--mlexp-devices=cpu", "-n", "2")
    strict.assert_outcomes(passed=1, failed=1)
    strict.stdout.fnmatch_lines(
        [
            "SKIPPED accepted on mps, *: not judged",
            "  next: run it where its device is, *",
            "gates: failing: 1 skipped; passing: 1 new",
        ]
    )


def test_a_device_that_is_not_here_is_skipped_with_a_verdict_and_fails_where_a_gate_asks_for_it(
    project: Project,
) -> None:
    project.edit("def guess(seed)", "def guess(seed, device)")
    absent = project.run("--mlexp-devices=cpu,cuda:99")
    absent.assert_outcomes(passed=1, skipped=1)
    absent.stdout.fnmatch_lines(
        ["gates: passing: 1 new, 1 skipped", "1 cell was skipped: device cuda:99 is not here: *"]
    )
    project.edit("max_drop=0.01", 'max_drop=0.01, inconclusive="fail"')
    strict = project.run("--mlexp-devices=cpu,cuda:99")
    strict.assert_outcomes(passed=1, failed=1)
    strict.stdout.fnmatch_lines(["SKIPPED device cuda:99 is not here: *", "gates: failing: 1 skipped; passing: 1 new"])
    project.run("--mlexp-accept", "--mlexp-devices=cpu,cuda:99").assert_outcomes(passed=1, skipped=1)
