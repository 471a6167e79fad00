"""What the journal keeps of a session: how it began, and how it ended."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Literal, Self


@dataclass(frozen=True)
class SessionRecord:
    """One run of the flow: what started it, where, and in which environment.

    Attributes:
        command: the command line without its secrets; ``scope`` what else says what was to be run.
        experiment_folder: where its experiments stand in a store that names them by paths.
    """

    session: str
    started: int
    command: tuple[str, ...]
    tracking_uri: str | None = None
    parent_run: str | None = None
    environment: dict[str, Any] = field(default_factory=dict)
    scope: str = ""
    experiment_folder: str | None = None


@dataclass(frozen=True)
class ContinuedRecord:
    """A session that was killed goes on from here, in another process; milliseconds since the epoch."""

    at: int


@dataclass(frozen=True)
class EndRecord:
    """The end of a session; a journal without one was cut off."""

    ended: int
    status: Literal["FINISHED", "FAILED", "KILLED"]

    @classmethod
    def now(cls, status: Literal["FINISHED", "FAILED", "KILLED"]) -> Self:
        """A session that ends at this moment."""
        return cls(int(time.time() * 1000), status)
