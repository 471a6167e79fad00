"""One block's fault does not become another's: what belongs to the process is put back."""

from __future__ import annotations

import csv
import decimal
import gc
import locale
import logging
import multiprocessing
import os
import socket
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.linear_model import Ridge

from pytest_mlexp import check_model
from pytest_mlexp.contracts.process import quietly
from pytest_mlexp.contracts.settings import settings

torch = pytest.importorskip("torch")


def _locale() -> str:
    return locale.setlocale(locale.LC_ALL)


def _other_start() -> str:
    now = settings()["multiprocessing.get_start_method()"]
    return next(method for method in multiprocessing.get_all_start_methods() if method != now)


FAULTS: dict[str, Callable[[], Any]] = {
    "numpy.geterr()": lambda: np.seterr(all="ignore"),
    "numpy.get_printoptions()": lambda: np.set_printoptions(precision=1),
    "os.environ": lambda: os.environ.update(LEFT_BEHIND="1"),
    "the working folder": lambda: os.chdir(Path.cwd().parent),
    "warnings.filters": lambda: warnings.simplefilter("always"),
    "sys.getrecursionlimit()": lambda: sys.setrecursionlimit(sys.getrecursionlimit() + 1),
    "sys.getswitchinterval()": lambda: sys.setswitchinterval(2 * sys.getswitchinterval()),
    "sys.path": lambda: sys.path.append("left behind"),
    "sys.stdout, sys.stderr and sys.excepthook": lambda: setattr(sys, "excepthook", print),
    "logging's level, disabled level and handlers": lambda: logging.disable(logging.ERROR),
    "locale.setlocale()": lambda: locale.setlocale(locale.LC_ALL, "C.UTF-8" if _locale() == "C" else "C"),
    "decimal.getcontext()": lambda: setattr(decimal.getcontext(), "prec", 7),
    "gc.isenabled()": lambda: gc.disable() if gc.isenabled() else gc.enable(),
    "gc.get_threshold()": lambda: gc.set_threshold(gc.get_threshold()[0] + 1),
    "socket.getdefaulttimeout()": lambda: socket.setdefaulttimeout(77),
    "csv.field_size_limit()": lambda: csv.field_size_limit(csv.field_size_limit() + 1),
    "multiprocessing.get_start_method()": lambda: multiprocessing.set_start_method(_other_start(), force=True),
    "sklearn.get_config()": lambda: sklearn.set_config(assume_finite=True),
    "pandas.options": lambda: pd.set_option("display.precision", 3),
    "torch.is_grad_enabled()": lambda: torch.set_grad_enabled(False),
    "torch.get_default_dtype()": lambda: torch.set_default_dtype(torch.float64),
    "torch.get_num_threads()": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "torch.are_deterministic_algorithms_enabled()": lambda: torch.use_deterministic_algorithms(True),
    "torch.get_float32_matmul_precision()": lambda: torch.set_float32_matmul_precision("medium"),
    "torch.is_anomaly_enabled()": lambda: torch.autograd.set_detect_anomaly(True),
    "torch.backends.cudnn": lambda: setattr(torch.backends.cudnn, "benchmark", not torch.backends.cudnn.benchmark),
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


class ShowsFewDigits:
    def fit(self, X: Any, y: Any) -> ShowsFewDigits:
        if len(X) != len(y):
            pd.set_option("display.precision", 2)
            raise ValueError("X and y differ in length")
        self.mean = float(np.mean(y))
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.mean)


def test_a_setting_that_is_left_on_the_way_of_a_refusal_is_found_and_told_by_its_name() -> None:
    before = pd.get_option("display.precision")
    (record,) = check_model(ShowsFewDigits(), laws=["global_settings"], declares={"task": "regression"})
    assert record.status == "failed", record
    assert "refusing" in record.message
    assert "display.precision" in record.message
    assert pd.get_option("display.precision") == before


def test_parameters_are_validated_at_the_first_fit_and_afterwards_left_alone() -> None:
    before = sklearn.get_config()
    broken = {record.law for record in check_model(Ridge(solver="none such")) if record.status == "failed"}
    assert "prediction_shape" in broken
    with quietly():
        assert sklearn.get_config()["skip_parameter_validation"]
    assert sklearn.get_config() == before
