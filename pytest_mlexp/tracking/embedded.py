"""The embedded store: one SQLite file under the project, made without a server."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
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
    with _each_connection(lambda connection: connection.execute(pragma)):
        yield


@contextmanager
def closed_connections() -> Iterator[None]:
    """Close every SQLite connection that SQLAlchemy opens meanwhile, which leaves the database a single file."""
    opened: list[sqlite3.Connection] = []
    try:
        with _each_connection(opened.append):
            yield
    finally:
        for connection in opened:
            with suppress(sqlite3.Error):
                connection.close()


@contextmanager
def _each_connection(act: Callable[[sqlite3.Connection], object]) -> Iterator[None]:
    from sqlalchemy import Engine, event

    def listen(connection: object, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            act(connection)

    event.listen(Engine, "connect", listen)
    try:
        yield
    finally:
        event.remove(Engine, "connect", listen)
