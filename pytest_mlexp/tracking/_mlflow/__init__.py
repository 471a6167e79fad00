"""The mirror of journals in MLflow; the only folder that imports mlflow, and only when it is used.

MLflow is never in the way: whatever goes wrong with it is told in ``Mirrored.failed``, the journal stays
complete, and mirroring it again writes what is missing and nothing twice.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from pytest_mlexp.tracking._mlflow.store import LOCK_SECONDS, quiet
from pytest_mlexp.tracking._mlflow.writer import Writer
from pytest_mlexp.tracking.journal import read
from pytest_mlexp.tracking.mirror import plan
from pytest_mlexp.tracking.secrets import redact_text


@dataclass(frozen=True)
class Mirrored:
    """What mirroring one journal did.

    Attributes:
        failed: the reason in one line when it did not get through.
        parent_missing: the run that was active in the session, where the store does not have it.
    """

    runs_written: int
    runs_already_there: int
    experiments: tuple[str, ...]
    failed: str | None = None
    parent_missing: str | None = None


def mirror(journal_folder: Path, tracking_uri: str, *, timeout: float = 8.0) -> Mirrored:
    """Write what a session's journal holds to MLflow; again and again without doubling anything.

    Each Experiment gets one MLflow experiment with one parent run for the session (the run that was
    already active, where the session had one) and one child run for each cell. Runs are found again by
    their tag ``mlexp.uid``; one that was left unfinished is completed. ``timeout`` is the seconds that a
    request to a server may take, unless MLFLOW_HTTP_REQUEST_TIMEOUT says otherwise.

    Never raises for trouble with tracking: see ``Mirrored.failed``.
    """
    writer: Writer | None = None
    failed = None
    try:
        journal = read(journal_folder)
        plans = plan(journal, journal_folder)
        with quiet(timeout), FileLock(journal_folder / "mirror.lock", timeout=LOCK_SECONDS):
            if journal.session is not None and plans:
                writer = Writer(tracking_uri, journal.session)
                writer.write(plans)
    # Whatever MLflow, its store or the network raises: tests must not fail because of tracking.
    except Exception as error:  # noqa: BLE001
        failed = _reason(error, tracking_uri, journal_folder)
    if writer is None:
        return Mirrored(0, 0, (), failed)
    return Mirrored(writer.written, writer.there, tuple(writer.names), failed, writer.parent_missing)


def active_run_id() -> str | None:
    """The MLflow run that is active in this process or named by MLFLOW_RUN_ID; never imports mlflow."""
    active = getattr(sys.modules.get("mlflow"), "active_run", None)
    run = active() if active is not None else None
    return str(run.info.run_id) if run is not None else os.environ.get("MLFLOW_RUN_ID") or None


def active_store() -> str | None:
    """The store of the MLflow run that is active in this process; None without one. Never imports mlflow."""
    mlflow = sys.modules.get("mlflow")
    active = getattr(mlflow, "active_run", None)
    return str(mlflow.get_tracking_uri()) if mlflow is not None and active is not None and active() else None


def _reason(error: Exception, uri: str, folder: Path) -> str:
    said = " ".join(str(error).split()) or type(error).__name__
    return redact_text(f"MLflow at {uri} does not hold this session: {said[:400]}; {later(folder)}")


def later(folder: Path) -> str:
    """What is to be done when MLflow does not hold a session."""
    return f"nothing is lost, `mlexp sync` writes it from the journal {folder}"
