"""The mirror of journals in MLflow; the only folder that imports mlflow, and only when it is used.

MLflow is never in the way: whatever goes wrong with it is told in ``Mirrored.failed``, the journal stays
complete, and mirroring it again writes what is missing and nothing twice.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pytest_mlexp.tracking._mlflow.session import SessionMirror
from pytest_mlexp.tracking._mlflow.store import quiet
from pytest_mlexp.tracking.mirrored import Mirrored, later
from pytest_mlexp.tracking.secrets import redact_text, redact_uri

LONGEST = 300


def mirror(journal_folder: Path, tracking_uri: str, *, timeout: float = 8.0) -> Mirrored:
    """Write what a whole session's journal holds to MLflow; again and again without doubling anything.

    A journal without an end is that of a session that was killed. ``timeout`` is the seconds that a request to a
    server may take, unless MLFLOW_HTTP_REQUEST_TIMEOUT says otherwise. See ``SessionMirror``.

    Never raises for trouble with tracking: see ``Mirrored.failed``.
    """
    session = SessionMirror(journal_folder, tracking_uri)
    try:
        with quiet(timeout):
            session.step(final=True)
    # Whatever MLflow, its store or the network raises: tests must not fail because of tracking.
    except Exception as error:  # noqa: BLE001
        failed = f"MLflow does not hold this session: {reason(error, tracking_uri)}"
        return session.mirrored(failed if session.is_damaged else f"{failed}; {later(journal_folder)}")
    return session.mirrored()


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


def reason(error: Exception, uri: str) -> str:
    """What went wrong with a store, in one line without secrets."""
    said = " ".join(str(error).split()) or type(error).__name__
    short = said if len(said) <= LONGEST else f"{said[: LONGEST // 2]} ... {said[-LONGEST // 2 :]}"
    return f"{redact_uri(uri)}: {redact_text(short)}"
