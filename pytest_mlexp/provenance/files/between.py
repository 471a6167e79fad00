"""Files that the team's code read while no result was made: imports, hooks, fixtures, datasets, other tests.

A model may use what they left: a reader with a cache, an attribute of an object, a constant. Each file is kept with
the code that was on the stack when it was opened; it counts for models that reach something in which that code may
have left what it read.
"""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from pytest_mlexp.provenance.code.definitions import CodeWalk
from pytest_mlexp.provenance.code.locating import Place
from pytest_mlexp.provenance.code.sources import Source, read_source
from pytest_mlexp.provenance.code.syntax import DEFINITION, IMPORT, first_line
from pytest_mlexp.provenance.files.states import State
from pytest_mlexp.provenance.libraries.folders import OWN_FOLDER, is_library
from pytest_mlexp.provenance.session.leaving import left_in

if TYPE_CHECKING:
    from pytest_mlexp.provenance.provenance import BlockProvenance

TOP = "<module>"


@dataclass(frozen=True)
class Step:
    """Code of the team that was running: a definition of a module, or a line of one where that has no name."""

    module: str
    file: str
    name: str
    line: int


Stack = frozenset[Step]
_SOMEBODY = Step("", "", "", 0)


def stack_of(frame: FrameType | None) -> Stack:
    """The team's code that is running; none where a library is being imported, which reads files of its own."""
    found: set[Step] = set()
    if frame is not None and threading.current_thread() is not threading.main_thread():
        found.add(_SOMEBODY)  # who waits for the thread is not on its stack
    while frame is not None:
        code = frame.f_code
        if not (code.co_filename.startswith(("<", OWN_FOLDER)) or is_library(code.co_filename)):
            name = code.co_qualname.partition(".")[0]
            line = frame.f_lineno if _is_nameless(name) else 0
            found.add(Step(str(frame.f_globals.get("__name__", "")), code.co_filename, name, line))
        elif not found - {_SOMEBODY} and code.co_name == TOP and not code.co_filename.startswith("<"):
            return frozenset()
        frame = frame.f_back
    return frozenset(found) if found - {_SOMEBODY} else frozenset()


def _is_nameless(name: str) -> bool:
    return name.startswith("<")  # the module itself, a lambda


class ReadBetween:
    """What was read while no result was made; what was written since the session began is no input of it."""

    def __init__(self, began: int) -> None:
        self._began = began
        self._read: dict[str, tuple[State, set[Stack]]] = {}
        self._written: set[str] = set()
        self._left: dict[Stack, frozenset[str] | None] = {}
        self._walk = CodeWalk()

    def note(self, path: str, state: State, stack: Stack) -> None:
        """Take in a file that was opened by this code; it counts as it was at the first time."""
        if stack and state[0] < self._began:
            self._read.setdefault(path, (state, set()))[1].add(stack)

    def note_writing(self, path: str) -> None:
        """Take in that a file was written, or may have been."""
        self._written.add(path)

    def files(self, block: BlockProvenance) -> dict[str, State]:
        """The files that a block may have something of."""
        read = [(path, *how) for path, how in list(self._read.items()) if path not in self._written]
        return {path: state for path, state, by in read if any(block.may_find(self._left_by(stack)) for stack in [*by])}

    def _left_by(self, stack: Stack) -> frozenset[str] | None:
        if stack not in self._left:
            found = [self._left_by_step(step) for step in stack]
            known = [each for each in found if each is not None]
            self._left[stack] = frozenset[str]().union(*known) if len(known) == len(found) else None
        return self._left[stack]

    def _left_by_step(self, step: Step) -> frozenset[str] | None:
        source = self._walk.enter(step.module)
        if source is None or str(source.path) != step.file:
            if not Path(step.file).is_file():  # typed in, as in a notebook
                return None
            source = read_source(step.file, Place("source", Path(step.file)))
        if not _is_nameless(step.name):
            key = self._walk.resolve(source, step.name, ()) if step.name in source.bindings else None
            return left_in([key], self._walk) if key is not None else frozenset()
        bound = frozenset(self._bound(source, step.line))
        reached = left_in(bound, self._walk)
        return None if reached is None else reached | bound

    def _bound(self, source: Source, line: int) -> Iterator[str]:
        """What a line of a module binds or does; what counts by its value needs no file."""
        for statement in source.body:
            if not first_line(statement) <= line <= (statement.end_lineno or line):
                continue
            names = [name for name, bound in source.bindings.items() if statement in bound]
            for name in names:
                key = self._walk.resolve(source, name, ())
                if key is not None and not self._walk.texts[key].startswith("value "):
                    yield key
            if not isinstance(statement, IMPORT | ast.Assign | ast.AnnAssign | DEFINITION):
                text = self._walk.modules.normalise(statement, source)
                yield self._walk.define(f"{source.name}:<{line}>", text, source)
