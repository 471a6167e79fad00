from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from packaging.requirements import Requirement

from pytest_mlexp.tracking import machine
from pytest_mlexp.tracking.environment import Environment, capture

PLANTED = "hunter2hunter2"
ELSEWHERE = """
import sys
from pathlib import Path
from pytest_mlexp.tracking.environment import capture
print(capture(Path(sys.argv[1]), sys.argv).digest)
heavy = {"numpy", "pandas", "sklearn", "torch", "mlflow", "pytest"} & set(sys.modules)
assert not heavy, heavy
"""


def distribution(name: str | None, version: str) -> SimpleNamespace:
    return SimpleNamespace(metadata={"Name": name, "Version": version}, read_text=lambda _: None)


def install(monkeypatch: pytest.MonkeyPatch, *pairs: tuple[str | None, str]) -> None:
    monkeypatch.setattr(importlib.metadata, "distributions", lambda: iter([distribution(*pair) for pair in pairs]))


def test_a_capture_is_json_and_comes_back_the_same(tmp_path: Path) -> None:
    environment = capture(tmp_path, ["pytest", "--mlexp"])
    text = json.dumps(msgspec.to_builtins(environment))
    assert msgspec.convert(json.loads(text), Environment) == environment
    assert json.loads(text)["digest"] == environment.digest


def test_a_capture_says_what_the_session_ran_on(tmp_path: Path) -> None:
    environment = capture(tmp_path, ["pytest", "--mlexp"])
    assert environment.python == platform.python_version()
    assert environment.packages["msgspec"] == msgspec.__version__
    assert list(environment.packages) == sorted(environment.packages)
    assert environment.machine.cpu
    assert environment.machine.memory_bytes > 0
    assert environment.command == ("pytest", "--mlexp")


def test_a_capture_cannot_be_changed(tmp_path: Path) -> None:
    with pytest.raises(FrozenInstanceError):
        capture(tmp_path, []).python = "4"  # type: ignore[misc]


def test_no_planted_secret_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for command in (["init", "--quiet"], ["remote", "add", "origin", f"https://user:{PLANTED}@example.org/a.git"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    (tmp_path / "settings.py").write_text(f'uri = "postgresql://user:{PLANTED}@example.org/db"\n')
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    for name in ("MLFLOW_TRACKING_PASSWORD", "AWS_SECRET_ACCESS_KEY", "PYTORCH_TOKEN", "TF_VAR_password", "MYSTERY"):
        monkeypatch.setenv(name, PLANTED)
    monkeypatch.setenv("CI_JOB_URL", f"https://user:{PLANTED}@example.org/jobs/1?private_token={PLANTED}")
    monkeypatch.setenv("XLA_FLAGS", f"--api-key={PLANTED}")
    command = ["pytest", f"--x-token={PLANTED}", "--password", PLANTED, f"--uri=https://user:{PLANTED}@example.org"]
    environment = capture(tmp_path, command)
    text = json.dumps(msgspec.to_builtins(environment))
    assert PLANTED not in text
    assert environment.git.remote == "https://example.org/a.git"
    assert environment.job["CI_JOB_URL"] == "https://example.org/jobs/1"


def test_only_variables_of_the_allow_list_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_NUM_THREADS", "OPENBLAS_VERBOSE", "HOME_SWEET_HOME", "CI", "OMP_TOKEN"):
        monkeypatch.setenv(name, "1")
    environment = capture(tmp_path, [])
    assert environment.variables["OMP_NUM_THREADS"] == "1"
    assert environment.variables["OPENBLAS_VERBOSE"] == "1"
    assert environment.job["CI"] == "1"
    assert not {"HOME_SWEET_HOME", "OMP_TOKEN", "CI"} & environment.variables.keys()
    assert not {"HOME_SWEET_HOME", "OMP_NUM_THREADS"} & environment.job.keys()


def test_the_digest_is_the_same_in_another_process_and_place(tmp_path: Path) -> None:
    here = capture(Path.cwd(), ["pytest"]).digest
    assert capture(tmp_path, ["python", "-c"]).digest == here
    done = subprocess.run([sys.executable, "-c", ELSEWHERE, str(tmp_path)], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == here


def test_the_digest_changes_with_what_can_change_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("alpha", "1.0"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    digests = [capture(tmp_path, []).digest]
    install(monkeypatch, ("alpha", "1.1"))
    digests.append(capture(tmp_path, []).digest)
    install(monkeypatch, ("alpha", "1.1"), ("beta", "1.0"))
    digests.append(capture(tmp_path, []).digest)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    digests.append(capture(tmp_path, []).digest)
    monkeypatch.setattr(machine, "_cpu_model", lambda: "another")
    digests.append(capture(tmp_path, []).digest)
    monkeypatch.setattr(platform, "python_version", lambda: "9.9.9")
    digests.append(capture(tmp_path, []).digest)
    assert len(set(digests)) == len(digests)


def test_the_digest_stays_for_what_cannot_change_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = capture(tmp_path, ["pytest"])
    monkeypatch.setenv("GITHUB_RUN_ID", "17")
    smaller = replace(before.machine, memory_bytes=1)
    after = capture(tmp_path, ["pytest", "-k", "forest"])
    assert after.job["GITHUB_RUN_ID"] == "17"
    assert replace(after, machine=smaller, thread_pools=(), digest="").digest == before.digest


def test_the_first_distribution_on_the_path_counts_and_broken_ones_do_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, ("Zed", "1"), ("My_Pack.age", "2.0"), ("my-pack-age", "1.0"), (None, "3"))
    environment = capture(tmp_path, [])
    assert environment.packages == {"my-pack-age": "2.0", "zed": "1"}
    assert environment.requirements == "my-pack-age==2.0\nzed==1\n"


def test_every_line_of_the_requirements_can_be_parsed(tmp_path: Path) -> None:
    environment = capture(tmp_path, [])
    parsed = [Requirement(line) for line in environment.requirements.splitlines()]
    assert {item.name: str(item.specifier) for item in parsed} == {
        name: f"=={version}" for name, version in environment.packages.items()
    }
