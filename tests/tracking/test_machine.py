from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pytest_mlexp.tracking import machine
from pytest_mlexp.tracking.machine import Accelerator, accelerators, thread_pools


@pytest.fixture
def fresh_cpu() -> Iterator[None]:
    machine._cpu_model.cache_clear()
    yield
    machine._cpu_model.cache_clear()


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    program = tmp_path / ("nvidia-smi.exe" if sys.platform == "win32" else "nvidia-smi")
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.environ["PATH"])
    calls: list[str] = []
    nvml = SimpleNamespace(
        calls=calls,
        nvmlInit=lambda: calls.append("init"),
        nvmlShutdown=lambda: calls.append("shutdown"),
        nvmlSystemGetDriverVersion=lambda: "550.54",
        nvmlSystemGetCudaDriverVersion=lambda: 12040,
        nvmlDeviceGetCount=lambda: 2,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda handle: f"Device {handle}",
        nvmlDeviceGetMemoryInfo=lambda handle: SimpleNamespace(total=1000 + handle),
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    return nvml


def test_every_accelerator_is_named_with_its_driver(driver: SimpleNamespace) -> None:
    assert accelerators() == (
        Accelerator("Device 0", 1000, "550.54", "CUDA 12.4"),
        Accelerator("Device 1", 1001, "550.54", "CUDA 12.4"),
    )
    assert driver.calls == ["init", "shutdown"]


def test_a_driver_that_fails_leaves_no_accelerators_and_is_released(driver: SimpleNamespace) -> None:
    def fail() -> int:
        raise RuntimeError("driver gone")

    driver.nvmlDeviceGetCount = fail
    assert accelerators() == ()
    assert driver.calls == ["init", "shutdown"]


def test_without_a_driver_nothing_is_asked(driver: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(Path, "exists", lambda self: False)
    assert accelerators() == ()
    assert driver.calls == []


def test_the_cpu_is_named_by_the_kernel_and_otherwise_by_cpuinfo(
    fresh_cpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "cpuinfo", SimpleNamespace(get_cpu_info=lambda: {"brand_raw": "Slow CPU"}))
    monkeypatch.setattr(Path, "read_text", lambda self, **kw: "processor : 0\nmodel name\t: Fast CPU \nflags : x\n")
    assert machine._cpu_model() == "Fast CPU"
    machine._cpu_model.cache_clear()
    monkeypatch.setattr(Path, "read_text", lambda self, **kw: "processor : 0\nmodel name :\n")
    assert machine._cpu_model() == "Slow CPU"


def test_a_cpu_that_nobody_can_name_is_no_error(fresh_cpu: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: Path, **kw: object) -> str:
        raise OSError

    monkeypatch.setattr(Path, "read_text", fail)
    monkeypatch.setitem(sys.modules, "cpuinfo", SimpleNamespace(get_cpu_info=dict))
    assert isinstance(machine._cpu_model(), str)


def test_the_thread_pool_of_numpy_is_seen() -> None:
    import numpy as np

    assert np.ones((2, 2)).dot(np.ones((2, 2))).sum() == 8
    pools = thread_pools()
    assert pools
    assert all(pool.threads >= 1 for pool in pools)
