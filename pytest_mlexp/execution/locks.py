"""One process at a time for each key: a lock that costs microseconds, and dies with the process that holds it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_POSITIONS = 2**62


class KeyLocks:
    """Locks by key, which are single bytes of one file where the system has such locks, else files beside it.

    Where the folder can hold no lock (a file system without them), nothing is locked: work may then be done twice.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Wait until no other process holds the key; ``key`` is hexadecimal."""
        if fcntl is None:
            from filelock import FileLock

            with FileLock(self.path.with_name(f"{self.path.name}.{key}")):
                yield
            return
        position = int(key[:16], 16) % _POSITIONS
        held = self._lock(fcntl.LOCK_EX, position)
        try:
            yield
        finally:
            if held:
                self._lock(fcntl.LOCK_UN, position)

    def _lock(self, operation: int, position: int) -> bool:
        with suppress(OSError):
            if self._file is None:
                self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            fcntl.lockf(self._file, operation, 1, position)
            return True
        return False
