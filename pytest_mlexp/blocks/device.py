"""Devices by plain name: ``cpu``, ``cuda:0``, ``mps``.

What exists is looked up on call, never at import. Torch is imported neither for ``cpu`` alone nor where it cannot see
another device: importing it takes seconds, and a session that reuses everything needs it for nothing else.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.naming import nearest

_KINDS = ("auto", "cpu", "cuda", "mps")
_DEVICE = re.compile(r"cpu|mps|cuda:(0|[1-9]\d*)")


def parse_devices(text: str) -> tuple[str, ...]:
    """Read an option's value: one of ``auto``, ``cpu``, ``cuda``, ``cuda:N``, ``mps``, or several with commas.

    >>> parse_devices("cpu, cuda:1")
    ('cpu', 'cuda:1')

    Raises:
        SettingsError: a part is none of these, or there is no part at all.
    """
    asked = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for name in asked:
        if name not in _KINDS and not _DEVICE.fullmatch(name):
            raise SettingsError(
                f"device {name!r} in {text!r} is not a device: {nearest(name, (*_KINDS, 'cuda:N'))}; "
                "separate several with a comma"
            )
    return asked


def is_device(name: str) -> bool:
    """Whether a device may have this name; it need not be here."""
    return _DEVICE.fullmatch(name) is not None


@functools.cache
def probe() -> tuple[str, ...]:
    """Return the devices of this machine, ``cpu`` first; looked up once per process."""
    if importlib.util.find_spec("torch") is None or _sees_no_accelerator():
        return ("cpu",)
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    cuda = tuple(f"cuda:{index}" for index in range(count))
    mps = ("mps",) if torch.backends.mps.is_available() else ()
    return ("cpu", *cuda, *mps)


def resolve(asked: tuple[str, ...]) -> tuple[str, ...]:
    """Turn what was asked for into device names, each once, in the order asked.

    ``auto`` is every device there is and ``cuda`` every CUDA device. Where there is none, ``cuda``
    becomes ``cuda:0``, so that its cells exist and are skipped with the reason.
    """
    devices: list[str] = []
    for name in asked:
        if name == "auto":
            devices += probe()
        elif name == "cuda":
            devices += _cuda() or ("cuda:0",)
        else:
            devices.append(name)
    return tuple(dict.fromkeys(devices))


def absent_reason(device: str) -> str | None:
    """Return why ``device`` is not here, or None when it is."""
    if device == "cpu":
        return None
    if not _DEVICE.fullmatch(device):
        return f"{device!r} is not a device: {nearest(device, probe())}"
    if device in probe():
        return None
    if importlib.util.find_spec("torch") is None:
        return "torch is not installed"
    if device == "mps" or not _cuda():
        import torch

        return f"torch {torch.__version__} sees no {device.partition(':')[0].upper()} device"
    cuda = _cuda()
    number = "is 1 CUDA device" if len(cuda) == 1 else f"are {len(cuda)} CUDA devices"
    return f"there {number}: {', '.join(cuda)}"


def _cuda() -> tuple[str, ...]:
    return tuple(name for name in probe() if name.startswith("cuda:"))


def _sees_no_accelerator() -> bool:
    """Whether torch can be known to find only the CPU before it is imported; False where that is not sure.

    Either it was built for nothing else, as a file of it says, or for CUDA on a Linux that has no driver to load. On
    a Mac every build may see one.
    """
    spec = importlib.util.find_spec("torch")
    if spec is None or sys.platform == "darwin" or "torch" in sys.modules:
        return False
    built = _built_for(spec.submodule_search_locations or ())
    if built.get("hip") != "None" or "cuda" not in built:
        return False
    return built["cuda"] == "None" or (sys.platform == "linux" and not _has_cuda_driver())


def _built_for(folders: Iterable[str]) -> dict[str, str]:
    """What torch's ``version.py`` assigns: ``cuda`` and ``hip`` are None in a build without them."""
    try:
        lines = [line for folder in folders for line in Path(folder, "version.py").read_text("utf-8").splitlines()]
    except OSError:
        return {}
    return {line.partition(":")[0]: line.rpartition("=")[2].strip() for line in lines}


def _has_cuda_driver() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")  # what torch loads as well
    except OSError:
        return False
    return True
