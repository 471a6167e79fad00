"""A healthy network that takes the width and the classes of the data it is trained on."""

from __future__ import annotations

import itertools
from typing import Any

import torch
from torch import Tensor, nn

from pytest_mlexp.blocks.torch import TorchModel


class Flexible(nn.Module):
    """Two layers, built from one generator when the training starts."""

    def __init__(self, *, hidden: int = 8, seed: int = 0) -> None:
        super().__init__()
        self.hidden, self.seed = hidden, seed
        self.width = 0

    def build(self, width: int, outputs: int) -> None:
        generator = torch.Generator().manual_seed(self.seed)
        sizes = (width, self.hidden, outputs)
        self.width = width
        self.mean, self.scale = nn.Buffer(torch.zeros(width)), nn.Buffer(torch.ones(width))
        self.layers = nn.ParameterList(
            torch.randn(wide, narrow, generator=generator) / wide**0.5 for wide, narrow in itertools.pairwise(sizes)
        )

    def forward(self, X: Tensor) -> Tensor:
        if X.ndim != 2 or X.shape[1] != self.width:
            raise ValueError(f"X has shape {tuple(X.shape)}, expected {self.width} columns")
        if not torch.isfinite(X).all():
            raise ValueError("X holds NaN or infinity, or values beyond float32")
        return self.compute((X.float() - self.mean) / self.scale)

    def compute(self, Z: Tensor) -> Tensor:
        first, second = self.layers
        made: Tensor = torch.tanh(Z.clamp(-1e3, 1e3) @ first) @ second
        return made


class Train:
    """Full batch gradient descent with momentum; nothing random."""

    def __init__(self, *, steps: int = 80, rate: float = 0.1) -> None:
        self.steps, self.rate = steps, rate

    def __call__(self, module: Any, X: Tensor, y: Tensor, device: str) -> None:
        classification = y.dtype == torch.int64
        module.build(X.shape[1], int(y.max()) + 1 if classification else 1)
        module.to(device)
        self.scale(module, X.float())
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        loss = nn.CrossEntropyLoss() if classification else nn.MSELoss()
        optimizer = torch.optim.Adam(module.parameters(), lr=self.rate)
        for _ in range(self.steps):
            optimizer.zero_grad()
            output = module(X)
            loss(output if classification else output[:, 0], y).backward()
            optimizer.step()

    def scale(self, module: Any, X: Tensor) -> None:
        spread = (X - X.mean(dim=0)).abs().mean(dim=0)
        module.mean = X.mean(dim=0)
        module.scale = torch.where(
            spread > 1e-6 * X.abs().amax(dim=0).clamp(min=1e-30), spread, torch.ones_like(spread)
        )


def network_classifier() -> TorchModel:
    return TorchModel(Flexible(), Train())


def network_regressor() -> TorchModel:
    return TorchModel(Flexible(), Train(), task="regression")
