"""The folder in which the workers of one session share trials."""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.tracking.owner import own, own_orphan

PREFIX = "mlexp-workers-"
# A folder is not locked at once; one that was left behind is in nobody's way for so many seconds.
YOUNG = 60.0


class SharedFolder:
    """A temporary folder, locked as long as the session lives; those that killed sessions left are taken away."""

    def __init__(self) -> None:
        for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
            with suppress(OSError, TrackingError):  # somebody else's, or gone meanwhile
                _remove_abandoned(folder)
        self._folder = tempfile.TemporaryDirectory(prefix=PREFIX)
        self.path = Path(self._folder.name)
        self._owner = own(self.path)

    def remove(self) -> None:
        """Take it away with all that is in it."""
        if self._owner is not None:
            self._owner.leave()
        self._folder.cleanup()


def _remove_abandoned(folder: Path) -> None:
    if time.time() - folder.stat().st_mtime < YOUNG:
        return
    owner = own_orphan(folder)
    if owner is not None:
        shutil.rmtree(folder, ignore_errors=True)
        owner.let_go()
