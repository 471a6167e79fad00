"""Where the accepted state is that a session judges against."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.naming import nearest

MLFLOW = "mlflow:"


def baseline_of(config: pytest.Config, uri: str | None, *, accept: bool) -> Path:
    """The file of the accepted state: given, of the ini file, or brought from MLflow.

    Raises:
        pytest.UsageError: there is no such file, or no such run in MLflow.
    """
    if (fetched := getattr(config, "workerinput", {}).get("mlexp_baseline")) is not None:
        return Path(fetched)
    given, ini = config.getoption("mlexp_baseline"), config.getini("mlexp_baseline")
    if not given:
        if ini.startswith(MLFLOW) and (accept or config.getoption("mlexp")):
            told = "only the option takes what is in MLflow, for a file is what --mlexp-accept writes to"
            raise pytest.UsageError(f"{config.inipath}: mlexp_baseline: {told}: --mlexp-baseline={ini}")
        lock = config.rootpath / (ini or "mlexp.lock")
        if ini and config.getoption("mlexp") and not accept and not lock.is_file():
            raise pytest.UsageError(f"{config.inipath}: mlexp_baseline: {_no_file(lock)}")
        return lock
    if given.startswith(MLFLOW):
        return _from_mlflow(config, given.removeprefix(MLFLOW), uri, accept=accept)
    path: Path = config.invocation_params.dir / given
    if not accept and not path.is_file():
        raise pytest.UsageError(f"--mlexp-baseline: {_no_file(path)}")
    return path


def _no_file(lock: Path) -> str:
    there = nearest(lock.name, (path.name for path in lock.parent.glob("*.lock")))
    return f"there is no file {lock}, so that every gate would be new and pass: {there}; --mlexp-accept would make one"


def _from_mlflow(config: pytest.Config, run: str, uri: str | None, *, accept: bool) -> Path:
    from pytest_mlexp.tracking._mlflow.accepted import fetch_accepted
    from pytest_mlexp.tracking.address import OFF
    from pytest_mlexp.tracking.embedded import default_uri

    if accept or uri == OFF:
        reason = "--mlexp-accept writes to a file" if accept else "there is no store with --mlexp-tracking-uri=off"
        raise pytest.UsageError(f"--mlexp-baseline={MLFLOW}{run}: {reason}")
    folder = tempfile.TemporaryDirectory(prefix="mlexp-accepted-")
    config.add_cleanup(folder.cleanup)
    try:
        return fetch_accepted(run, uri or default_uri(config.rootpath), Path(folder.name))
    except SettingsError as error:
        raise pytest.UsageError(f"--mlexp-baseline={MLFLOW}{run}: {error}") from None
