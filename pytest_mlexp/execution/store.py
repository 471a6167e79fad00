"""Where outcomes wait for the evaluators: computed once, shared by all who ask."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_mlexp.execution.outcome import Outcome

if TYPE_CHECKING:
    from filelock import BaseFileLock


class OutcomeStore:
    """Outcomes by trial id, in memory and, where several processes share the work, in a folder.

    In a shared folder the first process that asks computes while the others wait for it, so that a trial
    is fitted once whatever the way in which tests are dealt out.
    """

    def __init__(self, shared: Path | None = None) -> None:
        self._kept: dict[str, Outcome] = {}
        self._shared = shared

    def get(self, trial_id: str, compute: Callable[[], Outcome]) -> Outcome:
        """Return the outcome of a trial, computing it when nobody has."""
        __tracebackhide__ = True
        outcome = self._kept.get(trial_id)
        if outcome is None:
            outcome = compute() if self._shared is None else self._agreed(self._shared, trial_id, compute)
            self._kept[trial_id] = outcome
        return outcome

    def _agreed(self, folder: Path, trial_id: str, compute: Callable[[], Outcome]) -> Outcome:
        import cloudpickle

        __tracebackhide__ = True
        path = folder / hashlib.blake2b(trial_id.encode(), digest_size=16).hexdigest()
        with _lock(path):
            if path.exists():
                stored: Outcome = cloudpickle.loads(path.read_bytes())
                return stored
            outcome = compute()
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_bytes(_portable(outcome))
            draft.replace(path)
            return outcome


def _portable(outcome: Outcome) -> bytes:
    """The outcome as bytes; without its model where that cannot be pickled, which only evaluators of it need."""
    import cloudpickle

    try:
        data: bytes = cloudpickle.dumps(outcome)
    except Exception as error:  # noqa: BLE001 - an object's own code decides what pickling does
        data = cloudpickle.dumps(replace(outcome, model=None, model_lost=f"{type(error).__qualname__}: {error}"))
    return data


def _lock(path: Path) -> BaseFileLock:
    from filelock import FileLock

    return FileLock(path.with_suffix(".lock"))
