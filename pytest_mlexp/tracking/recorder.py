"""Recorder: the one writer of a session's journal, and of its mirror in MLflow."""

from __future__ import annotations

import hashlib
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.records import CellRecord, EndRecord, SessionRecord, TestRecord
from pytest_mlexp.tracking import _mlflow
from pytest_mlexp.tracking._mlflow import Mirrored
from pytest_mlexp.tracking.embedded import default_uri
from pytest_mlexp.tracking.environment import Environment
from pytest_mlexp.tracking.journal import STATE_FOLDER, Journal, JournalRecord
from pytest_mlexp.tracking.secrets import redact_uri

LONGEST_FOLDER = 150
T = TypeVar("T")


class Recorder:
    """Writes each record to the journal when it comes, and mirrors all of them when the session ends.

    A journal that cannot be written, on a full disk for instance, stops nobody: see ``trouble``.

    Args:
        root: the project's folder; the journal is made beneath it.
        tracking_uri: the MLflow store; None is that of an active MLflow run, else the embedded one.
        environment: what the session runs on, and the command that started it.
        started: when, in seconds since the epoch.

    Attributes:
        mirrored: what reached MLflow; None before ``finish``, and when no cell ran.
        trouble: why the journal is not complete; None when it is.
    """

    def __init__(self, root: Path, *, tracking_uri: str | None, environment: Environment, started: float) -> None:
        self.session = f"{datetime.fromtimestamp(started, UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}"
        self._given_uri = tracking_uri
        self.uri = tracking_uri or _mlflow.active_store() or default_uri(root)
        self.folder = root / STATE_FOLDER / "sessions" / self.session
        self.mirrored: Mirrored | None = None
        self.trouble: str | None = None
        self._cells: set[tuple[str, str]] = set()
        self._journal = self._guarded(lambda: Journal(self.folder))
        self._opening = SessionRecord(
            session=self.session,
            started=_milliseconds(started),
            command=environment.command,
            tracking_uri=redact_uri(self.uri),
            parent_run=_mlflow.active_run_id(),
            environment=msgspec.to_builtins(environment),
        )
        self._append(self._opening)

    @property
    def shown_uri(self) -> str:
        """The store's address without credentials."""
        return redact_uri(self.uri)

    def cell(self, record: CellRecord, files: Mapping[str, bytes]) -> None:
        """Write a cell and its files; a cell that another process wrote already is left out."""
        key = (record.experiment, record.cell)
        if key in self._cells:
            return
        self._cells.add(key)
        self._notice_active_run()
        written = {
            name: path
            for name, content in files.items()
            if (path := self._artifact(f"cells/{record.experiment}/{_folder(record.cell)}/{name}", content)) is not None
        }
        self._append(replace(record, artifacts=written))

    def artifact(self, name: str, data: bytes) -> None:
        """Write a file beside the journal.

        Those in ``flips/<experiment>`` are mirrored with their cell, those in ``accepted`` with the session.
        """
        self._artifact(name, data)

    def test(self, record: TestRecord) -> None:
        """Write how a test of a cell ended."""
        self._append(record)

    def finish(self, status: Literal["FINISHED", "FAILED", "KILLED"]) -> Mirrored | None:
        """End the journal and mirror it; nothing is mirrored when no cell ran."""
        self._append(EndRecord(_milliseconds(time.time()), status))
        if self._journal is not None:
            self._journal.close()
        if self._cells:
            try:
                self.mirrored = _mlflow.mirror(self.folder, self.uri)
            except KeyboardInterrupt:  # a second Ctrl-C: MLflow may wait, the journal is whole
                self.mirrored = Mirrored(0, 0, (), f"interrupted; {_mlflow.later(self.folder)}")
        return self.mirrored

    def _append(self, record: JournalRecord) -> None:
        journal = self._journal
        if journal is not None:
            self._guarded(lambda: journal.append(record))

    def _artifact(self, name: str, content: bytes) -> str | None:
        journal = self._journal
        return None if journal is None else self._guarded(lambda: journal.write_artifact(name, content))

    def _guarded(self, write: Callable[[], T]) -> T | None:
        try:
            return write()
        except TrackingError as error:
            self.trouble = self.trouble or str(error)
            return None

    def _notice_active_run(self) -> None:
        if self._opening.parent_run is None and (run := _mlflow.active_run_id()) is not None:
            self.uri = self._given_uri or _mlflow.active_store() or self.uri
            self._opening = replace(self._opening, parent_run=run, tracking_uri=self.shown_uri)
            self._append(self._opening)


def _folder(cell: str) -> str:
    """A cell's id, cut where a file system would not take it."""
    if len(cell) <= LONGEST_FOLDER:
        return cell
    return f"{cell[:LONGEST_FOLDER]}-{hashlib.blake2b(cell.encode(), digest_size=4).hexdigest()}"


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
