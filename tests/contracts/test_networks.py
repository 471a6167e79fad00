"""A trained torch module is checked as the callable that it stands for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_mlexp.contracts.driver import check_model
from pytest_mlexp.contracts.networks import OnArrays

torch = pytest.importorskip("torch")


class Rows(torch.nn.Module):  # type: ignore[misc, name-defined]
    """Sound, of any width: a bounded sum; dropout is asked for in training alone."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = torch.nn.Dropout(0.5)

    def forward(self, x: Any) -> Any:
        return torch.tanh(self.dropout(x).mean(dim=1))


class Batch(Rows):
    def forward(self, x: Any) -> Any:
        return super().forward(x) - x.mean()


@pytest.mark.parametrize("module", [Rows, Rows()], ids=["class", "instance"])
def test_a_sound_module_breaks_no_law(module: Any) -> None:
    records = check_model(module)
    assert {record.law: record.message for record in records if record.status == "failed"} == {}
    assert sum(record.status == "passed" for record in records) > 15


def test_rows_that_see_each_other_are_found() -> None:
    broken = {record.law for record in check_model(Batch()) if record.status == "failed"}
    assert {"batch_vs_rows", "chunks"} <= broken


def test_the_module_itself_stays_in_training_mode() -> None:
    module = Rows()
    check_model(module, laws=["prediction_shape"])
    assert module.training


def test_what_is_no_array_of_numbers_is_refused() -> None:
    with pytest.raises(ValueError, match="could not convert"):
        OnArrays(Rows())(np.array([["a", "b"]]))
