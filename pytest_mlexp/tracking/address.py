"""Addresses of MLflow stores, checked before anything is computed that should be written there."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import urlsplit

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.naming import nearest
from pytest_mlexp.tracking.limits import FOLDER_HINT, FOLDER_VARIABLE, limits_of
from pytest_mlexp.tracking.secrets import redact_uri

OFF = "off"
# https://mlflow.org/docs/latest/self-hosting/architecture/backend-store/
_SCHEMES = ("databricks", "databricks-uc", "http", "https", "mssql", "mysql", "postgresql", "sqlite", "uc")
_SQLITE = "sqlite:///"
_ALONE = (OFF, "databricks", "databricks-uc", "uc")


def absolute(uri: str | None) -> str | None:
    """The address, with the path of an SQLite file from the root: processes and tests change their folder."""
    if uri is None or not uri.startswith(_SQLITE) or ":memory:" in uri:
        return uri
    return _SQLITE + Path(uri.removeprefix(_SQLITE)).absolute().as_posix()


def experiment_folder(uri: str | None, setting: str | None = None) -> str | None:
    """Where experiments stand in a store that names them by paths, as Databricks does; None in any other.

    It is what MLEXP_EXPERIMENT_FOLDER says, else the ini setting.

    Raises:
        SettingsError: the store wants a folder and there is none, or it is no path.
    """
    if uri is None or not limits_of(uri).paths:
        return None
    folder = os.environ.get(FOLDER_VARIABLE) or setting
    if not folder:
        raise SettingsError(f"{redact_uri(uri)} names experiments by the path of a folder: {FOLDER_HINT}")
    if not folder.startswith("/"):
        raise SettingsError(f"the folder for experiments must be a path from the root, as /Shared is: {folder!r}")
    return folder


def check_uri(uri: str | None) -> None:
    """Check that an address names a kind of store that MLflow knows; None is the embedded store.

    Raises:
        SettingsError: it is none; the message names the candidates.
    """
    if uri is None or uri in _ALONE:
        return
    scheme = urlsplit(uri).scheme.partition("+")[0]  # postgresql+psycopg2
    if scheme in {"", "file"} and os.environ.get("MLFLOW_ALLOW_FILE_STORE", "").lower() == "true":
        return
    known = {*_SCHEMES, *(point.name for point in entry_points(group="mlflow.tracking_store"))}
    if scheme not in known:
        shown = redact_uri(uri)
        hint = ""
        if scheme in {"", "file"}:
            path = shown.removeprefix("file://")
            hint = f"MLflow keeps no runs in plain folders any more, sqlite:///{path}.db would be a file; "
        raise SettingsError(
            f"{shown!r} is no address of an MLflow store: {hint}use 'off', 'databricks', or SCHEME://..., where the "
            f"scheme is known ({nearest(scheme or shown, known)})"
        )


def how_to_open(uri: str) -> str:
    """A server's own address; for a file or a database the command that shows it."""
    if uri.startswith("http"):
        return uri
    beside = Path(sys.executable).with_name("mlflow")
    program = shlex.quote(str(beside)) if shutil.which("mlflow") is None and beside.exists() else "mlflow"
    return f"{program} ui --backend-store-uri {shlex.quote(uri)}"
