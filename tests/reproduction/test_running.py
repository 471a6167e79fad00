"""How recorded cells are started again: what of a command is kept, and what cannot be started."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.records import SessionRecord
from pytest_mlexp.reproduction import running
from pytest_mlexp.reproduction.logged import Logged
from pytest_mlexp.reproduction.running import Setting, script_of


def logged(*arguments: str, **environment: Any) -> Logged:
    place = {"arguments": arguments, "python_path": ["src"]}
    session = SessionRecord("s1", 0, ("pytest",), environment={"place": place, **environment})
    return Logged("s1", "the journal", session, ())


def test_a_script_is_started_as_it_was() -> None:
    assert script_of(logged("-X", "dev", "run.py", "--epochs=3")) == ["-X", "dev", "run.py", "--epochs=3"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-m", "ipykernel_launcher", "-f", "kernel.json"), "a notebook"),
        ((), "an interactive session"),
        (("-",), "an interactive session"),
        (("run.py", "--api-token=***"), "a secret"),
    ],
)
def test_what_no_command_starts_again_says_so(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        script_of(logged(*arguments))


def test_of_pytest_options_those_stay_that_say_how_tests_are_found() -> None:
    given = ("pytest", "-c", "other.ini", "-k", "forest", "-o", "a=b", "--import-mode=importlib", "-n", "4", "tests")
    assert running._kept(given) == ["-c", "other.ini", "-o", "a=b", "--import-mode=importlib"]


def test_a_worktree_has_the_recorded_variables_and_its_own_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    top, code = tmp_path, tmp_path / ".mlexp" / "code"
    (code / "package" / "src").mkdir(parents=True)
    monkeypatch.setenv("PYTHONPATH", f"{top / 'src'}:/elsewhere")
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    monkeypatch.setenv("MKL_NUM_THREADS", "8")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("MLFLOW_RUN_ID", "0")
    recorded = {"OMP_NUM_THREADS": "2", "CUDA_VISIBLE_DEVICES": "7", "XLA_FLAGS": "--key=***"}
    wanted = logged(variables=recorded, origins={"package": "editable:package", "other": "editable:/other"})
    for isolated, path in ((True, [code / "src"]), (False, [code / "src", code / "package" / "src", "/elsewhere"])):
        found = running._variables(wanted, Setting(code, "python", tmp_path, isolated, top), "mark")
        assert found["PYTHONPATH"] == ":".join(map(str, path))
        assert found["OMP_NUM_THREADS"] == "2"
        assert found["CUDA_VISIBLE_DEVICES"] == "1"
        assert found["MLEXP_REPRODUCES"] == "mark"
        assert not {"MKL_NUM_THREADS", "XLA_FLAGS", "MLFLOW_RUN_ID"} & found.keys()
    here = running._variables(wanted, Setting(top, "python", tmp_path, False, top), "mark")
    assert here["PYTHONPATH"] == f"{top / 'src'}:/elsewhere"
    assert here["OMP_NUM_THREADS"] == "8"
