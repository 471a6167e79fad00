"""The options and ini settings that a user sees."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from pytest_mlexp.errors import SettingsError

INI = {
    "mlexp_devices": "devices to run on when --mlexp-devices is not given (default: auto)",
    "mlexp_tracking_uri": "MLflow store when neither --mlexp-tracking-uri nor MLFLOW_TRACKING_URI is given",
}


@dataclass(frozen=True)
class Options:
    """What the command line, the environment and the ini file ask for."""

    active: bool
    devices: tuple[str, ...]
    tracking_uri: str | None


def add_options(parser: pytest.Parser) -> None:
    """Register options and ini settings."""
    group = parser.getgroup("mlexp", "experiments as tests (pytest-mlexp)")
    group.addoption("--mlexp", action="store_true", help="run the cells of experiments, not only the other tests")
    group.addoption(
        "--mlexp-devices",
        metavar="DEVICES",
        help="where models that ask for a device run: auto, cpu, cuda, cuda:N, mps, or several with commas",
    )
    group.addoption(
        "--mlexp-tracking-uri",
        metavar="URI",
        help="MLflow store to record in; 'off' records nothing (default: MLFLOW_TRACKING_URI, else an embedded store)",
    )
    group.addoption(
        "--mlexp-contracts",
        choices=("fast", "thorough", "explore"),
        default="fast",
        help="how hard contracts look: fast (default), thorough (more cases and slow laws), explore (at random)",
    )
    for name, text in INI.items():
        parser.addini(name, text, default="")


def read_options(config: pytest.Config) -> Options:
    """Read and check the options.

    Raises:
        pytest.UsageError: an unknown device.
    """
    import os

    from pytest_mlexp.blocks.device import parse_devices

    devices = config.getoption("mlexp_devices") or config.getini("mlexp_devices") or "auto"
    uri = config.getoption("mlexp_tracking_uri") or os.environ.get("MLFLOW_TRACKING_URI")
    try:
        places = parse_devices(devices)
    except SettingsError as error:
        raise pytest.UsageError(f"--mlexp-devices: {error}") from None
    return Options(bool(config.getoption("mlexp")), places, uri or config.getini("mlexp_tracking_uri") or None)
