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


class Beside:
    """A process that reads a session's journal while it grows, and writes runs to MLflow.

    It is asked for nothing before the session ends, has no terminal, and is not interrupted by Ctrl-C. It ends
    when this process does. The address of the store, which may hold credentials, goes through a pipe.

    **How long it is waited for.** A session's end waits for MLflow as long as the store is healthy, at most
    60 seconds, and costs at most about 1.5 seconds when it is not:

    - What the process does by itself (importing MLflow, making the embedded store) is waited for, unless the store
      has failed it before.
    - A prompt reply, within half a second, costs nothing, however many of them there are. The time of slower ones,
      and of silence, is added up; more than 1.5 seconds of it are not waited for.
    - Of an error that comes at once it is told; after the session's end it is tried three times.

    Whatever is not in MLflow by then is in the journal; ``mlexp sync`` writes it.
    """

    def __init__(self, order: Order) -> None:
        self._folder = Path(order.folders[0])
        self._last = Standing()
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", "-c", _PROGRAM.format(path=str(Path(__file__).parents[2]))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder.parents[2],
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        self._say(msgspec.json.encode(to_dict(order)))

    def finish(self, cells: int) -> Mirrored:
        """Wait for what there is of ``cells``, by the rule above, and end the process."""
        self._say(b"end")
        standings: queue.SimpleQueue[Standing | None] = queue.SimpleQueue()
        reader = threading.Thread(target=_read, args=(self._process.stdout, standings), daemon=True)
        reader.start()
        try:
            reason = self._wait(standings)
        except KeyboardInterrupt:  # a second Ctrl-C
            reason = "interrupted"
        finally:
            self._end()
            reader.join(1.0)
            self._close()
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
                return self._last.failing or f"its process ended with status {self._process.wait()}"
            self._last = standing
            if standing.done is not None:
                return standing.done.failed
            passed = time.monotonic() - begun
            if standing.waited > PATIENCE or (standing.failing and passed > PATIENCE):
                return standing.failing or "the store is slow, locked or does not answer"
            if passed > LONGEST:
                return f"there is more to write than {LONGEST:.0f} seconds are enough for"

    def _say(self, line: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 - it was asked for
        with suppress(OSError):  # it has ended
            self._process.stdin.write(line + b"\n")
            self._process.stdin.flush()

    def _end(self) -> None:
        """Let it close its store when it is done; otherwise it may wait for a reply that does not come."""
        try:
            self._process.wait(1.0 if self._last.done else 0.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None  # noqa: S101 - both were asked for
            with suppress(OSError):
                pipe.close()


def _read(pipe: IO[bytes], standings: queue.SimpleQueue[Standing | None]) -> None:
    for line in pipe:
        with suppress(msgspec.MsgspecError):
            standings.put(from_dict(msgspec.json.decode(line), Standing))
    standings.put(None)
