"""kill -9 at chosen moments, and the first session of many workers: MLflow holds one session run and one a cell."""

from __future__ import annotations

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import psutil
import pytest

from tests.plugin.conftest import WITHOUT_OTHERS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import Project

CELLS = 4
WAITING = """
import time

class Waiting(Threshold):
    def fit(self, X, y):
        note("waiting")
        while not (HERE / "go.txt").exists():
            time.sleep(0.05)
        self.noise = 0.0

@sample.model
def waiting():
    return Waiting(0)
"""

SLOW = """
import time

class Slow(Threshold):
    def __init__(self, seed):
        super().__init__(9)
        self.seed = seed

    def fit(self, X, y):
        super().fit(X, y)
        note(f"slow seed={self.seed} from={X[0, 0]}")
        while self.seed == 1 and not (HERE / "go.txt").exists():
            time.sleep(0.02)

@sample.model
def slow(seed):
    return Slow(seed)
"""


def in_git(project: Project) -> None:
    (project.root / ".gitignore").write_text("__pycache__/\nfits.txt\ngo.txt\n")
    identity = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "-A"], [*identity, "commit", "-q", "-m", "all"]):
        subprocess.run(["git", *command], cwd=project.root, check=True, capture_output=True)


def start(project: Project) -> subprocess.Popen[str]:
    return subprocess.Popen(command(), cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def command() -> list[str]:
    without = ["-p", "no:randomly", "-p", "no:cacheprovider", *WITHOUT_OTHERS]
    return [sys.executable, "-m", "pytest", "--mlexp", *without]


def kill_when(project: Project, is_so: Callable[[], object]) -> None:
    """Kill a session with what mirrors it, as soon as something is so."""
    process = start(project)
    deadline = time.monotonic() + 120
    while not is_so():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    session = psutil.Process(process.pid)
    beside = session.children(recursive=True)
    for victim in (session, *beside):
        victim.kill()
    process.communicate()
    psutil.wait_procs(beside, timeout=60)


def is_mirroring(project: Project) -> bool:
    """Whether some run is begun: cells are in the journal, and not all of them in the store."""
    return any((project.root / ".mlexp" / "artifacts").rglob("evaluation.json"))


def metrics(report: Path) -> dict[str, list[tuple[str | None, str | None]]]:
    """Test -> its metrics, as JUnit's properties hold them."""
    cases = ET.parse(report).getroot().iter("testcase")  # noqa: S314 - written by pytest just now
    found = {str(c.get("name")): [(p.get("name"), p.get("value")) for p in c.iter("property")] for c in cases}
    assert len(found) == CELLS + 2
    assert all(found.values())
    return found


@pytest.mark.parametrize("moment", ["before the first record", "in mid-cell", "in the middle of mirroring"])
def test_after_one_more_run_all_is_as_if_nobody_had_killed_it(project: Project, template: Path, moment: str) -> None:
    project.ready_store(template)
    project.write(blocks=WAITING if moment == "in mid-cell" else "")
    in_git(project)
    kill_when(
        project,
        {
            "before the first record": project.fits,
            "in mid-cell": lambda: "waiting" in project.fits() and len(project.journal().cells) == CELLS,
            "in the middle of mirroring": lambda: is_mirroring(project),
        }[moment],
    )
    (project.root / "go.txt").touch()
    done = subprocess.run(command(), cwd=project.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "not mirrored" not in done.stdout
    cells = CELLS + 2 * (moment == "in mid-cell")
    runs = project.runs()
    assert len(runs) == cells + 1
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert len(project.results()) == cells
    journal = project.journal()
    assert journal.continued == (moment != "before the first record")
    assert project.results()["threshold-at=9-numbers-hits-cpu"] == {"accuracy": (1.0,) * 4}
    (folder,) = (project.root / ".mlexp" / "sessions").iterdir()
    assert {path.name for path in folder.iterdir()} == {"journal.jsonl", "cells", "mirror.lock", "report.html"}


def test_only_the_trial_in_flight_is_fitted_again_and_the_results_are_those_of_a_calm_session(
    project: Project, template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--junitxml={tmp_path / 'resumed.xml'}")
    project.ready_store(template)
    project.write(blocks=SLOW)
    in_git(project)
    kill_when(project, lambda: any("seed=1" in fit for fit in project.fits()))
    before = Counter(project.fits())
    assert {fit: count for fit, count in before.items() if fit.startswith("slow")} == {
        "slow seed=0 from=0.0": 1,
        "slow seed=0 from=1.0": 1,
        "slow seed=1 from=0.0": 1,
    }
    (project.root / "go.txt").touch()
    subprocess.run(command(), cwd=project.root, capture_output=True, text=True, check=True)
    again = Counter(project.fits()) - before
    begun = {fit: count for fit, count in again.items() if fit in before and fit.startswith("slow")}
    assert begun == {"slow seed=1 from=0.0": 1}
    # A slow one is a threshold too; those of seed 1 were not finished, or not begun.
    assert again["threshold=9"] == 2
    assert again["threshold=5"] == 0
    assert {run.info.status for run in project.runs().values()} == {"FINISHED"}
    assert len(project.runs()) == 1 + len(project.results()) == 1 + CELLS + 2
    calm = [*command(), "--mlexp-fresh", "--mlexp-tracking-uri=off"]
    monkeypatch.setenv("PYTEST_ADDOPTS", f"--junitxml={tmp_path / 'calm.xml'}")
    subprocess.run(calm, cwd=project.root, capture_output=True, text=True, check=True)
    assert metrics(tmp_path / "resumed.xml") == metrics(tmp_path / "calm.xml")


def test_many_workers_on_a_store_that_is_not_there_make_it_once(project: Project) -> None:
    result = project.pytest("--mlexp", "-n4", tracking=None, process=True)
    result.assert_outcomes(passed=CELLS)
    runs = project.runs()
    (parent,) = (run for name, run in runs.items() if not name.startswith("threshold"))
    assert len(runs) == CELLS + 1
    assert {run.data.tags.get("mlflow.parentRunId") for run in runs.values()} == {None, parent.info.run_id}
    assert {run.info.status for run in runs.values()} == {"FINISHED"}
    assert not list((project.root / ".mlexp").glob(".building-*"))
