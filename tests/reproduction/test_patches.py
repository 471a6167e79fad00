"""The uncommitted part of a checkout as it was recorded."""

from __future__ import annotations

from pytest_mlexp.reproduction.patches import binary_files, changed_files, files_of, same_checkout, stat
from pytest_mlexp.tracking.git import git_state
from tests.reproduction.project import Checkout, git


def test_a_patch_is_told_file_by_file(checkout: Checkout) -> None:
    checkout.edit("blocks.py", "30.0", "31.0")
    checkout.edit("helpers.py", "    return", "\n    return")
    (checkout.root / "a b.bin").write_bytes(b"\0\1")
    git(checkout.root, "add", ".")
    diff = git_state(checkout.root).diff
    assert set(files_of(diff)) == {"a b.bin", "blocks.py", "helpers.py"}
    assert binary_files(diff) == ["a b.bin"]
    assert stat(diff) == "3 files changed (+2 -1): a b.bin, blocks.py, helpers.py"
    assert stat("") == stat(None) == "none"


def test_only_the_files_that_differ_are_named() -> None:
    one = "diff --git a/x.py b/x.py\nindex 12..34 100644\n--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n"
    same = {"commit": "c", "diff": one, "contents": {"new.py": "1"}}
    assert same_checkout(same, {**same, "diff": one.replace("12..34", "1234..3456")})
    assert changed_files(same, {**same, "diff": one.replace("+b", "+c")}) == ["x.py"]
    assert changed_files(same, {**same, "contents": {}}) == ["new.py"]
    assert not same_checkout(same, {**same, "commit": "d"})
