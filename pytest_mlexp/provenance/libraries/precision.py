"""Settings of a library that change the numbers of every trial, beside its version."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress

TORCH_VARIABLES = ("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE")
JAX_VARIABLES = ("JAX_ENABLE_X64", "JAX_DEFAULT_MATMUL_PRECISION")


def precision(packages: Iterable[str]) -> str:
    """The precision that trials compute with, as far as their packages have such a setting; else ``default``.

    PyTorch is asked where it is loaded; where it is not, nobody has changed what it starts with.
    """
    used = set(packages)
    found = []
    if "torch" in used:
        found = [*_torch(), *_variables(TORCH_VARIABLES)]
    if "jax" in used:
        found += _variables(JAX_VARIABLES)
    return " ".join(found) or "default"


def _torch() -> list[str]:
    torch = sys.modules.get("torch")
    settings = {"dtype": "torch.float32", "matmul": "highest", "cudnn_tf32": "True"}
    if torch is not None:
        with suppress(AttributeError, RuntimeError):  # a copy that is half imported, or an API that moved
            settings["dtype"] = str(torch.get_default_dtype())
            settings["matmul"] = torch.get_float32_matmul_precision()
            settings["cudnn_tf32"] = str(torch.backends.cudnn.allow_tf32)
    return [f"{name}={value}" for name, value in settings.items()]


def _variables(names: Iterable[str]) -> list[str]:
    return [f"{name}={os.environ[name]}" for name in names if name in os.environ]
