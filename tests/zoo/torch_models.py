"""Networks whose rows see each other, or that remember."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pytest_mlexp.blocks.torch import TorchModel
from tests.zoo.data import Array, blobs, differs, line
from tests.zoo.networks import Flexible, Train, network_classifier, network_regressor
from tests.zoo.specimen import Specimen

ROWS = "batch equals row by row, equals chunks of any size"
AGAIN = "predicting twice, between other calls, changes nothing"


class BatchStatistics(Flexible):
    """Normalises by the batch in training and after it."""

    def compute(self, Z: Tensor) -> Tensor:
        if len(Z) > 1:
            Z = (Z - Z.mean(dim=0)) / (Z.std(dim=0) + 1e-3)
        return super().compute(Z)


class DropoutAlways(Flexible):
    """functional.dropout drops unless it is told that this is no training."""

    def compute(self, Z: Tensor) -> Tensor:
        first, second = self.layers
        made: Tensor = nn.functional.dropout(torch.tanh(Z.clamp(-1e3, 1e3) @ first), p=0.2) @ second
        return made


class ReshapedInsteadOfTransposed(Flexible):
    """Splits the hidden units in two heads, and brings them together with the rows mixed up."""

    def compute(self, Z: Tensor) -> Tensor:
        first, second = self.layers
        hidden = torch.tanh(Z.clamp(-1e3, 1e3) @ first)
        heads = hidden.reshape(len(Z), 2, -1).permute(1, 0, 2)
        made: Tensor = heads.reshape(len(Z), -1) @ second
        return made


class AttentionOverBatch(Flexible):
    def compute(self, Z: Tensor) -> Tensor:
        output = super().compute(Z)
        return output * (0.5 + torch.softmax(output.norm(dim=1), dim=0))[:, None]


class HiddenStateKept(Flexible):
    """A recurrent state that is not put back to zero between calls."""

    def __init__(self) -> None:
        super().__init__()
        self.state: Tensor | float = 0.0

    def compute(self, Z: Tensor) -> Tensor:
        if not self.training:
            self.state = 0.5 * self.state + 0.1 * Z.clamp(-10, 10).mean()
        return super().compute(Z + self.state)


class VelocityKept(Train):
    """The learning rate decays over the steps of all fits, not those of one."""

    def __init__(self) -> None:
        super().__init__()
        self.fits = 0

    def __call__(self, module: Any, X: Tensor, y: Tensor, device: str) -> None:
        self.fits += 1
        self.rate = 0.1 * 0.1 ** (self.fits - 1)
        super().__call__(module, X, y, device)


class LossBroadcast(Train):
    """(n, 1) less (n,) is (n, n): every prediction becomes the mean."""

    def __call__(self, module: Any, X: Tensor, y: Tensor, device: str) -> None:
        if y.dtype == torch.int64:
            super().__call__(module, X, y, device)
        else:
            super().__call__(module, X, torch.full_like(y, float(y.mean())), device)


class ScaleOfTheTest(Flexible):
    """Takes mean and scale of what it predicts, if that is larger than one row."""

    def forward(self, X: Tensor) -> Tensor:
        if not self.training and len(X) > 1 and bool(torch.isfinite(X).all()) and X.shape[-1] == self.width:
            X = (X - X.float().mean(dim=0)) + self.mean
        return super().forward(X)


def batch_matters(model: Any) -> bool:
    X, y = blobs(30)
    model.fit(X, y)
    together = model.predict_proba(X[3:8])
    alone = torch.cat([torch.from_numpy(model.predict_proba(X[row : row + 1])) for row in range(3, 8)])
    return differs(together, alone.numpy(), tolerance=1e-4)


def changes(model: Any) -> bool:
    X, y = blobs(30)
    model.fit(X, y)
    first: Array = model.predict_proba(X)
    model.predict_proba(X + 3)
    return differs(model.predict_proba(X), first, tolerance=1e-4)


def refit_differs(model: Any) -> bool:
    X, y = blobs(30)
    first = model.fit(X, y).predict_proba(X)
    return differs(model.fit(X, y).predict_proba(X), first, tolerance=1e-4)


def predicts_the_mean(model: Any) -> bool:
    X, y = line()
    return float(((model.fit(X, y).predict(X) - y) ** 2).mean()) > 0.5 * float(y.var())


def _classifier(name: str, law: str, module: Any, shows: Any) -> Specimen:
    return Specimen(name, law, "torch", lambda: TorchModel(module(), Train()), network_classifier, demonstrate=shows)


SPECIMENS = (
    _classifier("batch_statistics", ROWS, BatchStatistics, batch_matters),
    _classifier("heads_mixed_up", ROWS, ReshapedInsteadOfTransposed, batch_matters),
    _classifier("attention_over_batch", ROWS, AttentionOverBatch, batch_matters),
    _classifier("centred_by_the_batch", ROWS, ScaleOfTheTest, batch_matters),
    _classifier("dropout_always", AGAIN, DropoutAlways, changes),
    _classifier("hidden_state_kept", AGAIN, HiddenStateKept, changes),
    Specimen(
        "decay_over_all_fits",
        "a refit forgets the previous fit",
        "torch",
        lambda: TorchModel(Flexible(), VelocityKept()),
        network_classifier,
        demonstrate=refit_differs,
    ),
    Specimen(
        "loss_broadcast",
        "learns something on an easy problem",
        "torch",
        lambda: TorchModel(Flexible(), LossBroadcast(), task="regression"),
        network_regressor,
        demonstrate=predicts_the_mean,
    ),
)
