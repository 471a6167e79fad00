"""Cells under pytest-xdist: shared trials, one writer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

SPY = """
import json, os, pathlib, sys

def pytest_sessionfinish(session):
    where = "worker" if hasattr(session.config, "workerinput") else "controller"
    names = sorted({name.partition(".")[0] for name in sys.modules})
    pathlib.Path(f"modules-{where}-{os.getpid()}.json").write_text(json.dumps(names))
"""


@pytest.mark.parametrize("mode", ["load", "loadscope", "loadfile", "loadgroup", "worksteal", "each"])
def test_a_trial_is_fitted_once_in_any_mode(project: Project, mode: str) -> None:
    where = ["--dist=each", "--tx=2*popen"] if mode == "each" else ["-n2", f"--dist={mode}"]
    result = project.pytest("--mlexp", *where, process=True)
    result.assert_outcomes(passed=8 if mode == "each" else 4)
    assert sorted(project.fits()) == ["threshold=5"] * 4 + ["threshold=9"] * 4
    result.stdout.fnmatch_lines(["sample: numbers, hits", "threshold-at=9 * 1.0000 ± 0.0000 *"])


def test_a_failure_in_one_worker_is_told_in_the_other_with_its_traceback(project: Project) -> None:
    project.write_broken()
    result = project.pytest("--mlexp", "-n2", "-k", "broken", process=True)
    result.assert_outcomes(failed=2)
    assert project.fits() == ["broken"]
    result.stdout.fnmatch_lines_random(
        ["E  *RuntimeError: no convergence", "*first raised in another process*", "*in fit"]
    )
    assert "hidden" not in result.stdout.str()


def test_one_process_writes_and_none_of_pytest_imports_mlflow(project: Project, template: Path) -> None:
    project.ready_store(template)
    project.write(conftest=SPY)
    project.pytest("--mlexp", "-n2", tracking=None, process=True).assert_outcomes(passed=4)
    assert len(project.journal().cells) == len(project.journal().tests) == 4
    assert len(list((project.root / ".mlexp" / "sessions").iterdir())) == 1
    assert len(project.runs()) == 5
    processes = list(project.root.glob("modules-*.json"))
    assert len(processes) == 3
    assert not any('"mlflow"' in path.read_text() for path in processes)


def test_numbers_are_the_same_with_and_without_it_and_in_any_order(project: Project) -> None:
    found = []
    for arguments in (["-n0"], ["-n0", "-p", "randomly"], ["-n2"]):
        project.pytest("--mlexp", "--junitxml=report.xml", *arguments, process=True).assert_outcomes(passed=4)
        cases = ET.parse(project.root / "report.xml").iter("testcase")  # noqa: S314 - our own
        found.append({case.get("name"): [p.attrib for p in case.iter("property")] for case in cases})
    assert found[0] == found[1] == found[2]
    assert sum(map(len, found[0].values())) == 6


def test_metrics_and_outcomes_come_back_with_the_reports(project: Project) -> None:
    project.pytest("--mlexp", "-n2", "--junitxml=report.xml", process=True).assert_outcomes(passed=4)
    report = (project.root / "report.xml").read_text()
    assert report.count('<property name="accuracy" value="') == 2
    assert '<property name="accuracy" value="1.0"' in report
