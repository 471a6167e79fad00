"""The embedded store: one SQLite file under the project, made without a server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pytest_mlexp.tracking.journal import STATE_FOLDER

DATABASE = "mlflow.db"


def default_uri(root: Path) -> str:
    """The address of the embedded store under ``root``; ``mirror`` builds that store on first use."""
    return f"sqlite:///{(root.resolve() / STATE_FOLDER / DATABASE).as_posix()}"


def project_folder(start: Path) -> Path:
    """The nearest folder from ``start`` upwards that has a state folder, else a project's file or git's folder.

    Without any it is ``start`` itself.
    """
    above = [start, *start.parents]
    for names in ((STATE_FOLDER,), ("pyproject.toml", "pytest.ini", "setup.cfg", ".git")):
        for folder in above:
            if any((folder / name).exists() for name in names):
                return folder
    return start


def own_database(uri: str) -> Path | None:
    """The database file when the address is that of an embedded store of ours."""
    path = Path(uri.removeprefix("sqlite:///"))
    return path if uri.startswith("sqlite:///") and path.parts[-2:] == (STATE_FOLDER, DATABASE) else None


def artifacts_of(database: Path) -> Path:
    """The folder that holds the artifacts of a store."""
    return database.parent / "artifacts"


@contextmanager
def on_connect(pragma: str) -> Iterator[None]:
    """Run a pragma on every SQLite connection that SQLAlchemy opens meanwhile."""
    from sqlalchemy import Engine, event

    def apply(connection: object, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute(pragma)

    event.listen(Engine, "connect", apply)
    try:
        yield
    finally:
        event.remove(Engine, "connect", apply)


@contextmanager
def closed_connections() -> Iterator[None]:
    """Close every SQLite connection that SQLAlchemy opens meanwhile, which leaves the database a single file."""
    from sqlalchemy import Engine, event

    opened: list[sqlite3.Connection] = []

    def note(connection: object, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            opened.append(connection)

    event.listen(Engine, "connect", note)
    try:
        yield
    finally:
        event.remove(Engine, "connect", note)
        for connection in opened:
            with suppress(sqlite3.Error):
                connection.close()
