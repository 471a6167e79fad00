"""A second Python process, with another hash seed and nothing in memory, in which calls are repeated."""

from __future__ import annotations

import atexit
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import IO, Any

import cloudpickle

_HEADER = struct.Struct("<Q")
_PATIENCE = 60.0


class Elsewhere:
    """A process that is started when it is first needed and ends with this one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call ``function`` there and return what it returns.

        Raises:
            Exception: what it raised there, or that it could not be sent or read.
        """
        process = self._started()
        assert process.stdin is not None  # noqa: S101 - opened with pipes
        assert process.stdout is not None  # noqa: S101 - as above
        payload = cloudpickle.dumps((list(sys.path), cloudpickle.dumps((function, arguments))))
        watchdog = threading.Timer(_PATIENCE, process.kill)
        watchdog.start()
        try:
            _send(process.stdin, payload)
            worked, result = cloudpickle.loads(_receive(process.stdout))
        except (EOFError, OSError) as error:
            self.stop()
            raise RuntimeError(f"the other process ended, or gave no answer for {_PATIENCE:.0f} seconds") from error
        finally:
            watchdog.cancel()
        if not worked:
            raise result
        return result

    def stop(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            here = os.environ.get("PYTHONHASHSEED", "random")
            environment = {**os.environ, "PYTHONHASHSEED": "4242" if here != "4242" else "4243"}
            environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
            self._process = subprocess.Popen(  # noqa: S603 - this very Python
                [sys.executable, "-W", "ignore", "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
            atexit.register(self.stop)
        return self._process


def _send(stream: IO[bytes], payload: bytes) -> None:
    stream.write(_HEADER.pack(len(payload)) + payload)
    stream.flush()


def _receive(stream: Any) -> bytes:
    header = stream.read(_HEADER.size)
    if len(header) < _HEADER.size:
        raise EOFError
    (size,) = _HEADER.unpack(header)
    found: bytes = stream.read(size)
    return found


def _serve() -> None:
    answers, requests = os.fdopen(os.dup(1), "wb"), sys.stdin.buffer
    os.dup2(2, 1)  # what models print must not end up among the answers
    while True:
        try:
            payload = _receive(requests)
        except EOFError:
            return
        try:
            sys.path[:], inner = cloudpickle.loads(payload)
            function, arguments = cloudpickle.loads(inner)
            result: tuple[bool, Any] = True, function(*arguments)
            reply = cloudpickle.dumps(result)
        except Exception as error:  # noqa: BLE001 - it is raised again where it was called from
            reply = cloudpickle.dumps((False, RuntimeError(f"{type(error).__name__}: {error}")))
        _send(answers, reply)


if __name__ == "__main__":
    _serve()
