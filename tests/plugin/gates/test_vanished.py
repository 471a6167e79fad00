"""An accepted experiment without a test fails where its test file was asked for, until that is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.plugin.gates.conftest import Project

ITEM = "mlexp.lock::vanished-toy"


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_renamed_experiment_fails_until_that_is_accepted(project: Project, workers: tuple[str, ...]) -> None:
    project.run("--mlexp-accept")
    project.edit('Experiment("toy")', 'Experiment("toy2")')
    gone = project.run(*workers)
    gone.assert_outcomes(passed=1, failed=1)
    gone.stdout.fnmatch_lines(
        [
            f"VANISHED * (it was accepted in test_toy.py): did you mean 'toy2'? Known: toy2; its cells: {project.cell}",
            "*toy: vanished-toy*",
            "next: accept what is meant of 1 cell in a reviewed commit: pytest --mlexp-accept -k '[[]vanished-toy]'",
            "gates: failing: 1 vanished; passing: 1 new",
            f"FAILED {ITEM} - VANISHED *",
        ]
    )
    project.run("--mlexp-accept", *workers).assert_outcomes(passed=1, skipped=1)
    project.run(*workers).assert_outcomes(passed=1)
    assert "[experiments.toy." not in (project.path / "mlexp.lock").read_text(encoding="utf-8")
    assert not list((project.path / "mlexp.lock.d" / "toy").glob("*.bin"))


@pytest.fixture
def deleted(project: Project) -> Project:
    """The test of the accepted experiment is gone, its file is not."""
    project.run("--mlexp-accept")
    (project.path / "test_toy.py").write_text("def test_other(): pass\n", encoding="utf-8")
    (project.path / "test_more.py").write_text("def test_more(): pass\n", encoding="utf-8")
    return project


@pytest.mark.parametrize("asked", [(), (".",), ("test_toy.py",), ("-m", "mlexp"), ("-k", "toy")])
def test_a_deleted_test_fails_where_its_file_is_asked_for(deleted: Project, asked: tuple[str, ...]) -> None:
    found = deleted.run(*asked)
    assert found.ret == pytest.ExitCode.TESTS_FAILED
    found.stdout.fnmatch_lines(["VANISHED mlexp.lock *", f"FAILED {ITEM}*"])


@pytest.mark.parametrize(
    "asked",
    [("test_more.py",), ("test_more.py", "-n", "2"), ("-k", "more"), ("--ignore=test_toy.py",)],
    ids=["path", "xdist", "keyword", "ignored"],
)
def test_an_experiment_that_was_not_asked_for_is_told_quietly(deleted: Project, asked: tuple[str, ...]) -> None:
    found = deleted.run(*asked)
    found.assert_outcomes(passed=1, deselected=2 if "-k" in asked else 0)
    found.stdout.fnmatch_lines(["accepted experiments without a test among those asked for: toy"])


def test_a_module_that_is_skipped_has_not_vanished(project: Project) -> None:
    project.run("--mlexp-accept")
    skip = "import pytest\npytest.skip('not here', allow_module_level=True)\n"
    (project.path / "test_toy.py").write_text(skip, encoding="utf-8")
    project.run().assert_outcomes(skipped=1)


def test_a_deleted_file_fails_and_only_the_choice_of_its_name_takes_it_out(deleted: Project) -> None:
    (deleted.path / "test_toy.py").unlink()
    deleted.run().assert_outcomes(passed=1, failed=1)
    deleted.run("--mlexp-accept", "-k", "more").assert_outcomes(passed=1, deselected=1)
    deleted.run("--mlexp-accept", "-k", "vanished-toy").assert_outcomes(skipped=1, deselected=1)
    deleted.run().assert_outcomes(passed=1)
