"""Environment variables that code reads by names which its text tells."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

_NAME = r"(['\"])(?P<name>\w+)\1"
_READS = (
    re.compile(rf"\benvironb?(?:\.(?:get|pop|setdefault|__getitem__))?[\[(]b?{_NAME}(?!\]\s*=[^=])"),
    re.compile(rf"\bgetenvb?\((?:key=)?b?{_NAME}"),
    re.compile(rf"{_NAME} (?:not )?in (?:\w+\.)*environ\b"),
)
_OF_PYTEST = "PYTEST_"


def variables_of(texts: Iterable[str]) -> dict[str, str]:
    """The variables that normalised texts of code read, each with ``=value``, or nothing where it is not set.

    What code only assigns is not read, and what pytest tells its workers and tests apart by does not count.
    """
    reading = [text for text in texts if "env" in text]
    found = {match["name"] for text in reading for pattern in _READS for match in pattern.finditer(text)}
    names = sorted(name for name in found if not name.startswith(_OF_PYTEST))
    return {name: f"={os.environ[name]}" if name in os.environ else "" for name in names}
