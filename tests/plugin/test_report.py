"""``--mlexp-report`` and ``mlexp report``: what a session found, for those who did not see its terminal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_mlexp.cli import main
from tests.plugin.conftest import BROKEN, TESTS, Project

GATED = 'sample.gate("accuracy", at_least=0.9)\n'


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_it_tells_what_failed_and_what_is_best(project: Project, workers: tuple[str, ...]) -> None:
    project.write(blocks=GATED)
    result = project.pytest("--mlexp", "--mlexp-report=out/report.md", "-q", *workers)
    result.stdout.fnmatch_lines([f"report: {project.root}/out/report.md"])
    told = (project.root / "out" / "report.md").read_text(encoding="utf-8")
    headings = [line for line in told.splitlines() if line.startswith("#")]
    assert headings == [
        "# sample: failed",
        "## What failed",
        "## Gates",
        "## sample: numbers, hits",
        "## sample: numbers, mistakes",
        "## What was reused or made, and why",
    ]
    assert "- cells: 4 evaluated, 0 could not be\n- failed tests of cells: 1\n" in told
    assert "| breach    | sample: threshold-at=5-numbers-hits-cpu | accuracy | " in told
    assert told.index("| threshold-at=9 |") < told.index("| threshold-at=5 |")


def test_models_that_raise_and_other_failures_come_first(project: Project) -> None:
    project.write(blocks=BROKEN, tests=TESTS.replace("assert evaluation.metrics", "assert False, 'too slow'"))
    project.pytest("--mlexp", "--mlexp-report=report.md", "-k", "hits")
    told = (project.root / "report.md").read_text(encoding="utf-8")
    failed = told.partition("## What failed\n\n")[2].partition("\n\n")[0].splitlines()
    assert failed[0] == "- sample: broken-numbers-hits-cpu: RuntimeError: no convergence"
    assert failed[1:] == [
        f"- test_it.py::test_quality\\[threshold-at={at}-numbers-hits-cpu\\]: AssertionError: too slow" for at in (9, 5)
    ]


def test_a_page_is_written_and_mlflow_has_it(project: Project, template: Path) -> None:
    project.ready_store(template)
    project.pytest("--mlexp", "--mlexp-report=report.html", tracking=None)
    page = (project.root / "report.html").read_text(encoding="utf-8")
    assert "<h2>sample: numbers, hits</h2>" in page
    (session,) = [run for name, run in project.runs().items() if "-numbers-" not in name]
    assert project.artifact(session, "report.html") == page
    assert f"mlexp reproduce {session.info.run_name}" in page


def test_github_s_summary_of_a_step_is_added_to(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = project.root / "step_summary_1"
    summary.write_text("# What another command said\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    project.pytest("--mlexp", f"--mlexp-report={summary}")
    told = summary.read_text(encoding="utf-8")
    assert told.startswith("# What another command said\n# sample: passed\n")
    project.pytest("--mlexp", "--mlexp-report=report.md")
    project.pytest("--mlexp", "--mlexp-report=report.md")
    assert (project.root / "report.md").read_text(encoding="utf-8").count("# sample: passed") == 1


def test_what_a_session_did_not_reach_is_named(project: Project) -> None:
    project.write(tests=TESTS.replace("assert evaluation.metrics", "assert not evaluation.metrics"))
    project.pytest("--mlexp", "-x", "--mlexp-report=report.md")
    told = (project.root / "report.md").read_text(encoding="utf-8")
    left = [f"sample: {name}-cpu" for name in ("threshold-at=9-numbers-mistakes", "threshold-at=5-numbers-hits")]
    assert "- 3 of 4 cells have no result, for their tests were not reached, " in told
    assert f": {', '.join(left)}, " in told


def test_a_cell_whose_fixture_failed_is_named_as_one_without_a_result(project: Project) -> None:
    broken = "@pytest.fixture\ndef weights():\n    raise OSError('no weights')\n\n@pytest.mark.mlexp"
    tests = TESTS.replace("@pytest.mark.mlexp", broken).replace("(evaluation)", "(weights, evaluation)")
    project.write(tests=tests)
    project.pytest("--mlexp", "--mlexp-report=report.md", "-k", "hits").assert_outcomes(errors=2)
    told = (project.root / "report.md").read_text(encoding="utf-8")
    assert told.startswith("# no experiment: failed\n")
    assert "- 2 of 2 cells have no result, for their tests were not reached, or were skipped or failed before" in told


UNREADABLE = """
@sample.evaluator(maximize="found")
def found(y_pred):
    raise FileNotFoundError("bad \\udcff")
"""


def test_a_message_that_is_no_text_ends_no_session_early(project: Project, template: Path) -> None:
    project.ready_store(template)
    project.write(blocks=UNREADABLE)
    result = project.pytest("--mlexp", "--mlexp-report=report.html", tracking=None)
    result.assert_outcomes(passed=4, failed=2)
    end = project.journal().end
    assert end is not None
    assert end.status == "FAILED"
    assert "FileNotFoundError: bad \\udcff" in (project.root / "report.html").read_text(encoding="utf-8")


def test_a_rerun_that_passed_is_no_failure(project: Project) -> None:
    flaky = "assert evaluation.metrics\n    if not seen:\n        seen.append(1)\n        assert False"
    project.write(tests="seen = []\n" + TESTS.replace("assert evaluation.metrics", flaky))
    result = project.pytest("--mlexp", "--reruns=1", "--mlexp-report=report.md")
    assert result.parseoutcomes() == {"passed": 4, "rerun": 1}
    told = (project.root / "report.md").read_text(encoding="utf-8")
    assert "- failed tests of cells: 0\n" in told
    assert "What failed" not in told


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("report.htm", "--mlexp-report: a report cannot be written as '.htm': did you mean '.html'? Known: .html, .md"),
        (".", "--mlexp-report: * is a folder: name a file in it, report.html for instance"),
    ],
)
def test_what_cannot_be_a_report_is_refused_before_anything_runs(project: Project, given: str, told: str) -> None:
    result = project.pytest("--mlexp", f"--mlexp-report={given}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {told}"])
    assert project.fits() == []


def test_a_report_that_cannot_be_written_changes_no_verdict(project: Project) -> None:
    (project.root / "file").write_text("in the way")
    result = project.pytest("--mlexp", "--mlexp-report=file/report.md")
    result.assert_outcomes(passed=4)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["the report cannot be written to */file/report.md: *"])


def test_the_command_reports_on_recorded_sessions(
    project: Project, template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    os.chdir(project.root)
    assert main(["report"]) == 2
    assert "pytest --mlexp records one" in capsys.readouterr().err
    project.ready_store(template)
    project.pytest("--mlexp", "--mlexp-report=report.md", tracking=None)
    capsys.readouterr()
    assert main(["report"]) == 0
    printed = capsys.readouterr().out
    assert printed == (project.root / "report.md").read_text(encoding="utf-8")
    (session,) = [path.name for path in (project.root / ".mlexp" / "sessions").iterdir()]
    assert main(["report", session, "--to", "page.html"]) == 0
    assert (project.root / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert main(["report", session[:-1]]) == 2
    assert f"did you mean '{session}'" in capsys.readouterr().err
    assert main(["report", "--to", "report.md/page.html"]) == 2
    assert "the report cannot be written to" in capsys.readouterr().err
