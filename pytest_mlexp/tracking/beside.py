"""The process that mirrors a session to MLflow beside its tests, seen from the session."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import IO

import msgspec

from pytest_mlexp.records import from_dict, to_dict
from pytest_mlexp.tracking.mirrored import Mirrored, Order, Standing, later

PATIENCE = 1.5
LONGEST = 60.0
SILENCE = 10.0
# The same copy of this package as here, and nothing else from where it lies.
_PROGRAM = """
import sys
sys.path.insert(0, {path!r})
import pytest_mlexp
del sys.path[0]
from pytest_mlexp.tracking._mlflow.beside import main
main()
"""


def needs_this_process(uri: str, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a store can be reached from this process only: in a Databricks notebook, which holds the login."""
    in_notebook = uri.startswith("databricks") and "DATABRICKS_RUNTIME_VERSION" in environment
    return in_notebook or not sys.executable


class Ready:
    """The process before it has its order: it imports MLflow meanwhile.

    It has no terminal, is not interrupted by Ctrl-C, and ends when this process does. The address of the store, which
    may hold credentials, goes through a pipe; so do environment variables that are set later.

    Args:
        root: the project's folder, where it works.

    Raises:
        OSError: there is no process to be had.
    """

    def __init__(self, root: Path) -> None:
        self._environment = dict(os.environ)
        self.process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-c", _PROGRAM.format(path=str(Path(__file__).parents[2]))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=root,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )

    def changes(self) -> dict[str, str | None]:
        """What was done to the environment since it was started."""
        gone: dict[str, str | None] = dict.fromkeys(name for name in self._environment if name not in os.environ)
        return gone | {name: value for name, value in os.environ.items() if self._environment.get(name) != value}

    def say(self, line: bytes) -> None:
        """Send a line; one that cannot be sent goes to a process that has ended."""
        assert self.process.stdin is not None  # noqa: S101 - it was asked for
        with suppress(OSError):
            self.process.stdin.write(line + b"\n")
            self.process.stdin.flush()

    def end(self, patience: float = 0.0) -> None:
        """Let it end by itself for so many seconds, then kill it."""
        try:
            self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def close(self) -> None:
        """Close the pipes."""
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None  # noqa: S101 - both were asked for
            with suppress(OSError):
                pipe.close()


class Beside:
    """A process that reads a session's journal while it grows, and writes runs to MLflow.

    It is asked for nothing between its order and the session's end. ``ready`` is the process, where it was started
    ahead.

    **How long it is waited for.** A session's end waits for MLflow as long as the store is healthy, at most
    60 seconds, and costs at most about 1.5 seconds when it is not:

    - What the process does by itself (importing MLflow, making the embedded store) is waited for, unless the store
      has failed it before.
    - A prompt reply, within half a second, costs nothing, however many of them there are. The time of slower ones,
      and of silence, is added up; more than 1.5 seconds of it are not waited for.
    - Of an error that comes at once it is told; after the session's end it is tried three times.

    Whatever is not in MLflow by then is in the journal; ``mlexp sync`` writes it.
    """

    def __init__(self, order: Order, ready: Ready | None = None) -> None:
        self._folder = Path(order.folders[0])
        self._last = Standing()
        self._process = ready if ready is not None else Ready(self._folder.parents[2])
        self._process.say(msgspec.json.encode(to_dict(replace(order, environment=self._process.changes()))))

    def is_alive(self) -> bool:
        """Whether it still runs, and makes durable what it finds in the journal (``tracking.settling``)."""
        return self._process.process.poll() is None

    def finish(self, cells: int) -> Mirrored:
        """Wait for what there is of ``cells``, by the rule above, and end the process."""
        self._process.say(b"end")
        standings: queue.SimpleQueue[Standing | None] = queue.SimpleQueue()
        reader = threading.Thread(target=_read, args=(self._process.process.stdout, standings), daemon=True)
        reader.start()
        try:
            reason = self._wait(standings)
        except KeyboardInterrupt:  # a second Ctrl-C
            reason = "interrupted"
        finally:
            # Done, it closes its store; otherwise it may wait for a reply that does not come.
            self._process.end(1.0 if self._last.done else 0.0)
            reader.join(1.0)
            self._process.close()
        last = self._last
        if not reason and last.done is not None:
            return last.done
        told = f"MLflow holds {last.cells} of {cells} cells: {reason}; {later(self._folder)}"
        return replace(last.done or Mirrored(last.cells, 0, ()), failed=told)

    def _wait(self, standings: queue.SimpleQueue[Standing | None]) -> str | None:
        """Wait by the rule; why not everything was mirrored, None when it was."""
        begun = time.monotonic()
        while True:
            try:
                standing = standings.get(timeout=SILENCE)
            except queue.Empty:
                return f"its process has said nothing for {SILENCE:.0f} seconds"
            if standing is None:
                return self._last.failing or f"its process ended with status {self._process.process.wait()}"
            self._last = standing
            if standing.done is not None:
                return standing.done.failed
            passed = time.monotonic() - begun
            if standing.waited > PATIENCE or (standing.failing and passed > PATIENCE):
                return standing.failing or "the store is slow, locked or does not answer"
            if passed > LONGEST:
                return f"there is more to write than {LONGEST:.0f} seconds are enough for"


def _read(pipe: IO[bytes], standings: queue.SimpleQueue[Standing | None]) -> None:
    for line in pipe:
        with suppress(msgspec.MsgspecError):
            standings.put(from_dict(msgspec.json.decode(line), Standing))
    standings.put(None)
