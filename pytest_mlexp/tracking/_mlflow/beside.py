"""The program of the process that mirrors a session beside its tests; ``tracking.beside`` starts it.

Whatever the store does, it makes durable what stands in the session's journal. It imports MLflow while it waits for its
order. Its only input is that order, then ``end`` when the session has ended; the end of the input alone is the death of
the session. Its only output are its standings, which nobody reads before the session has ended.
"""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from pytest_mlexp.records import from_dict, to_dict
from pytest_mlexp.tracking._mlflow import reason
from pytest_mlexp.tracking._mlflow.probe import probe
from pytest_mlexp.tracking._mlflow.session import SessionMirror
from pytest_mlexp.tracking._mlflow.store import quiet, quiet_settings
from pytest_mlexp.tracking._mlflow.waiting import Stopped, Waiting
from pytest_mlexp.tracking.embedded import closed_connections
from pytest_mlexp.tracking.journal import FILE_NAME
from pytest_mlexp.tracking.mirrored import Order, Standing
from pytest_mlexp.tracking.settling import Settling

LOOK = 0.1
REPORT = 0.05
GRACE = 2.0
MOST_LOOKS = 5
PAUSES = (0.5, 1.0, 2.0, 4.0)
LAST_PAUSES = (0.1, 0.3)


class Session:
    """The process that we mirror for: whether it has ended its session, and whether it lives."""

    def __init__(self, source: io.RawIOBase) -> None:
        self._source = source
        self.settling: Settling | None = None
        self.has_ended = threading.Event()
        self.is_gone = threading.Event()
        self._news = threading.Event()
        self._parent = os.getppid()
        if os.name == "posix":
            threading.Thread(target=self._watch, daemon=True).start()
        line = source.readline()
        if not line:
            os._exit(0)  # a session without records
        self.order = from_dict(msgspec.json.decode(line), Order)
        self._parent = self.order.parent
        self.settling = settling = Settling(Path(self.order.folders[0]))
        threading.Thread(target=settling.follow, args=(self.has_ended, LOOK), daemon=True).start()
        threading.Thread(target=self._listen, daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Wait for news, at most so long."""
        self._news.wait(seconds)

    def _listen(self) -> None:
        for line in self._source:
            if line.strip() == b"end":
                self.has_ended.set()
                self._news.set()
        self._leave()

    def _watch(self) -> None:
        """A process that it forked may hold its end of the pipe open after its death."""
        while os.getppid() == self._parent:
            time.sleep(1.0)
        self._leave()

    def settle_last(self) -> None:
        """Make durable what a session that was killed left; nobody else would."""
        if self.is_gone.is_set() and self.settling is not None:
            with suppress(OSError):
                self.settling.settle()

    def _leave(self) -> None:
        self.is_gone.set()
        self._news.set()
        self.settle_last()
        time.sleep(GRACE)  # for the call under way
        os._exit(1)


class Mirroring:
    """Mirrors the sessions of an order until the first one has ended, and tries again what failed."""

    def __init__(self, session: Session, imports: threading.Thread) -> None:
        order = session.order
        self._imports = imports
        self._session = session
        self._uri = order.uris[0]
        self._journal = Path(order.folders[0]) / FILE_NAME
        self.waiting = Waiting(session.is_gone.is_set)
        places = zip(order.folders, order.uris, strict=True)
        self._own, *self._others = [
            SessionMirror(Path(folder), uri, self.waiting, settling=None if number else session.settling)
            for number, (folder, uri) in enumerate(places)
        ]
        self._failing: str | None = None
        self._answers = 0
        self._looks = 0
        self._is_over = False

    def standing(self) -> Standing:
        """How it stands now."""
        own = self._own
        failing = self._failing if self._answers == self.waiting.answers else None
        return Standing(self.waiting.seconds, failing, own.cells, own.mirrored(failing) if self._is_over else None)

    def run(self) -> None:
        """Look at the store, and mirror when somebody is there and MLflow is imported."""
        try:
            if self._until_it_works(self._look):
                self._imports.join()
                with quiet(), closed_connections():
                    self._follow()
        except Exception as error:  # noqa: BLE001 - MLflow may not even be imported
            self._fail(error)
        self._is_over = True

    def _follow(self) -> None:
        size = -1
        while not self._session.has_ended.is_set():
            now = self._journal.stat().st_size
            if now == size:
                self._session.wait(LOOK)
            elif not self._until_it_works(self._step):
                return
            size = now
        self._until_it_works(self._last_step)

    def _look(self) -> None:
        """Look whether the store is there; one that answers with errors may be right to, and MLflow will tell."""
        self._looks += 1
        with self.waiting.call():
            wrong = probe(self._uri)
        if wrong is not None:
            self._fail(ConnectionError(wrong))
            if self._looks < MOST_LOOKS:
                raise ConnectionError(wrong)

    def _step(self) -> None:
        self._own.step(final=False)
        self._end_others()

    def _last_step(self) -> None:
        self._own.step(final=True)
        self._end_others()

    def _end_others(self) -> None:
        """Mirror what was killed before, once: a store of theirs that is away must not hold up this session."""
        while self._others:
            other = self._others.pop()
            try:
                other.step(final=True)
            except Exception as error:  # noqa: BLE001 - as above
                why = reason(error, "its store")
                self._own.counts.notes.append(f"a killed session is not mirrored, `mlexp sync` does: {why}")

    def _until_it_works(self, work: Callable[[], None]) -> bool:
        """Do it again and again, but a few times only when the session has ended; False when it never worked."""
        tried = tried_last = 0
        while True:
            has_ended = self._session.has_ended.is_set()
            try:
                work()
            except Exception as error:  # noqa: BLE001 - whatever MLflow, its store or the network raises
                self._fail(error)
            else:
                return True
            if not has_ended:
                self._session.wait(PAUSES[min(tried, len(PAUSES) - 1)])
                tried += 1
            elif tried_last < len(LAST_PAUSES):
                time.sleep(LAST_PAUSES[tried_last])
                tried_last += 1
            else:
                return False

    def _fail(self, error: Exception) -> None:
        self._failing = reason(error, self._uri)
        self._answers = self.waiting.answers


class Reporter:
    """Writes how the mirroring stands, again and again from the end of the session on."""

    def __init__(self, session: Session, mirroring: Mirroring, pipe: int) -> None:
        self._session = session
        self._mirroring = mirroring
        self._pipe = pipe
        self._thread = threading.Thread(target=self._report, daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Wait until the last standing is written."""
        self._thread.join()

    def _report(self) -> None:
        self._session.has_ended.wait()
        self._mirroring.waiting.count_from_now()
        standing = self._mirroring.standing()
        with suppress(OSError):  # nobody listens any more
            while True:
                os.write(self._pipe, msgspec.json.encode(to_dict(standing)) + b"\n")
                if standing.done is not None:
                    return
                time.sleep(REPORT)
                standing = self._mirroring.standing()


def main() -> None:
    """Mirror what is ordered on the standard input."""
    pipe = os.dup(1)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)  # what a library prints is no standing
    for name, setting in quiet_settings().items():
        os.environ.setdefault(name, setting)
    imports = threading.Thread(target=_import_mlflow, daemon=True)
    imports.start()
    session = Session(io.FileIO(0))
    for name, value in session.order.environment.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    mirroring = Mirroring(session, imports)
    reporter = Reporter(session, mirroring, pipe)
    with suppress(Stopped):
        mirroring.run()
        reporter.finish()
    session.settle_last()
    os._exit(0)  # what takes down all that MLflow imported takes longer than writing many a session


def _import_mlflow() -> None:
    """Import what mirroring needs; that it cannot be imported is told by who needs it."""
    with suppress(Exception):
        import mlflow.store.tracking.sqlalchemy_store
        import mlflow.tracking  # noqa: F401
