from __future__ import annotations

import importlib.util
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from pytest_mlexp.blocks import device
from pytest_mlexp.blocks.device import absent_reason, parse_devices, probe, resolve
from pytest_mlexp.errors import SettingsError

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="without it there are no devices")


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "probe", lambda: ("cpu", "cuda:0", "cuda:1"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", ("auto",)),
        ("cpu", ("cpu",)),
        ("cuda", ("cuda",)),
        ("cpu, cuda:1 ,mps", ("cpu", "cuda:1", "mps")),
        ("cpu,cpu", ("cpu",)),
        ("cuda:10", ("cuda:10",)),
    ],
)
def test_devices_are_read_from_an_option(text: str, expected: tuple[str, ...]) -> None:
    assert parse_devices(text) == expected


@pytest.mark.parametrize("text", ["", "gpu", "cpu,", "cuda:", "cuda:x", "cuda:-1", "cuda:01", "CPU", "cpu;mps"])
def test_an_unknown_device_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(SettingsError, match=r"is not a device: .*auto, cpu, cuda, cuda:N, mps"):
        parse_devices(text)


def test_a_misspelt_device_names_the_likely_one() -> None:
    with pytest.raises(SettingsError, match="did you mean 'cuda'"):
        parse_devices("cpu,cude")


def test_the_cpu_is_always_there_and_first() -> None:
    assert probe()[0] == "cpu"
    assert absent_reason("cpu") is None


def test_every_probed_device_is_present() -> None:
    assert [absent_reason(name) for name in probe()] == [None] * len(probe())


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("auto",), ("cpu", "cuda:0", "cuda:1")),
        (("cuda",), ("cuda:0", "cuda:1")),
        (("cuda:1", "auto"), ("cuda:1", "cpu", "cuda:0")),
        (("cuda:7",), ("cuda:7",)),
        (("mps", "cpu"), ("mps", "cpu")),
    ],
)
@pytest.mark.usefixtures("two_gpus")
def test_kinds_become_names_each_once(asked: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert resolve(asked) == expected


def test_cuda_without_any_is_kept_to_be_skipped_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "probe", lambda: ("cpu",))
    assert resolve(("cuda",)) == ("cuda:0",)


@needs_torch
@pytest.mark.usefixtures("two_gpus")
def test_a_number_too_high_is_answered_with_those_there_are() -> None:
    assert absent_reason("cuda:2") == "there are 2 CUDA devices: cuda:0, cuda:1"
    assert absent_reason("cuda:1") is None


@needs_torch
def test_a_single_device_is_named_in_the_singular(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "probe", lambda: ("cpu", "cuda:0"))
    assert absent_reason("cuda:1") == "there is 1 CUDA device: cuda:0"


@pytest.mark.parametrize("name", ["cuda:0", "mps"])
def test_a_torch_that_sees_no_device_is_named_with_its_version(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(device, "probe", lambda: ("cpu",))
    kind = name.split(":", maxsplit=1)[0].upper()
    assert absent_reason(name) == f"torch {torch.__version__} sees no {kind} device"


def test_without_torch_there_is_only_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(device, "probe", probe.__wrapped__)
    assert resolve(("auto",)) == ("cpu",)
    assert absent_reason("cuda:0") == "torch is not installed"


@needs_torch
@pytest.mark.parametrize("before", ["", "import torch; "])
def test_what_is_known_without_torch_is_what_torch_says(before: str) -> None:
    code = f"{before}from pytest_mlexp.blocks.device import probe; print(*probe())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = ["mps"] if torch.backends.mps.is_available() else []
    assert done.stdout.split() == ["cpu", *(f"cuda:{index}" for index in range(count)), *mps]


CPU_BUILD = "cuda: Optional[str] = None\nhip: Optional[str] = None\n"
CUDA_BUILD = "cuda: Optional[str] = '12.8'\nhip: Optional[str] = None\n"
ROCM_BUILD = "cuda: Optional[str] = None\nhip: Optional[str] = '6.4'\n"


@pytest.mark.parametrize(
    ("text", "system", "has_driver", "is_sure"),
    [
        (CPU_BUILD, "linux", False, True),
        (CPU_BUILD, "win32", False, True),
        (CPU_BUILD, "darwin", False, False),
        (CUDA_BUILD, "linux", False, True),
        (CUDA_BUILD, "linux", True, False),
        (CUDA_BUILD, "win32", False, False),
        (ROCM_BUILD, "linux", False, False),
        ("", "linux", False, False),
        (None, "linux", False, False),
    ],
)
def test_torch_is_asked_wherever_it_might_see_more_than_the_cpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, system: str, has_driver: bool, is_sure: bool
) -> None:
    spec = ModuleSpec("torch", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    if text is not None:
        (tmp_path / "version.py").write_text(text)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(device, "_has_cuda_driver", lambda: has_driver)
    assert device._sees_no_accelerator() is is_sure


def test_a_name_that_is_no_device_is_absent() -> None:
    assert "is not a device" in str(absent_reason("tpu"))


def test_asking_for_the_cpu_never_imports_torch() -> None:
    code = (
        "import sys; from pytest_mlexp.blocks.device import *; "
        "assert resolve(parse_devices('cpu')) == ('cpu',) and absent_reason('cpu') is None; "
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
