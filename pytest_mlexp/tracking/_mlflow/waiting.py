"""Calls of a store, timed: how long it keeps us waiting, and when to stop calling it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PROMPT = 0.5
BYTES_A_SECOND = 1e6


class Stopped(BaseException):
    """Nobody waits any more for what the store would be asked next."""


class Waiting:
    """Adds up the seconds for which a store was slow; the time that this process computes does not count.

    Args:
        is_stopped: asked before each call; the call is not made when it is.

    Attributes:
        answers: how many calls were answered.
    """

    def __init__(self, is_stopped: Callable[[], bool] = lambda: False) -> None:
        self._is_stopped = is_stopped
        self._slow = 0.0
        self._begun: tuple[float, float, float] | None = None
        self.answers = 0

    @contextmanager
    def call(self, size: int = 0) -> Iterator[None]:
        """Around one call that sends ``size`` bytes.

        Raises:
            Stopped: nobody waits for it.
        """
        if self._is_stopped():
            raise Stopped
        self._begun = (time.monotonic(), time.process_time(), PROMPT + size / BYTES_A_SECOND)
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
        wall, cpu, prompt = begun
        waited = time.monotonic() - wall - (time.process_time() - cpu)
        return waited if waited > prompt else 0.0


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
