"""Mirror the sessions of a project that MLflow does not hold yet."""

from __future__ import annotations

from pathlib import Path

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.tracking._mlflow import mirror
from pytest_mlexp.tracking.embedded import default_uri
from pytest_mlexp.tracking.journal import STATE_FOLDER, read
from pytest_mlexp.tracking.mirrored import Mirrored
from pytest_mlexp.tracking.orphans import end, orphan
from pytest_mlexp.tracking.owner import is_owned


def sync(root: Path, tracking_uri: str | None) -> dict[str, Mirrored]:
    """Mirror every session under ``root``, oldest first; what is in MLflow already is not written again.

    A session whose writer was killed is ended as such. One that is being written is left alone: it mirrors itself.

    ``tracking_uri`` is the store for all of them; without it each goes to the one that it was recorded for,
    whose address was kept without credentials.

    Raises:
        TrackingError: no session was recorded there.
    """
    folders = sorted(path.parent for path in (root / STATE_FOLDER / "sessions").glob("*/journal.jsonl"))
    if not folders:
        raise TrackingError(f"no session is recorded under {root / STATE_FOLDER}: start in the project's folder")
    return {folder.name: _sync(folder, tracking_uri, root) for folder in folders}


def _sync(folder: Path, tracking_uri: str | None, root: Path) -> Mirrored:
    try:
        return _mirror(folder, tracking_uri, root)
    except TrackingError as error:  # its journal cannot be read; the other ones may
        return Mirrored(0, 0, (), failed=str(error))


def _mirror(folder: Path, tracking_uri: str | None, root: Path) -> Mirrored:
    if (found := orphan(folder)) is not None:
        end(found)
    elif is_owned(folder):
        return Mirrored(0, 0, (), notes=("it is running, and mirrors itself",))
    return mirror(folder, tracking_uri or _recorded_uri(folder, root))


def _recorded_uri(folder: Path, root: Path) -> str:
    session = read(folder).session
    return (session.tracking_uri if session is not None else None) or default_uri(root)
