"""A look at a store before MLflow is imported for it: is anybody there?"""

from __future__ import annotations

import sqlite3
import urllib.error
import urllib.request
from contextlib import closing, suppress
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

TIMEOUT = 5.0


def probe(uri: str) -> str | None:
    """Say what is wrong with a store as far as a glance tells; None when it may work.

    Raises:
        OSError: nobody is there, or does not answer.
    """
    scheme = urlsplit(uri).scheme
    if scheme in {"http", "https"}:
        return _ask(uri)
    if scheme == "sqlite":
        _lock(Path(uri.removeprefix("sqlite:///")))
    return None


def _ask(uri: str) -> str | None:
    """Any answer but one of a broken server will do: what is asked for may need a login, or not exist."""
    parts = urlsplit(uri)
    address = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/") + "/health", "", ""))
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT):  # noqa: S310 - http or https
            return None
    except urllib.error.HTTPError as error:
        error.close()
        return f"answers {error.code}" if error.code >= 500 else None
    except HTTPException as error:
        raise ConnectionError(f"does not speak HTTP: {error!r}") from None
    except urllib.error.URLError as error:
        if isinstance(error.reason, OSError) and type(error.reason).__module__ != "ssl":
            raise ConnectionError(f"cannot be reached: {error.reason}") from None
        return None  # MLflow has settings of its own for certificates


def _lock(database: Path) -> None:
    """Take the write lock of a database and give it back; one that is not made yet has none."""
    if not database.exists():
        return
    with suppress(sqlite3.DatabaseError), closing(sqlite3.connect(database, timeout=TIMEOUT)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
        except sqlite3.OperationalError as error:
            raise ConnectionError(str(error)) from None
