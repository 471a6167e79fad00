"""Where outcomes wait for the evaluators: computed once, shared by all who ask, kept for the next session."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_mlexp.execution.entries import Header
from pytest_mlexp.execution.kept import KeptStore, place_of
from pytest_mlexp.execution.outcome import Outcome
from pytest_mlexp.provenance.files.states import contents
from pytest_mlexp.provenance.provenance import Provenance

OTHER_MACHINE = "timings of another machine"


@dataclass(frozen=True)
class Sought:
    """What is asked of an outcome.

    Attributes:
        name: the trial's id; ``folder``: its experiment's name.
        provenance: None where it could not be made out, so that nothing is reused.
        wanted: for each request of an evaluator, the methods that can answer it, preferred first.
        model: whether the fitted model is wanted; ``timings``: whether those of this machine are.
    """

    name: str
    folder: str = ""
    provenance: Provenance | None = None
    wanted: Iterable[tuple[str, ...]] = ()
    model: bool = False
    timings: bool = False

    def refuse(self, header: Header, machine: str) -> str | None:
        """Why a kept outcome will not do; None when it will."""
        for methods in self.wanted:
            method = next((method for method in methods if method in header.offers), None)
            if method is not None and method not in header.kept:
                return f"asks for {method}, which was not kept"
        if self.model and not header.has_model:
            return "asks for the model, which was not kept"
        return OTHER_MACHINE if self.timings and header.machine != machine else None


@dataclass(frozen=True)
class Got:
    """An outcome, and where it came from.

    Attributes:
        key: of its provenance; empty where nothing is kept.
        content: digest of the outcome as it is kept; empty where it is not.
        reused: whether another session computed it; ``why``: the reason for that, or for running it.
        elsewhere: whether that was on another machine, so that its timings are not of here.
        notes: what a reader of the results should know.
    """

    outcome: Outcome
    key: str = ""
    content: str = ""
    reused: bool = False
    why: str = ""
    elsewhere: bool = False
    notes: tuple[str, ...] = ()


class OutcomeStore:
    """Outcomes by trial, in memory, in a folder that several processes share, and in one that outlives them.

    In a shared folder the first process that asks computes while the others wait for it, so that a trial
    is fitted once whatever the way in which tests are dealt out.

    Args:
        shared: a folder for the processes of one session.
        kept: what earlier sessions computed, and later ones may use.
    """

    def __init__(self, shared: Path | None = None, *, kept: KeptStore | None = None) -> None:
        self._memory: dict[str, Got] = {}
        self._broken: dict[str, tuple[str, tuple[str, ...]]] = {}
        self._shared = shared
        self.kept = kept

    def get(self, sought: Sought | str, compute: Callable[[], Outcome]) -> Got:
        """Return the outcome of a trial, computing it when nobody has."""
        __tracebackhide__ = True
        sought = Sought(sought) if isinstance(sought, str) else sought
        got = self._memory.get(sought.name)
        if got is None:
            with self._alone(sought):
                got = self._of_earlier(sought) or self._computed(sought, compute)
            self._memory[sought.name] = got
        return got

    def anew(self, sought: Sought, compute: Callable[[], Outcome]) -> Got:
        """Compute the outcome of a trial whatever there is of it, and keep it for later sessions.

        Those who ask in this session go on with what they all have.
        """
        __tracebackhide__ = True
        with self._alone(sought):
            return self._keep(sought, Got(compute(), why="timed anew"))[0]

    def kept_outcome(self, sought: Sought) -> Outcome | None:
        """The outcome of a trial where it can be had without computing it; asked for again it is not read again."""
        got = self._memory.get(sought.name)
        if got is None and self.kept is not None and sought.provenance is not None:
            got, why, notes = self._kept(self.kept, sought)
            if got is not None:
                self._memory[sought.name] = got
            elif notes:
                self._broken[sought.name] = why, notes
        return None if got is None else got.outcome

    def _alone(self, sought: Sought) -> AbstractContextManager[Any]:
        if self.kept is not None and sought.provenance is not None:
            return self.kept.alone(place_of(sought.folder, sought.name, sought.provenance.key))
        if self._shared is None:
            return nullcontext()
        from filelock import FileLock

        return FileLock(self._shared / f"{_hashed(sought.name)}.lock")

    def _of_earlier(self, sought: Sought) -> Got | None:
        """What another process of this session, or another session, computed."""
        if self._shared is not None and (path := self._shared / _hashed(sought.name)).exists():
            import cloudpickle

            stored: Got = cloudpickle.loads(path.read_bytes())
            return stored
        return None

    def _computed(self, sought: Sought, compute: Callable[[], Outcome]) -> Got:
        __tracebackhide__ = True
        why: str = ""
        notes: tuple[str, ...] = ()
        if self.kept is not None and sought.provenance is not None:
            found, why, notes = self._kept(self.kept, sought)
            if found is not None:
                return found
            why, notes = self._broken.pop(sought.name, (why, notes))
        got, is_whole = self._keep(sought, Got(compute(), why=why, notes=notes))
        if self._shared is not None and not is_whole:
            path = self._shared / _hashed(sought.name)
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_bytes(_portable(got))
            draft.replace(path)
        return got

    def _kept(self, kept: KeptStore, sought: Sought) -> tuple[Got | None, str, tuple[str, ...]]:
        assert sought.provenance is not None  # noqa: S101 - the caller asked
        key = sought.provenance.key
        place = place_of(sought.folder, sought.name, key)
        found = kept.find(place, lambda header: sought.refuse(header, kept.machine))
        if found.header is not None:
            own = found.header.session == kept.session
            why = found.header.why if own else "unchanged"
            elsewhere = found.header.machine != kept.machine
            return Got(found.content, key, found.header.payload, not own, why, elsewhere), "", ()
        if found.broken is not None:
            return None, found.why, (f"the kept outcome of {sought.name} was broken ({found.broken}): run again",)
        why = kept.why_not(sought.folder, sought.name, sought.provenance) if found.why == "new" else found.why
        return None, why, ()

    def _keep(self, sought: Sought, got: Got) -> tuple[Got, bool]:
        """Write an outcome down, unless it failed, or what it was made of may have changed meanwhile.

        Returns:
            the outcome, and whether all of it was written.
        """
        outcome, provenance, kept = got.outcome, sought.provenance, self.kept
        if kept is None or provenance is None:
            return got, False
        if outcome.failure is not None or outcome.refused or not provenance.block.is_as_read():
            return replace(got, key=provenance.key), False
        kept.keep_parts(provenance)
        header = Header(
            key=provenance.key,
            name=sought.name,
            session="",
            machine="",
            created=0.0,
            block=provenance.block.digest,
            own=dict(provenance.own),
            offers=tuple(outcome.offers),
            kept=tuple(outcome.responses),
            has_model=outcome.model is not None,
            why=got.why,
            files=contents(outcome.files, kept.project),
        )
        place = place_of(sought.folder, sought.name, provenance.key)
        written = whole = kept.keep(place, header, outcome)
        if written is None and outcome.model is not None:
            written = kept.keep(place, replace(header, has_model=False), replace(outcome, model=None))
        content = written.payload if written is not None else ""
        return replace(got, key=provenance.key, content=content), whole is not None


def _hashed(name: str) -> str:
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()


def _portable(got: Got) -> bytes:
    """The outcome as bytes; without its model where that cannot be pickled, which only evaluators of it need."""
    import cloudpickle

    try:
        data: bytes = cloudpickle.dumps(got)
    except Exception as error:  # noqa: BLE001 - an object's own code decides what pickling does
        lost = replace(got.outcome, model=None, model_lost=f"{type(error).__qualname__}: {error}")
        data = cloudpickle.dumps(replace(got, outcome=lost))
    return data
