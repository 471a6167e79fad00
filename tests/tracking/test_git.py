from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_mlexp.tracking import git
from pytest_mlexp.tracking.git import GitState, git_state


def call(root: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    root = tmp_path / "checkout"
    root.mkdir()
    call(root, "init", "--quiet", "--initial-branch=trunk")
    return root


@pytest.fixture
def checkout(empty: Path) -> Path:
    (empty / "model.py").write_text("a = 1\n")
    (empty / "? old.py").write_text("".join(f"line = {number}\n" for number in range(20)))
    call(empty, "add", ".")
    call(empty, "commit", "--quiet", "-m", "first")
    return empty


def test_a_clean_checkout_has_commit_branch_and_an_empty_diff(checkout: Path) -> None:
    assert git_state(checkout) == GitState(
        commit=call(checkout, "rev-parse", "HEAD"), branch="trunk", dirty=False, diff="", untracked=()
    )


def test_the_diff_holds_staged_and_unstaged_changes(checkout: Path) -> None:
    (checkout / "model.py").write_text("a = 2\n")
    (checkout / "new.py").write_text("staged = True\n")
    call(checkout, "add", "new.py")
    state = git_state(checkout)
    assert state.dirty is True
    assert state.diff is not None
    assert "+a = 2" in state.diff
    assert "+staged = True" in state.diff
    assert state.untracked == ()


def test_the_diff_is_a_patch_that_applies(checkout: Path, tmp_path: Path) -> None:
    (checkout / "model.py").write_text("a = 3\n")
    diff = git_state(checkout).diff
    assert diff is not None
    (tmp_path / "change.patch").write_text(diff)
    call(checkout, "checkout", "--", "model.py")
    call(checkout, "apply", str(tmp_path / "change.patch"))
    assert (checkout / "model.py").read_text() == "a = 3\n"


def test_untracked_files_are_listed_by_their_exact_name_and_do_not_make_it_dirty(checkout: Path) -> None:
    (checkout / ".gitignore").write_text("*.log\n")
    call(checkout, "add", ".gitignore")
    call(checkout, "commit", "--quiet", "-m", "ignore")
    (checkout / "deep").mkdir()
    for name in ("deep/ü b.py", "x\ny.py", "noise.log"):
        (checkout / name).write_text("")
    state = git_state(checkout)
    assert state.untracked == ("deep/ü b.py", "x\ny.py")
    assert state.dirty is False


def test_the_former_name_of_a_renamed_file_does_not_pass_for_an_untracked_file(checkout: Path) -> None:
    call(checkout, "mv", "? old.py", "renamed.py")
    state = git_state(checkout)
    assert state.dirty is True
    assert state.untracked == ()


def test_a_long_list_of_untracked_files_is_cut_loudly(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "MOST_UNTRACKED", 2)
    for name in "abcd":
        (checkout / name).write_text("")
    assert git_state(checkout).untracked == ("a", "b", "... and 2 more")


def test_a_long_diff_is_cut_loudly(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "LONGEST_DIFF", 300)
    (checkout / "model.py").write_text("a = 'xxxxxxxxx'\n" * 100)
    diff = git_state(checkout).diff
    assert diff is not None
    assert len(diff) < 400
    assert diff.endswith("more characters\n")


@pytest.mark.parametrize("name", ["origin", "upstream"])
def test_the_remote_has_no_credentials(checkout: Path, name: str) -> None:
    call(checkout, "remote", "add", "another", "https://example.org/z.git")
    if name == "origin":
        call(checkout, "remote", "add", name, "https://user:s3cret@example.org/a.git")
    else:
        call(checkout, "remote", "set-url", "another", "https://user:s3cret@example.org/a.git")
    assert git_state(checkout).remote == "https://example.org/a.git"


def test_a_diff_does_not_give_credentials_away(checkout: Path) -> None:
    (checkout / "model.py").write_text('uri = "https://user:s3cret@example.org/a"\npassword = "s3cret"\n')
    diff = git_state(checkout).diff
    assert diff is not None
    assert "https://example.org/a" in diff
    assert "s3cret" not in diff


def test_a_detached_head_has_a_commit_and_no_branch(checkout: Path) -> None:
    call(checkout, "checkout", "--quiet", "--detach")
    state = git_state(checkout)
    assert state.commit == call(checkout, "rev-parse", "HEAD")
    assert state.branch is None


def test_before_the_first_commit_the_diff_is_against_nothing(empty: Path) -> None:
    (empty / "model.py").write_text("a = 1\n")
    call(empty, "add", ".")
    state = git_state(empty)
    assert (state.commit, state.branch, state.dirty) == (None, "trunk", True)
    assert state.diff is not None
    assert "+a = 1" in state.diff


def test_a_subfolder_describes_the_whole_checkout(checkout: Path) -> None:
    (checkout / "sub").mkdir()
    (checkout / "model.py").write_text("a = 2\n")
    (checkout / "loose.py").write_text("")
    assert git_state(checkout / "sub") == git_state(checkout)
    assert git_state(checkout / "sub").untracked == ("loose.py",)


def test_outside_a_checkout_all_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_state(tmp_path) == GitState()
    assert git_state(tmp_path / "absent") == GitState()


def test_without_the_git_program_all_is_unknown(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git_state(checkout) == GitState()


def test_the_variables_of_a_git_hook_do_not_lead_elsewhere(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", str(checkout.parent / "elsewhere"))
    assert git_state(checkout).branch == "trunk"


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for git is a shell script")
def test_a_git_that_hangs_is_given_up(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = tmp_path / "git"
    stand_in.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(git, "TIMEOUT", 0.2)
    started = time.monotonic()
    assert git_state(checkout) == GitState()
    assert time.monotonic() - started < 30
