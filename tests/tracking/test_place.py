from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pytest_mlexp.tracking.place import Place, checkout, place


def test_a_place_is_relative_to_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top, root = tmp_path, tmp_path / "packages" / "churn"
    (root / "scripts").mkdir(parents=True)
    (top / ".git").mkdir()
    monkeypatch.chdir(root / "scripts")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(root / "src"), "/elsewhere"]))
    monkeypatch.setattr(sys, "orig_argv", ["/usr/bin/python", f"{root}/run.py", "--api-token=x", "/data/a.csv"])
    assert checkout(root) == top
    assert place(root) == Place(
        root="packages/churn",
        cwd="packages/churn/scripts",
        python_path=("packages/churn/src",),
        arguments=("../run.py", "--api-token=***", "/data/a.csv"),
    )


def test_without_git_the_folder_itself_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert checkout(tmp_path) == tmp_path
    assert place(tmp_path).root == place(tmp_path).cwd == "."
