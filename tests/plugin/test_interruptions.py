"""Ctrl-C, time-outs, skips inside a model, reruns: what ran is kept, and no verdict is wrong."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.plugin.conftest import WITHOUT_OTHERS

if TYPE_CHECKING:
    from tests.plugin.conftest import Project

ENDLESS = """
import time

class Endless(Threshold):
    def fit(self, X, y):
        note("endless")
        time.sleep(60)

@sample.model
def endless():
    return Endless(0)
"""


@pytest.mark.parametrize("workers", [[], ["-n2", "--dist=loadscope"]], ids=["one_process", "xdist"])
def test_ctrl_c_keeps_what_ran(project: Project, workers: list[str]) -> None:
    project.write(blocks=ENDLESS)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--mlexp",
        "-p",
        "no:randomly",
        *WITHOUT_OTHERS,
        "--mlexp-tracking-uri=http://127.0.0.1:1",
    ]
    process = subprocess.Popen([*command, *workers], cwd=project.root, stdout=subprocess.PIPE, text=True)
    while "endless" not in project.fits() or len(project.journal().cells) < 4:
        assert process.poll() is None
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == pytest.ExitCode.INTERRUPTED, output
    journal = project.journal()
    assert {cell.model for cell in journal.cells} == {"threshold-at=9", "threshold-at=5"}
    assert journal.end is not None
    assert journal.end.status == "KILLED"
    assert "nothing is lost, `mlexp sync` writes it from the journal" in output
    assert "Ctrl-C again leaves it to the journal" in output
    of_all = "" if workers else " of 6"  # where workers run them, nobody else knows how many were chosen
    assert f"\ninterrupted: 4{of_all} cells are kept; run the same command again to go on\n" in output


STOPPING = """
@sample.model
def stopping():
    raise KeyboardInterrupt
"""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("-o", "mlexp_store=off"), "after 4 of 6 cells; mlexp_store is off, so that the same command begins anew"),
        (("-o", "mlexp_store=no/folder"), "after 4 of 6 cells; none is kept, so that the same command begins anew"),
        (("--mlexp-fresh",), ": 4 of 6 cells are kept; the same command without --mlexp-fresh goes on"),
        (
            ("--mlexp-accept",),
            "after 4 of 6 cells; the same command begins anew, -k chooses those that are not accepted above",
        ),
    ],
)
def test_an_interrupted_session_promises_only_what_is_kept(
    project: Project, options: tuple[str, ...], told: str
) -> None:
    project.write(blocks=STOPPING)
    (project.root / "no").write_text("a file")
    result = project.pytest("--mlexp", *options, process=True)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    (line,) = [line for line in result.outlines if line.startswith("interrupted")]
    assert line.endswith(told)


def test_a_time_out_fails_the_cell_and_is_not_waited_for_again(project: Project) -> None:
    project.write(blocks=ENDLESS)
    result = project.pytest("--mlexp", "--timeout=1", "--timeout-method=signal", "-k", "endless", process=True)
    result.assert_outcomes(failed=2)
    assert project.fits() == ["endless"]
    result.stdout.fnmatch_lines(["*time.sleep(60)", "failed: sample: endless-numbers-hits-cpu: Failed: Timeout*"])


def test_a_skip_inside_a_model_skips_its_cells(project: Project) -> None:
    skipping = """
import pytest

@sample.model
def rare():
    pytest.importorskip("no_such_library")
"""
    project.write(blocks=skipping)
    result = project.pytest("--mlexp", "-rs")
    result.assert_outcomes(passed=4, skipped=2)
    result.stdout.fnmatch_lines(["SKIPPED*could not import 'no_such_library'*"])
    assert "failed: sample: rare" not in result.stdout.str()


def test_a_rerun_judges_the_same_numbers_and_fits_nothing_again(project: Project) -> None:
    tests = """
import pytest
from blocks import sample

@pytest.mark.mlexp(sample)
def test_quality(evaluation):
    assert evaluation["accuracy"] > 0.9
"""
    project.write(tests=tests)
    result = project.pytest("--mlexp", "--reruns=2", "--junitxml=report.xml", "-k", "5 and hits", process=True)
    result.assert_outcomes(failed=1, deselected=3)
    assert len(project.fits()) == 4
    assert (project.root / "report.xml").read_text().count('name="accuracy"') == 3  # one a run
