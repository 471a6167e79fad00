"""Mirror the sessions of a project that MLflow does not hold yet."""

from __future__ import annotations

from pathlib import Path

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.tracking._mlflow import mirror
from pytest_mlexp.tracking._mlflow.logged import fetch_logged
from pytest_mlexp.tracking.embedded import default_uri
from pytest_mlexp.tracking.journal import STATE_FOLDER, JournalContents, read
from pytest_mlexp.tracking.mirrored import Mirrored
from pytest_mlexp.tracking.orphans import end, orphan
from pytest_mlexp.tracking.owner import is_owned
from pytest_mlexp.tracking.secrets import redact_uri


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
    journal = read(folder)
    recorded = journal.session.tracking_uri if journal.session is not None else None
    uri = tracking_uri or recorded or default_uri(root)
    return _held(folder.name, uri, journal.damage) if _lost_its_beginning(journal) else mirror(folder, uri)


def _lost_its_beginning(journal: JournalContents) -> bool:
    return journal.session is None and journal.damage is not None


def _held(session: str, uri: str, damage: str | None) -> Mirrored:
    """What MLflow holds of a session of which the journal does not say any more what it is: nothing is added to it."""
    try:
        held = fetch_logged(session, uri)
    except TrackingError as error:
        return Mirrored(0, 0, (), str(error), damage=damage)
    if held is None:
        told = f"MLflow does not hold this session, and its journal has lost what the session was: {redact_uri(uri)}"
        return Mirrored(0, 0, (), told, damage=damage)
    return Mirrored(0, len(held.cells) + len({cell.experiment for cell in held.cells}), (), damage=damage)
