"""One block's fault does not become another's: what belongs to the process is put back."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn

from pytest_mlexp import check_model
from pytest_mlexp.contracts.process import quietly, settings

torch = pytest.importorskip("torch")

FAULTS: dict[str, Callable[[], Any]] = {
    "numpy.geterr()": lambda: np.seterr(all="ignore"),
    "numpy.get_printoptions()": lambda: np.set_printoptions(precision=1),
    "os.environ": lambda: os.environ.update(LEFT_BEHIND="1"),
    "the working folder": lambda: os.chdir(Path.cwd().parent),
    "warnings.filters": lambda: warnings.simplefilter("always"),
    "sys.getrecursionlimit()": lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 1),
    "sys.path": lambda: sys.path.append("left behind"),
    "sklearn.get_config()": lambda: sklearn.set_config(assume_finite=True),
    "torch.is_grad_enabled()": lambda: torch.set_grad_enabled(False),
    "torch.get_default_dtype()": lambda: torch.set_default_dtype(torch.float64),
    "torch.get_num_threads()": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
}


def test_every_setting_that_is_compared_is_put_back() -> None:
    assert FAULTS.keys() == settings().keys()
    for name, fault in FAULTS.items():
        before = settings()
        with quietly():
            inside = settings()[name]
            fault()
            assert settings()[name] != inside, name
        assert settings() == before, name


class GradientsOff:
    def fit(self, X: Any, y: Any) -> GradientsOff:
        self.mean = float(np.mean(y))
        return self

    def predict(self, X: Any) -> Any:
        torch.set_grad_enabled(False)
        return np.full(len(X), self.mean)


def test_a_model_that_leaves_gradients_off_is_found_and_harms_no_later_check() -> None:
    (record,) = check_model(GradientsOff(), laws=["global_settings"], declares={"task": "regression"})
    assert record.status == "failed", record
    assert torch.is_grad_enabled()


class Unshowable(GradientsOff):
    def predict(self, X: Any) -> Any:
        return np.full(len(X) + 1, self.mean)


def test_what_cannot_be_shown_loses_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise TypeError("no text for this")

    monkeypatch.setattr("pytest_mlexp.contracts.driver.snippet", refuse)
    records = check_model(Unshowable(), declares={"task": "regression"})
    failed = [record for record in records if record.status == "failed"]
    assert failed
    assert all("could not be shown: TypeError: no text for this" in str(record.message) for record in failed)
