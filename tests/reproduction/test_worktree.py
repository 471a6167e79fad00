"""The recorded code in a folder of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.records import SessionRecord
from pytest_mlexp.reproduction.logged import Logged
from pytest_mlexp.reproduction.worktree import worktree
from pytest_mlexp.tracking.git import CUT, git_state
from tests.reproduction.project import Checkout, git


def logged(root: Path, **changes: Any) -> Logged:
    state = {**msgspec.to_builtins(git_state(root)), **changes}
    return Logged("s1", "the journal", SessionRecord("s1", 0, ("pytest",), environment={"git": state}), ())


def test_what_was_not_committed_is_there_too(checkout: Checkout, tmp_path: Path) -> None:
    checkout.edit("blocks.py", "30.0", "31.0")
    (checkout.root / "new").mkdir()
    (checkout.root / "new" / "extra.py").write_text("é = 1\r\n", newline="")
    (checkout.root / "table.csv").write_text("1\n")
    with worktree(logged(checkout.root), checkout.root, tmp_path / "code") as notes:
        pass
    assert "31.0" in (tmp_path / "code" / "blocks.py").read_text()
    assert (tmp_path / "code" / "new" / "extra.py").read_bytes() == "é = 1\r\n".encode()
    assert notes == ("files that git did not track, whose contents are not in the record: table.csv",)
    assert git(tmp_path / "code", "rev-parse", "HEAD") == git(checkout.root, "rev-parse", "HEAD")


@pytest.mark.parametrize("change", [{"diff": None}, {"unfaithful": [CUT]}])
def test_without_the_whole_diff_the_commit_is_run_and_that_is_said(
    change: dict[str, Any], checkout: Checkout, tmp_path: Path
) -> None:
    checkout.edit("blocks.py", "30.0", "31.0")
    with worktree(logged(checkout.root, **change), checkout.root, tmp_path / "code") as notes:
        pass
    assert notes == ("the uncommitted diff is not in the record, or not whole: the commit alone is run",)
    assert "30.0" in (tmp_path / "code" / "blocks.py").read_text()


def test_a_binary_change_is_left_out_and_named(checkout: Checkout, tmp_path: Path) -> None:
    checkout.edit("blocks.py", "30.0", "31.0")
    (checkout.root / "weights.bin").write_bytes(b"\0\1")
    git(checkout.root, "add", ".")
    with worktree(logged(checkout.root), checkout.root, tmp_path / "code") as notes:
        pass
    assert notes == ("the changed content of the binary file weights.bin is not in the record",)
    assert "31.0" in (tmp_path / "code" / "blocks.py").read_text()


def test_hidden_secrets_are_said(checkout: Checkout, tmp_path: Path) -> None:
    (checkout.root / "extra.py").write_text('password = "hunter2"\n')
    with worktree(logged(checkout.root), checkout.root, tmp_path / "code") as notes:
        pass
    assert notes == ("secrets hidden in extra.py: the code is not quite what ran",)


def test_data_that_git_does_not_track_can_be_linked(checkout: Checkout, tmp_path: Path) -> None:
    (checkout.root / ".git" / "info" / "exclude").write_text("data/\n")
    (checkout.root / "data").mkdir()
    (checkout.root / "data" / "a.csv").write_text("1\n")
    with worktree(logged(checkout.root), checkout.root, tmp_path / "code", link=["data"]) as notes:
        pass
    assert notes == ("data is the one of this working copy",)
    assert (tmp_path / "code" / "data" / "a.csv").read_text() == "1\n"


@pytest.mark.parametrize(
    ("link", "said"), [("nothing", "there is no"), ("blocks.py", "git tracks it"), ("../out", "leads out")]
)
def test_a_link_that_cannot_be_is_refused(link: str, said: str, checkout: Checkout, tmp_path: Path) -> None:
    with (
        pytest.raises(SettingsError, match=said),
        worktree(logged(checkout.root), checkout.root, tmp_path / "code", link=[link]),
    ):
        pass
    assert not (tmp_path / "code").exists()


def test_without_a_commit_or_a_checkout_there_is_no_worktree(checkout: Checkout, tmp_path: Path) -> None:
    wanted = logged(checkout.root)
    for given, top, said in (
        (logged(checkout.root, commit=None), checkout.root, "names no commit"),
        (wanted, tmp_path, "is no git checkout"),
        (logged(checkout.root, commit="0" * 40, remote="host/a.git"), checkout.root, r"host/a\.git.*`git fetch`"),
    ):
        with pytest.raises(SettingsError, match=said), worktree(given, top, tmp_path / "code"):
            pass


def test_nothing_of_a_record_leads_out_of_the_worktree(checkout: Checkout, tmp_path: Path) -> None:
    wanted = logged(checkout.root, contents={"../out.py": "x = 1\n"})
    with pytest.raises(SettingsError, match="leads out"), worktree(wanted, checkout.root, tmp_path / "code"):
        pass
    assert not (tmp_path / "code").exists()
    assert not (tmp_path / "out.py").exists()
