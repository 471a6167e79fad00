"""One session's journal -> its runs, step by step while it grows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from pytest_mlexp.records import CellRecord
from pytest_mlexp.tracking._mlflow.store import LOCK_SECONDS
from pytest_mlexp.tracking._mlflow.waiting import Waiting
from pytest_mlexp.tracking._mlflow.writer import STAGING, Counts, Writer
from pytest_mlexp.tracking.journal import JournalReader
from pytest_mlexp.tracking.limits import limits_of
from pytest_mlexp.tracking.mirror import plan, tests_by_cell, uid_of
from pytest_mlexp.tracking.mirrored import Mirrored
from pytest_mlexp.tracking.settling import Settling

LOCK = "mirror.lock"
Key = tuple[str, str]


class SessionMirror:
    """Keeps the runs of one session in step with its journal.

    Each Experiment gets one MLflow experiment with one parent run for the session (the run that was
    already active, where the session had one) and one child run for each cell. Runs are found again by
    their tag ``mlexp.uid``; one that was left unfinished is completed, one that tells an earlier result of its
    cell is replaced. ``settling`` makes durable what is mirrored while the session goes on.
    """

    def __init__(
        self, folder: Path, uri: str, waiting: Waiting | None = None, *, settling: Settling | None = None
    ) -> None:
        self._folder = folder
        self._settling = settling
        self._uri = uri
        self._waiting = waiting or Waiting()
        self._reader = JournalReader(folder)
        self._written: dict[Key, tuple[CellRecord, int]] = {}
        self._writer: Writer | None = None
        self._ended = False
        self.counts = Counts()

    @property
    def cells(self) -> int:
        """How many cells the store holds."""
        return len(self._written)

    @property
    def is_damaged(self) -> bool:
        """Whether lines of the journal were found that are not what was written."""
        return self._reader.damage is not None

    def step(self, *, final: bool) -> None:
        """Write what was added to the journal; with ``final`` also the end of the session.

        Before that a cell waits for the outcome of its first test, which belongs to its run.

        Raises:
            Exception: whatever MLflow, its store or the network raises; the next step begins with a look-up.
        """
        journal = self._reader.contents(growing=not final)
        outcomes = {key: len(tests) for key, tests in tests_by_cell(journal).items()}
        cells = [c for c in journal.cells if self._is_due(c, outcomes, final=final)]
        session = journal.session
        if self._ended or not (final or (cells and session)):
            return
        plans = plan(journal, self._folder, limits_of(self._uri), cells)
        if session is None or not plans:
            return
        due = {uid_of(session.session, cell): cell for cell in cells}
        if self._settling is not None and not final:
            self._settling.settle()
        with self._locked():
            writer = self._writer or Writer(self._uri, session, self._folder, self.counts, self._waiting)
            self._writer = None  # after an error it is not known what the store holds
            writer.keeps = self.is_damaged and self._settling is None  # what goes on writes its runs step by step
            for uid in writer.write(plans, final=final):
                key = due[uid].experiment, due[uid].cell
                self._written[key] = due[uid], outcomes.get(key, 0)
            self._writer = writer
        self._ended = final

    def mirrored(self, failed: str | None = None) -> Mirrored:
        """What the steps did together."""
        counts = self.counts
        names = tuple(dict.fromkeys(counts.experiments))
        notes = tuple(dict.fromkeys(counts.notes))
        written, there = len(counts.written), len(counts.there)
        return Mirrored(written, there, names, failed, counts.parent_missing, notes, self._reader.damage)

    def _is_due(self, cell: CellRecord, outcomes: dict[Key, int], *, final: bool) -> bool:
        key = (cell.experiment, cell.cell)
        tests = outcomes.get(key, 0)
        return self._written.get(key) != (cell, tests) and (final or tests > 0)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(self._folder / LOCK, timeout=LOCK_SECONDS)
        with self._waiting.call():
            lock.acquire()
        try:
            for left in self._folder.glob(f"{STAGING}*"):  # by a process that was killed
                shutil.rmtree(left, ignore_errors=True)
            yield
        finally:
            lock.release()
