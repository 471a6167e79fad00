"""Who writes a session: its folder is locked as long as the process that writes it lives."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from pytest_mlexp.errors import TrackingError

LOCK = "writer.lock"


class Owner:
    """Holds a session's folder. The system lets go of it when the process dies, however it dies."""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock

    def leave(self) -> None:
        """Let go of a session that has ended; a lock file that is left behind marks one that was cut off."""
        with suppress(OSError):  # Windows deletes no file that is open
            Path(self._lock.lock_file).unlink()
        self.let_go()

    def let_go(self) -> None:
        """Let go of a session that was cut off and stays so: its lock file is left behind."""
        self._lock.release()


def own(folder: Path) -> Owner | None:
    """Become the writer of a session; None when another process is.

    Raises:
        TrackingError: the folder cannot be written.
    """
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return None
    except OSError as error:
        raise TrackingError(f"cannot lock {folder}: {error.strerror or error}") from error
    return Owner(lock)


def own_orphan(folder: Path) -> Owner | None:
    """Become the writer of a session that was cut off; None when another process is, or when it has ended.

    A writer that leaves just now takes its lock file away, and locking would make a new one: the file that was found
    must be the file that is locked.

    Raises:
        TrackingError: the folder cannot be written.
    """
    try:
        with (folder / LOCK).open("rb") as found:
            owner = own(folder)
            if owner is None or os.path.samestat(os.fstat(found.fileno()), (folder / LOCK).stat()):
                return owner
    except FileNotFoundError:
        return None
    owner.leave()
    return None


def is_owned(folder: Path) -> bool:
    """Whether a living process writes a session."""
    owner = own_orphan(folder)
    if owner is None:
        return (folder / LOCK).exists()
    owner.let_go()
    return False
