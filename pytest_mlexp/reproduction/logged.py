"""A logged session, or one cell of it, wherever it was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.naming import nearest
from pytest_mlexp.records import CellRecord, SessionRecord
from pytest_mlexp.tracking.journal import STATE_FOLDER, JournalContents, read
from pytest_mlexp.tracking.secrets import redact_uri

Fetch = Callable[[str], JournalContents | None]


@dataclass(frozen=True)
class Logged:
    """What is to be had again.

    Attributes:
        name: what it was asked for by; names folders too.
        source: where it was found.
        nodes: the ids of the pytest tests that ran the cells; empty when a script did.
        damage: what of the session cannot be read, so that it may have had further cells; None when all can.
    """

    name: str
    source: str
    session: SessionRecord
    cells: tuple[CellRecord, ...]
    nodes: tuple[str, ...] = ()
    damage: str | None = None

    @property
    def environment(self) -> Mapping[str, Any]:
        """What the session ran on."""
        return self.session.environment

    @property
    def git(self) -> Mapping[str, Any]:
        """What git said of its checkout."""
        found = self.environment.get("git")
        return found if isinstance(found, Mapping) else {}

    @property
    def place(self) -> Mapping[str, Any]:
        """Where in the checkout it ran."""
        found = self.environment.get("place")
        return found if isinstance(found, Mapping) else {}


def find(name: str, root: Path, *, fetch: Fetch, store: str | None) -> Logged:
    """Find a run by name: in the journals under ``root`` first, then in MLflow.

    Args:
        name: a session's id, ``session/cell``, ``session/experiment/cell``, or an MLflow run's id.
        root: the project's folder.
        fetch: brings back a session or a run from MLflow by its id; None when it does not know it.
        store: what is asked, for messages; None where it is off.

    Raises:
        SettingsError: nothing of that name was recorded; the message names the candidates.
    """
    session, _, cell = name.partition("/")
    folder = root / STATE_FOLDER / "sessions" / session
    if session and (folder / "journal.jsonl").is_file():
        return _selected(name, f"the journal {folder}", read(folder), cell)
    found = fetch(session) if session else None
    if found is None:
        here = sorted(path.parent.name for path in folder.parent.glob("*/journal.jsonl"))
        asked = f"in MLflow at {redact_uri(store)}" if store else "in MLflow, which is off"
        raise SettingsError(
            f"no run {name!r}, neither in the journals under {folder.parent} nor {asked} (--tracking-uri=URI asks "
            f"another store); of the sessions here, {nearest(session, here[-10:])}. A run is a session, session/cell, "
            "or the id of an MLflow run; `mlexp reproduce` alone says more of each session"
        )
    return _selected(name, "MLflow", found, cell)


def _selected(name: str, source: str, contents: JournalContents, cell: str) -> Logged:
    if contents.session is None:
        why = contents.damage or "it was cut off before the first cell"
        raise SettingsError(f"{source} has no session record: {why}")
    known = {f"{record.experiment}/{record.cell}": record for record in contents.cells}
    chosen = [record for key, record in known.items() if cell in {"", key, record.cell}]
    if not chosen:
        known_cells = nearest(cell, {record.cell for record in contents.cells})
        lost = f"; {contents.damage}" if contents.damage else ""
        raise SettingsError(f"{source} has no cell {cell!r}: {known_cells}{lost}")
    keys = {(record.experiment, record.cell) for record in chosen}
    tests = [test.node for test in contents.tests if (test.experiment, test.cell) in keys]
    nodes = tuple(dict.fromkeys(node for node in tests if "::" in node))
    return Logged(name, source, contents.session, tuple(chosen), nodes, contents.damage)
