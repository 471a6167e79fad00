"""Recorder: the one writer of a session's journal, and of its mirror in MLflow."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import msgspec

from pytest_mlexp.records import CellRecord, EndRecord, SessionRecord, TestRecord
from pytest_mlexp.tracking import _mlflow
from pytest_mlexp.tracking._mlflow import Mirrored
from pytest_mlexp.tracking.embedded import default_uri
from pytest_mlexp.tracking.environment import capture
from pytest_mlexp.tracking.journal import STATE_FOLDER, Journal
from pytest_mlexp.tracking.secrets import redact_uri

OFF = "off"


class Recorder:
    """Writes each record to the journal when it comes, and mirrors all of them when the session ends.

    Args:
        root: the project's folder; the journal is made beneath it.
        tracking_uri: the MLflow store; None is the embedded one.
        command: what started the session, for the record.
    """

    def __init__(self, root: Path, *, tracking_uri: str | None, command: Sequence[str]) -> None:
        now = datetime.now(UTC)
        self.session = f"{now:%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
        self.uri = tracking_uri or default_uri(root)
        self.folder = root / STATE_FOLDER / "sessions" / self.session
        self.mirrored: Mirrored | None = None
        self._journal = Journal(self.folder)
        self._cells: set[tuple[str, str]] = set()
        environment = msgspec.to_builtins(capture(root, command))
        self._opening = SessionRecord(
            session=self.session,
            started=_milliseconds(now.timestamp()),
            command=tuple(environment["command"]),
            tracking_uri=redact_uri(self.uri),
            parent_run=_mlflow.active_run_id(),
            environment=environment,
        )
        self._journal.append(self._opening)

    @property
    def shown_uri(self) -> str:
        """The store's address without credentials."""
        return redact_uri(self.uri)

    def cell(self, record: CellRecord, predictions: bytes | None) -> None:
        """Write a cell and its predictions; a cell that another process wrote already is left out."""
        key = (record.experiment, record.cell)
        if key in self._cells:
            return
        self._cells.add(key)
        self._notice_active_run()
        if predictions is not None:
            name = f"predictions/{record.experiment}/{record.cell}.parquet"
            path = self._journal.write_artifact(name, predictions)
            record = replace(record, artifacts={"predictions.parquet": path})
        self._journal.append(record)

    def artifact(self, name: str, data: bytes) -> None:
        """Write a file beside the journal; those in ``flips/<experiment>`` are mirrored with their cell."""
        self._journal.write_artifact(name, data)

    def test(self, record: TestRecord) -> None:
        """Write how a test of a cell ended."""
        self._journal.append(record)

    def finish(self, status: Literal["FINISHED", "FAILED", "KILLED"]) -> Mirrored | None:
        """End the journal and mirror it; nothing is mirrored when no cell ran."""
        self._journal.append(EndRecord(_milliseconds(time.time()), status))
        self._journal.close()
        if self._cells:
            self.mirrored = _mlflow.mirror(self.folder, self.uri)
        return self.mirrored

    def _notice_active_run(self) -> None:
        if self._opening.parent_run is None and (run := _mlflow.active_run_id()) is not None:
            self._opening = replace(self._opening, parent_run=run)
            self._journal.append(self._opening)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
