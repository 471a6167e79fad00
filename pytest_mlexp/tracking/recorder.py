"""Recorder: the one writer of a session's journal, and of its mirror in MLflow."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.records import CellRecord, ContinuedRecord, EndRecord, SessionRecord, TestRecord
from pytest_mlexp.tracking import _mlflow
from pytest_mlexp.tracking.beside import Beside, Ready, needs_this_process
from pytest_mlexp.tracking.embedded import default_uri
from pytest_mlexp.tracking.environment import Environment
from pytest_mlexp.tracking.journal import STATE_FOLDER, Journal, JournalContents, read
from pytest_mlexp.tracking.lines import JournalRecord
from pytest_mlexp.tracking.mirrored import Mirrored, Order, later
from pytest_mlexp.tracking.orphans import Orphan, end, is_same, orphans
from pytest_mlexp.tracking.owner import Owner, own
from pytest_mlexp.tracking.results import result_digest
from pytest_mlexp.tracking.secrets import redact_uri

LONGEST_FOLDER = 150
T = TypeVar("T")


class Recorder:
    """Writes each record to the journal when it comes; a process beside the tests mirrors the journal to MLflow.

    A journal that cannot be written, on a full disk for instance, stops nobody: see ``trouble``.

    Args:
        root: the project's folder; the journal is made beneath it.
        tracking_uri: the MLflow store; None is that of an active MLflow run, else the embedded one.
        environment: what the session runs on, and the command that started it.
        started: when, in seconds since the epoch.
        scope: what is run, where the command does not say it.
        experiment_folder: where experiments stand in a store that names them by paths.
        ready: the process that will mirror, as ``ahead`` started it.

    Attributes:
        session: the id of the session. Where one was killed that was started alike, it is that one, and goes on.
        mirrored: what reached MLflow; None before ``finish``, and when no cell ran.
        trouble: why the journal is not complete; None when it is.
    """

    def __init__(
        self,
        root: Path,
        *,
        tracking_uri: str | None,
        environment: Environment,
        started: float,
        scope: str = "",
        experiment_folder: str | None = None,
        ready: Ready | None = None,
    ) -> None:
        self._given_uri = tracking_uri
        self.uri = tracking_uri or _mlflow.active_store() or default_uri(root)
        self.mirrored: Mirrored | None = None
        self.trouble: str | None = None
        self._opening = SessionRecord(
            session=f"{datetime.fromtimestamp(started, UTC):%Y%m%d-%H%M%S}-{uuid.uuid4().hex[:6]}",
            started=_milliseconds(started),
            command=environment.command,
            tracking_uri=redact_uri(self.uri),
            parent_run=_mlflow.active_run_id(),
            environment=msgspec.to_builtins(environment),
            scope=scope,
            experiment_folder=experiment_folder,
        )
        self._cells: dict[tuple[str, str], str] = {}
        self._known: dict[tuple[str, str], str] = {}
        self._beside: Beside | None = None
        self._ready = ready
        sessions = root / STATE_FOLDER / "sessions"
        self._ended = self._adopt(sessions)
        self.session = self._opening.session
        self.folder = sessions / self.session
        goes_on = self._owner is not None
        self._journal = self._guarded(self._open)
        self._is_open = (
            self._append(ContinuedRecord(_milliseconds(time.time())) if goes_on else self._opening) or goes_on
        )

    def _adopt(self, sessions: Path) -> list[Orphan]:
        """Go on with a session that was killed, where it was started alike; end the others."""
        ended: list[Orphan] = []
        self._owner: Owner | None = None
        for orphan in orphans(sessions):
            before = orphan.journal.session
            if self._owner is None and before is not None and is_same(before, self._opening):
                self._opening, self._owner = before, orphan.owner
                self._known = {(c.experiment, c.cell): result_digest(c) for c in orphan.journal.cells}
            else:
                self._guarded(partial(end, orphan))
                ended.append(orphan)
        return ended

    def _open(self) -> Journal:
        journal = Journal(self.folder)
        self._owner = self._owner or own(self.folder)
        return journal

    @property
    def shown_uri(self) -> str:
        """The store's address without credentials."""
        return redact_uri(self.uri)

    def cell(self, record: CellRecord, files: Mapping[str, bytes]) -> None:
        """Write a cell and its files.

        Left out is a cell that another process of this session wrote already, and one whose result stands in the
        journal from before the session was killed.
        """
        key = (record.experiment, record.cell)
        if key in self._cells:
            return
        self._cells[key] = result_digest(record)
        self._notice_active_run()
        self._is_open = self._is_open or self._append(self._opening)  # where the disk was full at first
        self._start_mirroring()
        if self._known.get(key) != self._cells[key]:
            can_wait = record.found and self._beside is not None and self._beside.is_alive()
            place = f"cells/{record.experiment}/{_folder(record.cell)}"
            written = {
                name: path
                for name, content in files.items()
                if (path := self._artifact(f"{place}/{name}", content, can_wait=can_wait)) is not None
            }
            self._append(replace(record, artifacts=written), can_wait=can_wait)

    def artifact(self, name: str, data: bytes) -> None:
        """Write a file beside the journal.

        Those in ``flips/<experiment>`` are mirrored with their cell, those in ``accepted`` and the report with the
        session.
        """
        self._artifact(name, data)

    def test(self, record: TestRecord) -> None:
        """Write how a test of a cell ended."""
        self._append(record, can_wait=True)

    def contents(self, end: EndRecord) -> JournalContents | None:
        """What the journal holds, with an end that is yet to be written; None where it cannot be read."""
        return self._guarded(lambda: replace(read(self.folder), end=end))

    def finish(self, end: EndRecord) -> Mirrored | None:
        """End the journal, and wait for MLflow as ``Beside`` says; nothing is mirrored when no cell ran."""
        self._append(end)
        if self._journal is not None:
            self._guarded(self._journal.close)
        if self._cells:
            self.mirrored = self._finish_mirroring()
        if self._owner is not None:
            self._owner.leave()
        return self.mirrored

    def _start_mirroring(self) -> None:
        if self._beside is not None or needs_this_process(self.uri) or self._journal is None:
            return
        folders = [self.folder, *(orphan.folder for orphan in self._ended)]
        uris = [self.uri, *(self._uri_of(orphan) for orphan in self._ended)]
        try:
            self._beside = Beside(Order(tuple(map(str, folders)), tuple(uris), os.getpid()), self._ready)
        except OSError:  # no process to be had; it is mirrored when the session has ended
            self._beside = None

    def _finish_mirroring(self) -> Mirrored:
        if self._journal is None:
            return Mirrored(0, 0, (), f"there is no journal to mirror: {self.trouble}")
        if self._beside is not None:
            return self._beside.finish(len({*self._known, *self._cells}))
        try:
            return _mlflow.mirror(self.folder, self.uri)
        except KeyboardInterrupt:  # a second Ctrl-C: MLflow may wait, the journal is whole
            return Mirrored(0, 0, (), f"interrupted; {later(self.folder)}")

    def _uri_of(self, orphan: Orphan) -> str:
        """Where a session that was ended belongs; its own address was kept without credentials."""
        before = orphan.journal.session
        recorded = before.tracking_uri if before is not None else None
        return self.uri if recorded in {None, self.shown_uri} else str(recorded)

    def _append(self, record: JournalRecord, *, can_wait: bool = False) -> bool:
        """Write a record to the journal; whether it stands there."""
        journal = self._journal
        if journal is None:
            return False

        def write() -> bool:
            journal.append(record, can_wait=can_wait)
            return True

        return self._guarded(write) or False

    def _artifact(self, name: str, content: bytes, *, can_wait: bool = False) -> str | None:
        journal = self._journal
        if journal is None:
            return None
        return self._guarded(lambda: journal.write_artifact(name, content, can_wait=can_wait))

    def _guarded(self, write: Callable[[], T]) -> T | None:
        try:
            return write()
        except TrackingError as error:
            self.trouble = self.trouble or str(error)
            return None

    def _notice_active_run(self) -> None:
        if self._beside is None and self._opening.parent_run is None and (run := _mlflow.active_run_id()) is not None:
            self.uri = self._given_uri or _mlflow.active_store() or self.uri
            self._opening = replace(self._opening, parent_run=run, tracking_uri=self.shown_uri)
            self._append(self._opening)


def ahead(root: Path, uri: str | None) -> Ready | None:
    """Start the process that will mirror before there is a record, so that its imports cost the session's end nothing.

    None where this process will mirror, or where there is no process to be had.
    """
    if needs_this_process(uri or ""):
        return None
    try:
        return Ready(root)
    except OSError:
        return None


def _folder(cell: str) -> str:
    """A cell's id, cut where a file system would not take it."""
    if len(cell) <= LONGEST_FOLDER:
        return cell
    return f"{cell[:LONGEST_FOLDER]}-{hashlib.blake2b(cell.encode(), digest_size=4).hexdigest()}"


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
