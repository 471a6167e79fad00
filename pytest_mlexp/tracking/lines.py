"""One record of the journal as one line: format, kind and checksum before the record itself."""

from __future__ import annotations

import re
import zlib
from typing import Any

import msgspec

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.records import (
    FORMAT,
    CellRecord,
    ContinuedRecord,
    EndRecord,
    SessionRecord,
    TestRecord,
    from_dict,
    to_dict,
)

JournalRecord = SessionRecord | ContinuedRecord | CellRecord | TestRecord | EndRecord

_KINDS: dict[str, type[JournalRecord]] = {
    "session": SessionRecord,
    "continued": ContinuedRecord,
    "cell": CellRecord,
    "test": TestRecord,
    "end": EndRecord,
}
_KIND_OF = {record: kind for kind, record in _KINDS.items()}
TORN = b" torn"  # ends what a write left unfinished, so that it is not taken for damage
_encode = msgspec.json.Encoder().encode


class _Line(msgspec.Struct):
    format: int
    kind: str
    crc: int
    data: msgspec.Raw


def to_line(record: JournalRecord) -> bytes:
    """A record as it is written."""
    data = _encode(to_dict(record))
    head = f'{{"format":{FORMAT},"kind":"{_KIND_OF[type(record)]}","crc":{zlib.crc32(data)},"data":'
    return b"".join((head.encode(), data, b"}\n"))


def from_line(line: bytes, place: str) -> JournalRecord | None:
    """The record of a line; None when it is not what was written, or not all of it."""
    try:
        parsed = msgspec.json.decode(line, type=_Line)
        if zlib.crc32(parsed.data) != parsed.crc:
            return None
        data: dict[str, Any] = msgspec.json.decode(parsed.data)
        if parsed.format > FORMAT:
            raise TrackingError(
                f"{place} is in journal format {parsed.format}, written by {_writer(data)}; this version "
                f"reads formats up to {FORMAT}: upgrade pytest-mlexp to read it"
            )
        return from_dict(data, _KINDS[parsed.kind])
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError):
        return None


def _writer(data: dict[str, Any]) -> str:
    found = re.search(rb'"pytest[-_]mlexp":"([^"]+)"', _encode(data))
    return f"pytest-mlexp {found[1].decode()}" if found else "a later pytest-mlexp"
