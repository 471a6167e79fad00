"""What a session shows and what it leaves for other tools: terminal, JUnit, durations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.plugin.conftest import Project


def test_leaderboards_come_at_the_end_best_first(project: Project) -> None:
    result = project.pytest("--mlexp")
    result.stdout.fnmatch_lines(
        [
            "*= mlexp =*",
            "sample: numbers, hits",
            "model * accuracy ↑ * fit s * predict s",
            "threshold-at=9 * 1.0000 ± 0.0000 *",
            "threshold-at=5 * 0.8000 ± 0.0000 *",
            "sample: numbers, mistakes",
            "model * misses ↓ * false_alarms ↓ *",
            "threshold-at=9 *",
            "threshold-at=5 *",
        ]
    )


@pytest.mark.parametrize(("option", "has_boards"), [("-q", True), ("-qq", False)])
def test_quiet_shows_boards_and_what_went_wrong_and_quieter_only_the_latter(
    project: Project, option: str, has_boards: bool
) -> None:
    project.write_broken()
    text = project.pytest("--mlexp", option, tracking="http://127.0.0.1:1").stdout.str()
    assert ("accuracy ↑" in text) == ("failed: sample: broken-numbers-hits-cpu" in text) == has_boards
    assert "not mirrored to MLflow" in text
    assert "runs it again" not in text


def test_quiet_does_not_say_where_the_runs_are(project: Project, template: Path) -> None:
    project.ready_store(template)
    text = project.pytest("--mlexp", "-q", "-k", "9 and hits", tracking=None).stdout.str()
    assert "accuracy ↑" in text
    assert "open the runs" not in text


def test_metrics_are_properties_of_the_test_case(project: Project) -> None:
    project.pytest("--mlexp", "--junitxml=report.xml", "-k", "9")
    report = (project.root / "report.xml").read_text()
    assert '<property name="accuracy" value="1.0" />' in report
    assert '<property name="misses" value="0.0" />' in report
    assert 'name="test_quality[threshold-at=9-numbers-hits-cpu]"' in report


def test_the_time_of_a_fit_belongs_to_its_test(project: Project) -> None:
    project.write(blocks="\nimport time\nThreshold.predict = lambda self, X: time.sleep(0.05) or [0] * len(X)\n")
    result = project.pytest("--mlexp", "--durations=2", "--durations-min=0.15", "-k", "9")
    result.stdout.fnmatch_lines(["*s call *test_quality[[]threshold-at=9-numbers-hits-cpu[]]"])


def test_a_long_trial_says_what_is_being_fitted(project: Project) -> None:
    slow = """
import time
from pytest_mlexp.plugin import terminal
terminal.PATIENCE = 0.1

@sample.model
def slow():
    model = Threshold(9)
    fit = model.fit
    model.fit = lambda X, y: time.sleep(0.8) or fit(X, y)
    return model
"""
    project.write(blocks=slow)
    arguments = ["--mlexp", "-k", "slow and hits"]
    result = project.pytest(*arguments)
    result.assert_outcomes(passed=1, deselected=5)
    result.stdout.fnmatch_lines(["fitting sample-slow-numbers-cpu-seed=0-fold1 ..."])
    assert "fitting" not in project.pytest(*arguments, "-q").stdout.str()


def test_the_marker_is_registered(project: Project) -> None:
    project.pytest("--markers").stdout.fnmatch_lines(["@pytest.mark.mlexp(experiment): run this test once for every *"])
