"""Who writes a session: its folder is locked as long as the process that writes it lives."""

from __future__ import annotations

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


def is_owned(folder: Path) -> bool:
    """Whether a living process writes a session."""
    if not (folder / LOCK).exists():
        return False
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False
