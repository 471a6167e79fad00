"""What code reads of how its process was started: environment variables by name, and the command line."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

_NAME = r"(['\"])(?P<name>\w+)\1"
_READS = (
    re.compile(rf"\benvironb?(?:\.(?:get|pop|setdefault|__getitem__))?[\[(]b?{_NAME}(?!\]\s*=[^=])"),
    re.compile(rf"\bgetenvb?\((?:key=)?b?{_NAME}"),
    re.compile(rf"{_NAME} (?:not )?in (?:\w+\.)*environ\b"),
)
_ARGUMENTS = re.compile(r"\b(argv|parse_args|parse_known_args|orig_argv)\b")
_OF_PYTEST = "PYTEST_"
ARGUMENTS = "sys.argv"


def variables_of(texts: Iterable[str]) -> dict[str, str]:
    """The variables that normalised texts of code read, each with ``=value``, or nothing where it is not set.

    The arguments of the process are one more, ``sys.argv``. What code only assigns is not read, and what
    pytest tells its workers and tests apart by does not count.
    """
    texts = list(texts)
    names = sorted(name for text in texts for name in variables_in(text))
    states = {name: f"={os.environ[name]}" if name in os.environ else "" for name in names}
    return states | ({ARGUMENTS: repr(sys.argv[1:])} if any(map(_ARGUMENTS.search, texts)) else {})


def variables_in(text: str) -> set[str]:
    """The names of the environment variables that a normalised text of code reads."""
    if "env" not in text:
        return set()
    found = {match["name"] for pattern in _READS for match in pattern.finditer(text)}
    return {name for name in found if not name.startswith(_OF_PYTEST)}
