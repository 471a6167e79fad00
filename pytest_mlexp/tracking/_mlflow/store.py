"""MLflow's own surroundings: quiet while it works, and its embedded store made whole."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from pytest_mlexp.tracking.embedded import DATABASE, artifacts_of, on_connect
from pytest_mlexp.tracking.journal import ignore_in_git
from pytest_mlexp.tracking.quiet import muted, settings_where_unset

LOCK_SECONDS = 120.0
BUILDING = ".building-"
# A lost reply must not make MLflow's own retry create a run twice: one attempt, then the look-up by uid.
_RETRIES = "0"


def build_store(database: Path) -> None:
    """Make the embedded store unless it is there: whole or not at all, once among racing processes.

    MLflow's own first use breaks when processes race or one is killed in the middle, therefore it works
    on a file under another name that is renamed when it is whole.
    """
    ignore_in_git(database.parent)
    with quiet(), FileLock(database.with_suffix(".lock"), timeout=LOCK_SECONDS):
        if database.exists():
            return
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        for left in database.parent.glob(f"{BUILDING}*"):  # by a process that was killed
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=database.parent, prefix=BUILDING) as folder:
            building = Path(folder) / DATABASE
            artifacts = artifacts_of(database).as_uri()
            with on_connect("PRAGMA synchronous=OFF"):
                store = SqlAlchemyStore(f"sqlite:///{building.as_posix()}", artifacts)  # type: ignore[no-untyped-call]
            store.engine.dispose()
            connection = sqlite3.connect(building)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.close()
            building.replace(database)


def quiet_settings(timeout: float = 8.0) -> dict[str, str]:
    """Variables that keep MLflow from printing, phoning home and waiting for minutes."""
    return {
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": _RETRIES,
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(max(1, round(timeout))),
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }


@contextmanager
def quiet(timeout: float = 8.0) -> Iterator[None]:
    """Import mlflow and keep it from printing, phoning home and waiting for minutes, then put all back."""
    with settings_where_unset(quiet_settings(timeout)), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import mlflow.store.tracking.sqlalchemy_store  # noqa: F401  # sets up its loggers, to be muted after it

        with muted("mlflow", "alembic", "databricks.sdk"):
            yield
