"""Sessions whose writer was killed: the same one goes on, any other one is ended with the truth.

A session may have been killed after its last test, while it was waited for MLflow: then it has an end already, but
its lock is still there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.records import EndRecord, SessionRecord
from pytest_mlexp.tracking.journal import FILE_NAME, Journal, JournalContents, read
from pytest_mlexp.tracking.owner import LOCK, Owner, own_orphan

CODE = frozenset({".py", ".ipynb", ".toml", ".ini", ".cfg"})


@dataclass(frozen=True)
class Orphan:
    """A session that was cut off; it is this process's as long as ``owner`` is held."""

    folder: Path
    journal: JournalContents
    owner: Owner


def orphans(sessions: Path) -> Iterator[Orphan]:
    """The sessions in a folder that were cut off, the latest first; each is owned now."""
    for lock in sorted(sessions.glob(f"*/{LOCK}"), reverse=True):
        with suppress(TrackingError):  # one that cannot be read or written stays as it is
            if (found := orphan(lock.parent)) is not None:
                yield found


def orphan(folder: Path) -> Orphan | None:
    """The session in a folder, owned, when it was cut off; None when it has nothing to tell or is being written.

    Raises:
        TrackingError: its journal cannot be read, or the folder not be locked.
    """
    owner = own_orphan(folder)
    if owner is None:
        return None
    if not (folder / FILE_NAME).exists():
        owner.leave()
        return None
    journal = read(folder)  # only now: before the lock was ours, its writer may have added to it
    if journal.session is None:
        owner.leave()
        return None
    return Orphan(folder, journal, owner)


def end(orphan: Orphan) -> None:
    """Say in the journal of a session that it was killed, at the time of the last that is known of it, and leave it.

    Raises:
        TrackingError: the journal cannot be written.
    """
    session = orphan.journal.session
    known = [cell.ended for cell in orphan.journal.cells]
    last = max([session.started if session is not None else 0, *known])
    if orphan.journal.end is None:
        with Journal(orphan.folder) as journal:
            journal.append(EndRecord(last, "KILLED"))
    orphan.owner.leave()


def is_same(before: SessionRecord, now: SessionRecord) -> bool:
    """Whether two sessions were started alike: the same command on the same code, environment and store.

    Without git nothing says what the code was, and nothing is the same. Of files that git does not track, the
    names of code and settings are compared, and the texts of those that were small enough to be recorded.
    """
    code = _code_state(before)
    return code is not None and code == _code_state(now) and _circumstances(before) == _circumstances(now)


def _circumstances(session: SessionRecord) -> tuple[Any, ...]:
    return (
        session.command,
        session.scope,
        session.tracking_uri,
        session.experiment_folder,
        session.parent_run,
        session.environment.get("digest"),
    )


def _code_state(session: SessionRecord) -> tuple[Any, ...] | None:
    git = session.environment.get("git")
    if not isinstance(git, Mapping):
        return None
    commit, diff, untracked = git.get("commit"), git.get("diff"), git.get("untracked")
    if commit is None or diff is None or untracked is None:
        return None
    names = tuple(sorted(name for name in untracked if Path(name).suffix in CODE))
    return commit, hashlib.sha256(diff.encode()).hexdigest(), names, git.get("contents")
