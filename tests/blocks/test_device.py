from __future__ import annotations

import importlib.util
import subprocess
import sys

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
