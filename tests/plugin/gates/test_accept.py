"""``--mlexp-accept``: the accepted state is written, and every change of it is said."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mlflow import MlflowClient

from pytest_mlexp.tracking.journal import read

if TYPE_CHECKING:
    from tests.plugin.gates.conftest import Project


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_what_is_accepted_is_written_said_and_met_again(project: Project, workers: tuple[str, ...]) -> None:
    new = project.run(*workers)
    new.assert_outcomes(passed=1)
    new.stdout.fnmatch_lines(["next: accept what is new of 1 cell *", "gates: passing: 1 new"])

    accepted = project.run("--mlexp-accept", "--mlexp-explain", *workers)
    accepted.assert_outcomes(passed=1)
    assert [line for line in accepted.outlines if line.startswith("further trials of toy-")]
    accepted.stdout.fnmatch_lines(
        [
            "*mlexp: accepted into mlexp.lock*",
            "toy: dataset numbers: nothing -> version 1, digest *",
            f"toy: {project.cell}: gate share: nothing -> at_least=0.1 max_drop=0.01",
            f"toy: {project.cell}: share: nothing -> 0.9* ± 0.0*",
            "of a cell with a margin the numbers here are from runs with fresh seeds, in the leaderboard *",
        ]
    )
    lock = (project.path / "mlexp.lock").read_bytes()
    assert (project.path / "mlexp.lock.d" / "toy" / f"{project.cell}.bin").exists()

    again = project.run(*workers)
    again.assert_outcomes(passed=1)
    again.stdout.fnmatch_lines(["gates: passing: 1 identical"])

    unchanged = project.run("--mlexp-accept", *workers)
    unchanged.stdout.fnmatch_lines(["nothing changed"])
    unchanged.stdout.no_fnmatch_line("*fresh seeds*")
    assert (project.path / "mlexp.lock").read_bytes() == lock


@pytest.mark.parametrize("margin", ["", ", max_drop=0.01"], ids=["bound", "margin"])
def test_what_is_accepted_can_be_added_to_git_as_the_readme_says(project: Project, margin: str) -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^\$ (git add .*?) +#", readme, flags=re.MULTILINE)
    project.edit(", max_drop=0.01", margin)
    assert ("from runs with fresh seeds" in project.run("--mlexp-accept").stdout.str()) == bool(margin)
    added = ["sh", "-c", f"git init -q && {command} && git ls-files"]
    listed = subprocess.run(added, cwd=project.path, capture_output=True, text=True, check=True).stdout
    assert listed.split()[0] == "mlexp.lock"
    assert (".bin" in listed) == bool(margin)


SECOND = """
import pytest
from toy_experiment import toy

@toy.model(name="other")
class Other:
    def predict(self, X):
        return X[:, 0] * 0 + 1.0

@pytest.fixture
def fragile(evaluation):
    yield
    assert evaluation["share"] < 1

@pytest.mark.mlexp(toy)
def test_share(evaluation):
    assert evaluation["share"] > 0.95

@pytest.mark.mlexp(toy)
def test_with_fixture(evaluation, fragile):
    pass
"""


@pytest.mark.parametrize("name", ["CI", "BUILD_NUMBER", "TF_BUILD"])
def test_in_ci_nobody_accepts_by_accident(project: Project, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "1")
    accident = project.run("--mlexp-accept")
    assert accident.ret == pytest.ExitCode.TESTS_FAILED
    accident.stdout.fnmatch_lines(
        [
            "*mlexp: not accepted into mlexp.lock*",
            f"toy: {project.cell}: share: nothing -> 0.9*",
            "this is CI: nothing was written, and the session fails; --mlexp-accept-in-ci says it is meant",
        ]
    )
    assert accident.outlines[-1].startswith("exit status 1, although no test failed: this is CI, where --mlexp-accept")
    assert not (project.path / "mlexp.lock").exists()
    meant = project.run("--mlexp-accept", "--mlexp-accept-in-ci")
    assert meant.ret == pytest.ExitCode.OK
    assert "exit status" not in meant.stdout.str()
    assert (project.path / "mlexp.lock").exists()


def test_a_margin_that_is_newer_than_the_lock_says_why_it_cannot_compare(project: Project) -> None:
    project.edit(", max_drop=0.01", "")
    project.run("--mlexp-accept")
    project.edit("at_least=0.1", "at_least=0.1, max_drop=0.01")
    newer = project.run()
    newer.assert_outcomes(failed=1)
    newer.stdout.fnmatch_lines(["NOT COMPARABLE no gate compared share when this cell was accepted*"])
    project.run("--mlexp-accept")
    project.run().assert_outcomes(passed=1)


def test_only_what_is_selected_is_accepted(project: Project) -> None:
    project.edit(
        "@toy.evaluator(", "@toy.model(name='other')\ndef another(seed):\n    return guess(seed)\n\n@toy.evaluator("
    )
    project.run("--mlexp-accept", "-k", "guess")
    text = (project.path / "mlexp.lock").read_text(encoding="utf-8")
    assert project.cell in text
    assert "other" not in text


def test_that_nothing_was_selected_is_said(project: Project) -> None:
    none = project.run("--mlexp-accept", "-k", "gess")
    none.stdout.fnmatch_lines(["no cell ran, so nothing is accepted: see what -k, -m and the paths choose"])
    none.stdout.no_fnmatch_line("nothing changed")


def test_what_fails_or_is_not_finite_is_not_accepted_and_that_is_said(project: Project, store: str) -> None:
    project.edit('maximize="share")', 'maximize=["share", "free"])')
    project.edit('{"share": scores.mean()}', '{"share": scores.mean(), "free": np.nan}')
    project.wrong(400)
    failed = project.run("--mlexp-accept")
    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines(
        [
            f"not accepted: toy: {project.cell}: BREACH share is 0, at least 0.1 is asked",
            "next: mend *, or change their bounds in the code, then accept them again",
        ]
    )
    assert not (project.path / "mlexp.lock").exists()
    project.wrong(20)
    accepted = project.run("--mlexp-accept", tracking=store)
    accepted.assert_outcomes(passed=1)
    accepted.stdout.fnmatch_lines([f"toy: {project.cell}: free is not finite, so nothing of it is accepted *"])
    assert ".free" not in (project.path / "mlexp.lock").read_text(encoding="utf-8")
    client = MlflowClient(store)
    found = client.get_experiment_by_name("toy")
    assert found is not None
    (run,) = client.search_runs([found.experiment_id], f"attributes.run_name = '{project.cell}'")
    (tag,) = [words for name, words in run.data.tags.items() if name.startswith("mlexp.gate.share")]
    assert tag.startswith("pass: accepted with this test: share 0.9")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_cell_is_accepted_only_where_all_of_its_tests_pass(project: Project, workers: tuple[str, ...]) -> None:
    project.write_test(SECOND)
    failed = project.run("--mlexp-accept", *workers)
    failed.assert_outcomes(passed=3, failed=1, errors=1)
    failed.stdout.fnmatch_lines([f"not accepted: toy: {project.cell}: assert 0.9* > 0.95"])
    failed.stdout.fnmatch_lines(["not accepted: toy: other-numbers-right-cpu: a fixture of its test failed"])
    assert not (project.path / "mlexp.lock").exists()


def test_a_vanished_cell_fails_until_that_is_accepted(project: Project, store: str) -> None:
    project.run("--mlexp-accept")
    project.edit("def guess(seed)", "def renamed(seed)")
    project.wrong(60)
    told = f"toy: {project.cell}: if renamed-numbers-right-cpu is its new name: share 0.9* -> 0.8*"
    gone = project.run(tracking=store)
    gone.assert_outcomes(passed=1, failed=1)
    gone.stdout.fnmatch_lines(
        [
            f"VANISHED mlexp.lock expects {project.cell}, but *: did you mean 'renamed-numbers-right-cpu'*",
            f"  {project.cell} of experiment 'toy'",
            "  next: declare it again, or take it out in a reviewed commit (--mlexp-accept)",
            told,
            "next: accept what is meant of 1 cell * 'test_toy.py::test_quality[[]guess-numbers-right-cpu]'",
            "gates: failing: 1 vanished; passing: 1 new",
        ]
    )
    (folder,) = (project.path / ".mlexp" / "sessions").iterdir()
    (absent,) = [test for test in read(folder).tests if test.cell == project.cell]
    assert [verdict.status for verdict in absent.verdicts] == ["vanished"]
    accepted = project.run("--mlexp-accept")
    accepted.assert_outcomes(passed=1, skipped=1)
    accepted.stdout.fnmatch_lines([told])
    project.run().assert_outcomes(passed=1)
    assert not (project.path / "mlexp.lock.d" / "toy" / f"{project.cell}.bin").exists()


def test_a_longer_time_is_accepted_loudly(project: Project) -> None:
    project.edit(
        "    def predict(", "    def fit(self, X, y):\n        time.sleep(self.wrong / 500)\n\n    def predict("
    )
    project.edit("from pathlib", "import time\nfrom pathlib")
    project.edit("toy.gate(", 'toy.gate("fit_seconds", max_relative_drop=0.5)\ntoy.gate(')
    quiet = project.run("--mlexp-accept")
    quiet.stdout.no_fnmatch_line("*and is accepted with*")
    project.wrong(100)
    told = project.run("--mlexp-accept")
    told.stdout.fnmatch_lines(
        [
            f"toy: {project.cell}: fit_seconds: 0.0* -> 0.2* (sd of 6 runs)",
            f"toy: {project.cell}: fit_seconds was 0.0* and is accepted with 0.2*: what is accepted on a busy *",
        ]
    )


CHANGES = [
    ("scores.mean()", "scores.mean() * 1.0", "NOT COMPARABLE *evaluator 'right' changed*"),
    ("np.ones(2 * ROWS)", "np.linspace(1, 1.5, 2 * ROWS)", "NOT COMPARABLE *without a new version (still 1*"),
    ("np.arange(ROWS, 2 * ROWS)", "np.arange(ROWS, 2 * ROWS - 1)", "NOT COMPARABLE *the splits of dataset*"),
    ('Experiment("toy")', 'Experiment("toy", seeds=(0, 1))', "NOT COMPARABLE *2 seeds, 1 when*"),
    ("max_drop=0.01", "max_drop=0.02", "LOOSENED *max_drop=0.01 was accepted, now it is 0.02*"),
    ("at_least=0.1", "at_least=0.05", "LOOSENED *at_least=0.1 was accepted, now it is 0.05*"),
]


def test_every_change_of_what_was_accepted_fails(project: Project) -> None:
    project.edit("y_true == y_pred", "y_pred == 1")
    project.run("--mlexp-accept").assert_outcomes(passed=1)
    for old, new, said in CHANGES:
        project.edit(old, new)
        changed = project.run()
        changed.assert_outcomes(failed=1)
        changed.stdout.fnmatch_lines([said])
        project.edit(new, old)
    project.run().assert_outcomes(passed=1)


def test_owner_and_business_indicator_stand_in_the_lock_and_their_change_is_said_but_fails_nothing(
    project: Project,
) -> None:
    project.edit('maximize="share")', 'maximize="share", owner="risk team", business_indicator="claims paid")')
    said = project.run("--mlexp-accept")
    said.stdout.fnmatch_lines(["toy: evaluator right: owner: nothing -> risk team"])
    text = (project.path / "mlexp.lock").read_text(encoding="utf-8")
    assert 'business_indicator = "claims paid"' in text
    project.edit("risk team", "pricing team")
    project.run().assert_outcomes(passed=1)
    changed = project.run("--mlexp-accept")
    changed.stdout.fnmatch_lines(["toy: evaluator right: owner: risk team -> pricing team"])


def test_a_gate_is_loosened_also_beside_another_one_and_accepting_says_it(project: Project) -> None:
    project.run("--mlexp-accept").assert_outcomes(passed=1)
    project.edit("max_drop=0.01)", "max_drop=0.01, primary=False)\ntoy.gate('share', max_drop=0.5, primary=True)")
    project.wrong(60)
    loosened = project.run()
    loosened.assert_outcomes(failed=1)
    loosened.stdout.fnmatch_lines(["LOOSENED *at_least=0.1 could fail *; max_drop=0.01 could fail *only informs*"])
    gate = f"toy: {project.cell}: gate share"
    project.run("--mlexp-accept").stdout.fnmatch_lines(
        [
            f"{gate}: at_least=0.1 max_drop=0.01 -> at_least=0.1 max_drop=0.01 primary=False",
            f"{gate}: nothing -> max_drop=0.5 primary=True",
        ]
    )
