"""One entry of the store as a file: a header that can be read alone, and a payload, both checksummed.

A file is written beside and renamed, so that no reader sees half of it. It is not fsynced: an entry that a power
failure tore is told by its checksum, and computed again.
"""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from pytest_mlexp.provenance.digests import digest

MAGIC = "mlexp-entry-1"


class BrokenEntryError(Exception):
    """An entry is not what was written."""


@dataclass(frozen=True)
class Header:
    """What can be known of an entry without loading it.

    Attributes:
        name: the id of the trial or the cell.
        session: which session computed it; ``machine``: where; ``why``: for what reason.
        block: digest of the parts that all trials of a variant share; ``own``: the other ones, by name.
        offers: the methods that the model has; ``kept``: those whose answers are in here.
        files: files that were read meanwhile -> digest of their content; names are relative to the project.
        payload: digest of the payload.
    """

    key: str
    name: str
    session: str
    machine: str
    created: float
    block: str = ""
    own: dict[str, str] = field(default_factory=dict)
    offers: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    has_model: bool = False
    files: dict[str, str] = field(default_factory=dict)
    payload: str = ""
    why: str = ""


def write_entry(path: Path, header: Header, payload: bytes) -> None:
    """Write an entry whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    told = encoded(header)
    first = f"{MAGIC} {digest(told)} {len(told)}\n".encode()
    write_whole(path, b"".join((first, told, payload)))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside, then rename it."""
    draft = f"{path.parent}{os.sep}.{path.name}.{os.getpid()}-{threading.get_ident()}"
    try:
        with open(draft, "wb") as file:  # noqa: PTH123 - a Path costs as much as the file
            file.write(content)
        os.replace(draft, path)  # noqa: PTH105
    except OSError as error:
        Path(draft).unlink(missing_ok=True)
        if isinstance(error, PermissionError) and path.exists():
            return  # Windows: another process has it open, and the content of a key is always the same
        raise


def encoded(header: Header) -> bytes:
    """A header as it is written."""
    return msgspec.json.encode(header)


def decoded(told: bytes) -> Header:
    """A header that was written so.

    Raises:
        BrokenEntryError: it was not.
    """
    try:
        return msgspec.json.decode(told, type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BrokenEntryError(f"its header cannot be read: {error}") from None


def read_header(path: Path) -> Header:
    """The header of an entry.

    Raises:
        BrokenEntryError: it is not what was written.
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return _header(file)


def read_entry(path: Path) -> tuple[Header, bytes]:
    """An entry's header and payload; raises as ``read_header``."""
    with path.open("rb") as file:
        header = _header(file)
        payload = file.read()
    if digest(payload) != header.payload:
        raise BrokenEntryError("its content does not fit its checksum")
    return header, payload


def _header(file: Any) -> Header:
    words = file.readline(200).decode("ascii", "replace").split()
    if len(words) != 3 or words[0] != MAGIC or not words[2].isdigit():
        raise BrokenEntryError("it does not begin as an entry")
    told = file.read(int(words[2]))
    if digest(told) != words[1]:
        raise BrokenEntryError("its header does not fit its checksum")
    return decoded(told)
