"""Quiet surroundings for a library that talks a lot: settings and loggers, put back afterwards."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def settings_where_unset(settings: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables that the user has not set, and remove them again."""
    ours = {name: value for name, value in settings.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


@contextmanager
def muted(*names: str) -> Iterator[None]:
    """Let these loggers say nothing, and give them their levels back."""
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
