"""A Python with the recorded packages: what is installed, and what is said when it cannot be."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.records import SessionRecord
from pytest_mlexp.reproduction import interpreter
from pytest_mlexp.reproduction.interpreter import make_environment, requirements
from pytest_mlexp.reproduction.logged import Logged

PIP = "ERROR: No matching distribution found for torch==2.13.0+cpu\n"
UV = "  x No solution found\n  Because there is no version of torch==2.13.0+cpu and you require it\n"
HERE = Path(__file__).parents[2].as_uri()


def logged(**environment: Any) -> Logged:
    given = {"python": "3.11.4", "packages": {}, **environment}
    return Logged("s1", "the journal", SessionRecord("s1", 0, ("pytest",), environment=given), ())


def test_packages_are_installed_from_where_they_came(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    names = ("numpy", "pytest-mlexp", "churn", "tool", "built")
    origins = {
        "pytest-mlexp": "editable:/their/checkout",
        "churn": "editable:.",
        "tool": "git+https://host/tool.git@c0ffee",
        "built": "file:ours",
    }
    wanted = requirements(logged(packages=dict.fromkeys(names, "1.0"), origins=origins), tmp_path)
    assert wanted.lines == (
        "numpy==1.0",
        f"pytest-mlexp @ {HERE}",
        f"-e {tmp_path}",
        "tool @ git+https://host/tool.git@c0ffee",
        f"built @ {(tmp_path / 'ours').as_uri()}",
    )
    assert len(wanted.notes) == 1
    assert "editable:/their/checkout" in wanted.notes[0]


def test_a_released_pytest_mlexp_is_a_package_like_others(tmp_path: Path) -> None:
    assert requirements(logged(packages={"pytest-mlexp": "1.0"}), tmp_path).lines == ("pytest-mlexp==1.0",)


def test_a_package_from_a_folder_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"package tool 1\.0 was installed from /gone.*--python PATH.*--here"):
        requirements(logged(packages={"tool": "1.0"}, origins={"tool": "editable:/gone"}), tmp_path)


@pytest.mark.parametrize(("uv", "said"), [(None, PIP), ("/usr/bin/uv", UV)])
def test_a_package_that_cannot_be_installed_is_named(
    uv: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[Sequence[str]] = []

    def run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, int("install" in command), "", said)

    monkeypatch.setattr(interpreter, "_run", run)
    monkeypatch.setattr("shutil.which", lambda name: uv if name == "uv" else f"/usr/bin/{name}")
    wanted = logged(packages={"torch": "2.13.0+cpu"})
    with pytest.raises(SettingsError, match=r"package torch==2\.13\.0\+cpu of the record cannot be installed.*--here"):
        make_environment(wanted, tmp_path, tmp_path / "environment", indexes=["https://host/simple"])
    assert (tmp_path / "requirements.txt").read_text() == "torch==2.13.0+cpu\n"
    assert commands[0][0] == (uv or commands[0][0])
    assert "--extra-index-url=https://host/simple" in commands[-1]
    assert "--no-deps" in commands[-1]


def test_a_python_that_is_not_here_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    with pytest.raises(SettingsError, match=r"Python 2\.7\.18.*none is on the path"):
        make_environment(logged(python="2.7.18"), tmp_path, tmp_path / "environment")
