"""A trained torch module without more, as the callable ``inputs -> predictions`` that it stands for."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import numpy as np

from pytest_mlexp.errors import DeclarationError

SINGLE_PRECISION = 1e-5


class OnArrays:
    """Rows in, the module's output out: float32 tensors, evaluation mode, no gradients."""

    def __init__(self, module: Any) -> None:
        self.module = module.eval()
        self.__name__ = type(module).__name__

    def __call__(self, X: Any) -> np.ndarray[Any, np.dtype[Any]]:
        """Return what the module gives for ``X`` (n, ...), as an array.

        Raises:
            ValueError: ``X`` cannot be turned into a tensor.
            DeclarationError: the module returns no tensor.
        """
        import torch

        device = next((parameter.device for parameter in self.module.parameters()), "cpu")
        with torch.no_grad():
            output = self.module(torch.from_numpy(np.array(X, dtype=np.float32)).to(device))
        if not isinstance(output, torch.Tensor):
            raise DeclarationError(
                f"{self.__name__} returns {type(output).__name__}, no tensor: check a function of rows that picks one"
            )
        return np.asarray(output.cpu().numpy())


def is_network(model: Any) -> bool:
    """Whether it is a torch module, or the class of one, that has no ``predict`` of its own."""
    torch = sys.modules.get("torch")
    if torch is None or hasattr(model, "predict"):
        return False
    return issubclass(model if inspect.isclass(model) else type(model), torch.nn.Module)
