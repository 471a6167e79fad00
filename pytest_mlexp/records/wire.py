"""The only wire format of records: builtins that JSON can hold.

What crosses a process, stands in the journal or is mirrored to MLflow went through it. Numbers that JSON
cannot hold travel as ``"nan"``, ``"inf"`` and ``"-inf"``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

FORMAT = 1
RecordT = TypeVar("RecordT")


def to_dict(record: object) -> dict[str, Any]:
    """Turn a record into builtins that JSON can hold."""
    converted: dict[str, Any] = _jsonable(msgspec.to_builtins(record))
    return converted


def from_dict(data: Mapping[str, Any], kind: type[RecordT]) -> RecordT:
    """Turn builtins back into a record.

    Raises:
        msgspec.ValidationError: the data does not fit the record.
    """
    return msgspec.convert(data, kind, strict=False)


def _jsonable(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if isinstance(value, str):  # the name of a file may hold bytes that are no text
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    return value
