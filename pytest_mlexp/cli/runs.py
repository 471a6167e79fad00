"""The accepted states that runs left, by name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.gates.lock import FILE_NAME
from pytest_mlexp.gates.versions import MLFLOW
from pytest_mlexp.naming import nearest
from pytest_mlexp.tracking._mlflow.accepted import fetch_accepted
from pytest_mlexp.tracking.address import OFF
from pytest_mlexp.tracking.embedded import default_uri
from pytest_mlexp.tracking.journal import STATE_FOLDER
from pytest_mlexp.tracking.mirror import ACCEPTED

_RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class KeptRuns:
    """The accepted states that sessions left: in their journals under ``root``, or in MLflow."""

    root: Path
    uri: str | None
    folder: Path

    def lock(self, name: str) -> Path | None:
        """The lock of a session, or of a run in MLflow that is put into the folder.

        Raises:
            SettingsError: a run that MLflow does not have, or one without an accepted state.
        """
        if name in self.names():
            return self._sessions / name / self._inside
        run = name.removeprefix(MLFLOW)
        if self.uri == OFF or not (run != name or _RUN_ID.fullmatch(run)):
            return None
        try:
            return fetch_accepted(run, self.uri or default_uri(self.root), Path(mkdtemp(dir=self.folder)))
        except SettingsError as error:
            raise SettingsError(f"{error}; sessions here with one: {nearest(name, self.names())}") from None

    def names(self) -> list[str]:
        """The sessions here that left one."""
        return sorted(path.parents[1].name for path in self._sessions.glob(f"*/{self._inside}"))

    @property
    def _sessions(self) -> Path:
        return self.root / STATE_FOLDER / "sessions"

    @property
    def _inside(self) -> str:
        return f"{ACCEPTED}/{FILE_NAME}"
