"""The accepted state that a session mirrored, brought back from MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.tracking._mlflow.store import quiet
from pytest_mlexp.tracking.secrets import redact_text

if TYPE_CHECKING:
    from mlflow import MlflowClient

LOCK = "mlexp.lock"


def fetch_accepted(name: str, tracking_uri: str, folder: Path) -> Path:
    """Download the lock and the vectors that a run holds, and return the lock's path.

    Args:
        name: a run's id, or ``model@alias`` of the model registry; a cell's run stands for its session's.
        tracking_uri: the store to look in.
        folder: where the files are put.

    Raises:
        SettingsError: there is no such run, it holds no accepted state, or the store cannot be reached.
    """
    try:
        with quiet():
            found = _download(name, tracking_uri, folder)
    except Exception as error:  # noqa: BLE001 - whatever MLflow, its store or the network raises
        raise SettingsError(f"no accepted state {name!r} in MLflow: {redact_text(str(error))}") from None
    if not found:
        raise SettingsError(f"run {name} holds no {LOCK}: take one that was made with --mlexp-accept")
    return folder / LOCK


def _download(name: str, tracking_uri: str, folder: Path) -> bool:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri)
    run = _run_with_lock(client, _run_id(client, name))
    if run is None:
        return False
    for item in client.list_artifacts(run):
        if item.path in (LOCK, f"{LOCK}.d"):
            client.download_artifacts(run, item.path, str(folder))
    return True


def _run_id(client: MlflowClient, name: str) -> str:
    model, at, alias = name.rpartition("@")
    return str(client.get_model_version_by_alias(model, alias).run_id) if at else name


def _run_with_lock(client: MlflowClient, run: str | None) -> str | None:
    while run is not None:
        if any(item.path == LOCK for item in client.list_artifacts(run)):
            return run
        run = client.get_run(run).data.tags.get("mlflow.parentRunId")
    return None
