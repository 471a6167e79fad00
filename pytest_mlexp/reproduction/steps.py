"""The whole way: find -> show -> make the code and the interpreter -> run again -> compare."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_mlexp.reproduction.comparing import Compared, compare
from pytest_mlexp.reproduction.conclusion import conclusion, differences, reasons, table
from pytest_mlexp.reproduction.interpreter import make_environment
from pytest_mlexp.reproduction.logged import Logged
from pytest_mlexp.reproduction.overview import overview
from pytest_mlexp.reproduction.running import Again, Setting, run_again, script_of
from pytest_mlexp.reproduction.worktree import worktree
from pytest_mlexp.tracking.journal import STATE_FOLDER
from pytest_mlexp.tracking.place import checkout

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wishes:
    """How a run is to be had again.

    Attributes:
        here: in this working copy, with this interpreter.
        into: the folder for worktree, environment, log and store; None is one under the state folder.
        python: an interpreter to use in the place of a new environment.
        link: what git does not track and the worktree needs, relative to the checkout.
        indexes: further package indexes.
    """

    here: bool = False
    into: Path | None = None
    python: str | None = None
    link: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()


def reproduce(logged: Logged, root: Path, wishes: Wishes, say: Say) -> Compared:
    """Run a logged run again, say what is found on the way, and compare.

    Raises:
        SettingsError: it cannot be done as asked.
    """
    say(overview(logged))
    if not logged.nodes:
        script_of(logged)  # now, before anything is made
    folder = wishes.into or root / STATE_FOLDER / "reproduce" / re.sub(r"[^\w.=-]+", "_", logged.name)
    top = checkout(root)
    if wishes.here:
        again = _run(logged, Setting(top, sys.executable, folder.resolve(), isolated=False, original=top), say)
    else:
        again = _elsewhere(logged, top, folder.resolve(), wishes, say)
    compared = _compared(logged, again)
    say(f"\nnot as recorded:\n{differences(compared)}" if compared.causes else "\neverything is as recorded")
    say("\n".join(["", table(compared), "", *filter(None, [reasons(compared)]), conclusion(compared)]))
    if logged.damage:
        say(f"what cannot be read was not compared: {logged.damage}")
    return compared


def _elsewhere(logged: Logged, top: Path, folder: Path, wishes: Wishes, say: Say) -> Again:
    code = folder / "code"
    with ExitStack() as undone_on_error:
        notes = undone_on_error.enter_context(worktree(logged, top, code, link=wishes.link))
        _say_each(notes, say)
        say(f"code: {code}")
        python = wishes.python
        if python is None:
            say("making a virtual environment with the recorded packages ...")
            made, notes = make_environment(logged, code, folder / "environment", indexes=wishes.indexes)
            _say_each(notes, say)
            python = str(made)
    return _run(logged, Setting(code, python, folder, isolated=wishes.python is None, original=top), say)


def _run(logged: Logged, setting: Setting, say: Say) -> Again:
    say(f"running {len(logged.cells)} cell(s) again with {setting.python}; log: {setting.log}")
    return run_again(logged, setting)


def _compared(logged: Logged, again: Again) -> Compared:
    session = again.contents.session or logged.session  # without one nothing ran, and nothing is known to differ
    imports = {name for cell in logged.cells for name in cell.imports}
    compared = compare(
        logged.cells, again.contents.cells, (logged.environment, session.environment), imported=distributions(imports)
    )
    if not again.gone:
        return compared
    ids = {node.partition("[")[2].removesuffix("]") for node in again.gone}
    note = "its test is gone: the declaration has no such cell any more"
    told = (replace(f, note=note) if f.status == "missing" and f.cell in ids else f for f in compared.findings)
    return replace(compared, findings=tuple(told))


def distributions(modules: Iterable[str]) -> frozenset[str]:
    """The names of the packages that give these top-level modules, as far as this interpreter knows."""
    from importlib.metadata import packages_distributions

    known = packages_distributions()
    names = {owner for module in modules for owner in known.get(module, (module,))}
    return frozenset(re.sub(r"[-_.]+", "-", name).lower() for name in names)


def _say_each(notes: Iterable[str], say: Say) -> None:
    for note in notes:
        say(f"note: {note}")
