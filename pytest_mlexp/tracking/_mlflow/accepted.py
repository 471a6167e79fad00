"""The accepted state that a session mirrored, brought back from MLflow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.naming import nearest
from pytest_mlexp.tracking._mlflow.store import quiet
from pytest_mlexp.tracking._mlflow.writer import PARENT
from pytest_mlexp.tracking.mirror import SESSION
from pytest_mlexp.tracking.secrets import redact_text

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

LOCK = "mlexp.lock"
_UNKNOWN = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
_LOOKED_AT, _SHOWN = 200, 5
_OF_SESSIONS = "attributes.run_name LIKE '20%'"  # cells are named otherwise, and may be many times as many
_SESSION_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}")


def fetch_accepted(name: str, tracking_uri: str, folder: Path) -> Path:
    """Download the lock and the vectors that a run holds, and return the lock's path.

    Args:
        name: a run's id, a session's, or ``model@alias`` of the model registry; a cell's run stands for its session's.
        tracking_uri: the store to look in.
        folder: where the files are put.

    Raises:
        SettingsError: there is no such run, it holds no accepted state, or the store cannot be reached.
    """
    with quiet():
        try:
            found = _download(name, tracking_uri, folder)
        except Exception as error:  # noqa: BLE001 - whatever MLflow, its store or the network raises
            unknown = getattr(error, "error_code", "") in _UNKNOWN  # else the store itself may not answer
            there = f". {_instead(name, tracking_uri)}" if unknown else ""
            raise SettingsError(f"no accepted state {name!r} in MLflow: {redact_text(str(error))}{there}") from None
        if not found:
            there = _instead(name, tracking_uri)
            raise SettingsError(f"run {name} holds no {LOCK}: take one that was made with --mlexp-accept. {there}")
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


def _instead(name: str, tracking_uri: str) -> str:
    """What may have been meant: the newest runs that hold an accepted state, and the models with aliases."""
    from mlflow import MlflowClient

    client, known = MlflowClient(tracking_uri), list[str]()
    with suppress(Exception):  # an error is being told already, and a store need not have a registry
        known += _aliases(client) if "@" in name else _accepting_runs(client)
    what = "aliases" if "@" in name else f"the newest runs with a {LOCK}"
    return f"In MLflow, {what}: {nearest(name, known)}"


def _aliases(client: MlflowClient) -> list[str]:
    models = client.search_registered_models(max_results=_LOOKED_AT)
    return [f"{model.name}@{alias}" for model in models for alias in model.aliases]


def _accepting_runs(client: MlflowClient) -> list[str]:
    return [_told(run) for run in islice(_holding(client), _SHOWN)]


def _holding(client: MlflowClient, chosen: str = "") -> Iterator[Run]:
    """The newest runs of sessions that hold an accepted state."""
    experiments = [one.experiment_id for one in client.search_experiments(max_results=_LOOKED_AT)]
    asked = " and ".join(filter(None, [chosen, _OF_SESSIONS]))
    newest = client.search_runs(experiments, asked, max_results=_LOOKED_AT, order_by=["attributes.start_time DESC"])
    for run in newest:
        is_session = SESSION in run.data.tags and PARENT not in run.data.tags
        if is_session and any(item.path == LOCK for item in client.list_artifacts(run.info.run_id)):
            yield run


def _told(run: Run) -> str:
    began = datetime.fromtimestamp(run.info.start_time / 1000, tz=UTC)
    commit = run.data.tags.get("mlflow.source.git.commit", "")[:8] or "none"
    return f"{run.info.run_id} (session {run.data.tags[SESSION]}, {began:%Y-%m-%d %H:%M} UTC, commit {commit})"


def _run_id(client: MlflowClient, name: str) -> str:
    model, at, alias = name.rpartition("@")
    if _SESSION_ID.fullmatch(name):
        found = next(_holding(client, f"tags.`{SESSION}` = '{name}'"), None)
        return name if found is None else str(found.info.run_id)
    return str(client.get_model_version_by_alias(model, alias).run_id) if at else name


def _run_with_lock(client: MlflowClient, run: str | None) -> str | None:
    while run is not None:
        if any(item.path == LOCK for item in client.list_artifacts(run)):
            return run
        run = client.get_run(run).data.tags.get(PARENT)
    return None
