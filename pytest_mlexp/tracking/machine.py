"""The machine a session ran on: processor, memory, native thread pools, accelerators."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Machine:
    """The machine; ``base`` is the C library on Linux and the system's version elsewhere."""

    system: str
    release: str
    architecture: str
    base: str
    cpu: str
    physical_cores: int | None
    logical_cores: int | None
    usable_cores: int | None
    memory_bytes: int


@dataclass(frozen=True)
class ThreadPool:
    """A native thread pool that was loaded at the time of capture."""

    library: str
    version: str | None
    threads: int
    layer: str | None = None
    architecture: str | None = None


@dataclass(frozen=True)
class Accelerator:
    """One accelerator; ``driver`` and ``runtime`` are the newest versions its driver speaks of."""

    name: str
    memory_bytes: int
    driver: str
    runtime: str


def machine() -> Machine:
    """Describe this machine; the name of the CPU is looked up once a process."""
    import psutil

    linux = platform.system() == "Linux"
    affinity = getattr(os, "sched_getaffinity", None)
    return Machine(
        system=platform.system(),
        release=platform.release(),
        architecture=platform.machine(),
        base=" ".join(platform.libc_ver()).strip() if linux else platform.version(),
        cpu=_cpu_model(),
        physical_cores=psutil.cpu_count(logical=False),
        logical_cores=psutil.cpu_count(),
        usable_cores=len(affinity(0)) if affinity else psutil.cpu_count(),
        memory_bytes=psutil.virtual_memory().total,
    )


@lru_cache(maxsize=1)
def _cpu_model() -> str:
    """Name of the CPU; py-cpuinfo starts a process for it (over 100 ms), so the kernel is asked first."""
    try:
        listing = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        listing = ""
    named = re.search(r"^model name\s*:\s*(\S.*?)\s*$", listing, flags=re.MULTILINE)
    if named:
        return named[1]
    with suppress(Exception):  # an unknown machine makes it fail in many ways, and only a name is lost
        import cpuinfo

        return str(cpuinfo.get_cpu_info()["brand_raw"])
    return platform.processor()


def hardware() -> str:
    """A digest of what timings depend on: processor, cores, memory and accelerators; 16 hexadecimal digits."""
    found = asdict(machine())
    kept = [found[name] for name in ("architecture", "cpu", "physical_cores", "usable_cores", "memory_bytes")]
    names = [accelerator.name for accelerator in accelerators()]
    return hashlib.sha256(repr((kept, names)).encode()).hexdigest()[:16]


def thread_pools() -> tuple[ThreadPool, ...]:
    """List the native thread pools (BLAS, OpenMP) of the libraries loaded so far; loads none itself."""
    import threadpoolctl

    pools = {
        ThreadPool(
            library=pool["internal_api"],
            version=pool.get("version"),
            threads=pool["num_threads"],
            layer=pool.get("threading_layer"),
            architecture=pool.get("architecture"),
        )
        for pool in threadpoolctl.threadpool_info()
    }
    return tuple(sorted(pools, key=repr))


def accelerators() -> tuple[Accelerator, ...]:
    """List the NVIDIA devices, asking their driver; empty without one, or when it does not answer."""
    if shutil.which("nvidia-smi") is None and not Path("/proc/driver/nvidia").exists():
        return ()
    with suppress(Exception):  # a driver without device, a container without rights: no reason to end a session
        import pynvml

        pynvml.nvmlInit()
        try:
            return _nvidia(pynvml)
        finally:
            pynvml.nvmlShutdown()
    return ()


def _nvidia(nvml: Any) -> tuple[Accelerator, ...]:
    driver = nvml.nvmlSystemGetDriverVersion()
    number = nvml.nvmlSystemGetCudaDriverVersion()
    devices = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
    return tuple(
        Accelerator(
            name=nvml.nvmlDeviceGetName(device),
            memory_bytes=nvml.nvmlDeviceGetMemoryInfo(device).total,
            driver=driver,
            runtime=f"CUDA {number // 1000}.{number % 1000 // 10}",
        )
        for device in devices
    )
