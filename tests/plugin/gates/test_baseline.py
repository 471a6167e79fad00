"""``--mlexp-baseline`` and ``mlexp_baseline``: another accepted state than ``mlexp.lock``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.gates.conftest import Project


def test_another_lock_is_written_and_met(project: Project) -> None:
    project.run("--mlexp-accept", "--mlexp-baseline=other.lock").assert_outcomes(passed=1)
    assert not (project.path / "mlexp.lock").exists()
    project.run("--mlexp-baseline=other.lock").stdout.fnmatch_lines(["gates: 1 identical"])


def test_a_lock_that_is_not_there_is_refused(project: Project) -> None:
    refused = project.run("--mlexp-baseline=other.lock")
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*--mlexp-baseline: there is no file *other.lock*"])


def test_a_torn_lock_is_refused(project: Project) -> None:
    (project.path / "mlexp.lock").write_text("<<<<<<< HEAD\n", encoding="utf-8")
    refused = project.run()
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*mlexp.lock cannot be read *: restore it from git*"])
