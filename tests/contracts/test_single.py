"""What excuses lost digits: single precision that a library has within the model, and not the word for it."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from pytest_mlexp.contracts.declarations import Declarations, declared
from pytest_mlexp.contracts.driver import check_model
from pytest_mlexp.contracts.networks import SINGLE_PRECISION, OnArrays
from pytest_mlexp.contracts.recognition import subject_of
from pytest_mlexp.contracts.single import holds_network
from tests.contracts import tables

torch = pytest.importorskip("torch")


class Holder:
    """Keeps anything, a few levels deep."""

    def __init__(self, part: Any) -> None:
        self.parts = {"deep": [part]}


class NotTorch(tables.SinglePrecision):
    """Loses its digits, and has the word in it."""

    def __init__(self, backend: str = "numpy, not torch") -> None:
        self.backend = backend


def saved(module: Any, tmp_path: Any) -> bytes:
    torch.save(module.state_dict(), tmp_path / "weights")
    return bytes((tmp_path / "weights").read_bytes())


@pytest.mark.parametrize(
    "part",
    [
        torch.zeros(2),
        torch.zeros(2, dtype=torch.float16),
        torch.nn.Linear(2, 1),
        torch.nn.Linear(2, 1).state_dict(),
        torch.nn.ReLU(),
        torch.nn.Sequential(torch.nn.Linear(2, 1).double(), torch.nn.Linear(1, 1)),
        threading.Lock(),  # cannot be seen through
    ],
    ids=["tensor", "half", "module", "state", "no parameters", "mixed", "no pickle"],
)
def test_single_precision_within_a_model_is_seen(part: Any) -> None:
    assert holds_network(Holder(part))


@pytest.mark.parametrize(
    "part",
    [
        "torch",
        b"torch",
        torch.float32,
        torch.nn.Linear,
        torch.arange(3),
        torch.zeros(2, dtype=torch.float64),
        torch.nn.Linear(2, 1).double(),
        np.zeros(2, dtype=np.float32),
    ],
    ids=["text", "bytes", "type", "class", "integers", "double", "double module", "numpy"],
)
def test_a_word_a_class_or_double_precision_is_no_network(part: Any) -> None:
    assert not holds_network(Holder(part))


def test_saved_weights_are_seen(tmp_path: Any) -> None:
    assert holds_network(Holder(saved(torch.nn.Linear(2, 1), tmp_path)))


def test_the_word_torch_excuses_no_lost_digits() -> None:
    assert subject_of(NotTorch()).declares.tolerance == Declarations.tolerance
    (record,) = check_model(NotTorch(), laws=["digits_far_from_zero"])
    assert record.status == "failed", record.message


def test_adapters_of_torch_are_known_by_what_they_are_and_not_by_their_name() -> None:
    from pytest_mlexp.blocks.torch import TorchModel

    class Ours(TorchModel):
        pass

    named = type("TorchModel", (), {"predict": lambda _self, X: X})
    assert declared(Ours(torch.nn.Linear(2, 2), print), {}).tolerance == SINGLE_PRECISION
    assert declared(OnArrays(torch.nn.Linear(2, 2)), {}).tolerance == SINGLE_PRECISION
    assert declared(named(), {}).tolerance == Declarations.tolerance
