"""Making durable, from beside a session, what the session itself did not wait for."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.records import CellRecord
from pytest_mlexp.tracking.journal import FILE_NAME, JournalReader, sync_path


class Settling:
    """Makes durable what a session has written to its journal, and the artifacts of cells that were found in the store.

    What a process has written is the kernel's: any process can have it brought to the disk, also after the death of
    the one that wrote it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reader = JournalReader(folder)
        self._settled: dict[tuple[str, str], CellRecord] = {}
        self._size = 0
        self._lock = threading.Lock()

    def settle(self) -> None:
        """Have on the disk what stands in the journal at the time of the call.

        Raises:
            OSError: the disk does not take it.
        """
        journal = self._folder / FILE_NAME
        with self._lock, suppress(FileNotFoundError, TrackingError):  # where it was taken away, nothing is to be kept
            size = journal.stat().st_size
            if size == self._size:
                return
            new = {(cell.experiment, cell.cell): cell for cell in self._reader.contents().cells if cell.found}
            new = {key: cell for key, cell in new.items() if self._settled.get(key) != cell}
            for path in [self._folder / name for cell in new.values() for name in cell.artifacts.values()]:
                sync_path(path)
            sync_path(journal)
            self._settled.update(new)
            self._size = size

    def follow(self, ended: threading.Event, pause: float) -> None:
        """Settle again and again until the session has ended, which makes its journal durable itself.

        An error ends nothing: the session does not wait for the disk as long as somebody stands by.
        """
        while not ended.wait(pause):
            with suppress(OSError):  # the session meets the same disk, and tells
                self.settle()
