"""Experiments as tests: each model x dataset x evaluator x device combination is one pytest test."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_mlexp.blocks.dataset import Dataset
    from pytest_mlexp.blocks.torch import TorchModel
    from pytest_mlexp.contracts.checks import check_dataset, check_evaluator
    from pytest_mlexp.contracts.driver import check_model
    from pytest_mlexp.contracts.report import CheckRecord
    from pytest_mlexp.errors import (
        ContractError,
        DataError,
        DeclarationError,
        DeviceError,
        EvaluatorError,
        GateError,
        MlexpError,
        ModelError,
        RequestError,
        SettingsError,
        TrackingError,
    )
    from pytest_mlexp.experiment import Experiment
    from pytest_mlexp.gates.rules import Gate
    from pytest_mlexp.matrix import Cell
    from pytest_mlexp.records import Evaluation, Metric
    from pytest_mlexp.runner import Results
    from pytest_mlexp.verdicts import Verdict

__all__ = [
    "Cell",
    "CheckRecord",
    "ContractError",
    "DataError",
    "Dataset",
    "DeclarationError",
    "DeviceError",
    "Evaluation",
    "EvaluatorError",
    "Experiment",
    "Gate",
    "GateError",
    "Metric",
    "MlexpError",
    "ModelError",
    "RequestError",
    "Results",
    "SettingsError",
    "TorchModel",
    "TrackingError",
    "Verdict",
    "check_dataset",
    "check_evaluator",
    "check_model",
]

_HOMES = {
    "Cell": "matrix",
    "CheckRecord": "contracts.report",
    "Dataset": "blocks.dataset",
    "Evaluation": "records",
    "Experiment": "experiment",
    "Gate": "gates.rules",
    "Metric": "records",
    "Results": "runner",
    "TorchModel": "blocks.torch",
    "Verdict": "verdicts",
    "check_dataset": "contracts.checks",
    "check_evaluator": "contracts.checks",
    "check_model": "contracts.driver",
}


def __getattr__(name: str) -> Any:
    # Names are fetched when they are used: the plugin is imported in every pytest session and must stay cheap.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'errors')}"), name)


def __dir__() -> list[str]:
    return __all__
