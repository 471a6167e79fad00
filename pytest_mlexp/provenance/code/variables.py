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


def variables_of(texts: Iterable[str]) -> dict[str, str]:
    """The variables that normalised texts of code read, each with ``=value``, or nothing where it is not set.

    The arguments of the process are one more, ``sys.argv``. What code only assigns is not read, and what
    pytest tells its workers and tests apart by does not count.
    """
    texts = list(texts)
    reading = [text for text in texts if "env" in text]
    found = {match["name"] for text in reading for pattern in _READS for match in pattern.finditer(text)}
    names = sorted(name for name in found if not name.startswith(_OF_PYTEST))
    states = {name: f"={os.environ[name]}" if name in os.environ else "" for name in names}
    return states | ({"sys.argv": repr(sys.argv[1:])} if any(map(_ARGUMENTS.search, texts)) else {})
