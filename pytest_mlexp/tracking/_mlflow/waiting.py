"""Calls of a store, timed: how long it keeps us waiting, and when to stop calling it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROMPT = 0.5
BYTES_A_SECOND = 1e6


class Stopped(BaseException):
    """Nobody waits any more for what the store would be asked next."""


class Waiting:
    """Adds up the seconds for which a store was slow; the time that this process computes, or would, does not count.

    Args:
        is_stopped: asked before each call; the call is not made when it is.

    Attributes:
        answers: how many calls were answered.
    """

    def __init__(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        self._is_stopped = is_stopped
        self._slow = 0.0
        self._begun: _Call | None = None
        self.answers = 0

    @contextmanager
    def call(self, size: int = 0) -> Iterator[None]:
        """Around one call that sends ``size`` bytes.

        Raises:
            Stopped: nobody waits for it.
        """
        if self._is_stopped():
            raise Stopped
        thread = threading.get_native_id()
        self._begun = _Call(time.monotonic(), thread, _busy(thread), PROMPT + size / BYTES_A_SECOND)
        try:
            yield
        finally:
            self._slow += self._current()
            self._begun = None

    def count_from_now(self) -> None:
        """Forget the slow calls that are over; one that is under way counts whole."""
        self._slow = 0.0

    @property
    def seconds(self) -> float:
        """For how long the store was slow, the call under way included."""
        return self._slow + self._current()

    def _current(self) -> float:
        begun = self._begun
        if begun is None:
            return 0.0
        waited = time.monotonic() - begun.at - (_busy(begun.thread) - begun.busy)
        return waited if waited > begun.prompt else 0.0


@dataclass(frozen=True)
class _Call:
    at: float
    thread: int
    busy: float
    prompt: float


def _busy(thread: int) -> float:
    """For how long a thread has computed or, where Linux tells it, had to wait for a core."""
    try:
        computed, queued, _ = Path(f"/proc/self/task/{thread}/schedstat").read_text(encoding="ascii").split()
    except (OSError, ValueError):
        return time.process_time()
    return (int(computed) + int(queued)) / 1e9 or time.process_time()


class Watched:
    """An object whose methods are timed calls."""

    def __init__(self, wrapped: Any, waiting: Waiting) -> None:
        self._wrapped = wrapped
        self._waiting = waiting

    def __getattr__(self, name: str) -> Any:
        """The method, timed."""
        method = getattr(self._wrapped, name)

        def timed(*arguments: Any, **options: Any) -> Any:
            with self._waiting.call():
                answer = method(*arguments, **options)
            self._waiting.answers += 1
            return answer

        return timed
