"""What code reads of how its process was started: environment variables, the command line, pytest's options."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable

READS = frozenset(("environ", "environb", "getenv", "getenvb", "expandvars"))
_NAME = r"(['\"])(?P<name>\w+)\1"
_BY_NAME = (
    re.compile(rf"\benvironb?(?:\.(?:get|pop|setdefault|__getitem__))?[\[(]b?{_NAME}(?!\]\s*=[^=])"),
    re.compile(rf"\bgetenvb?\((?:key=)?b?{_NAME}"),
    re.compile(rf"{_NAME} (?:not )?in (?:\w+\.)*environ\b"),
)
_SET = re.compile(rf"\b(?:environb?\[b?{_NAME}\]\s*=[^=]|environb?\.update\()")
_OTHERWISE = re.compile(rf"\b({'|'.join(sorted(READS))})\b")
_TEXTS = re.compile(r"['\"$%{](\w+)(?=['\"}%/:\\]|\s)")
_OPTIONS = re.compile(r"\bget(?:option|ini)\(['\"]-*([\w-]+)|\bconfig\.option\.(\w+)")
_ARGUMENTS = re.compile(r"\b(argv|parse_args|parse_known_args|orig_argv)\b")
_OF_PYTEST = "PYTEST_"
ARGUMENTS = "sys.argv"


def variables_of(texts: Iterable[str], *, renamed: bool = False) -> dict[str, str]:
    """The variables that normalised texts of code read, each with ``=value``, or nothing where it is not set.

    Where a name is not told at the place of the reading, as in ``os.environ[NAME]``, all variables that are set and
    named anywhere in the texts count. The arguments of the process are one more, ``sys.argv``. What code only assigns
    is not read, and what pytest tells its workers and tests apart by does not count.

    Args:
        texts: normalised code, and values.
        renamed: whether they read variables under names that do not tell of it.
    """
    texts = list(texts)
    names = {name for text in texts for name in variables_in(text)}
    if renamed or any(map(_reads_otherwise, texts)):
        names |= {name for text in texts for name in _TEXTS.findall(text) if name in os.environ}
    states = {name: f"={os.environ[name]}" if name in os.environ else "" for name in sorted(names) if _counts(name)}
    return states | ({ARGUMENTS: repr(sys.argv[1:])} if any(map(_ARGUMENTS.search, texts)) else {})


def options_in(texts: Iterable[str]) -> list[str]:
    """The names of pytest's options and ini settings that normalised texts of code ask for."""
    found = {name for text in texts for match in _OPTIONS.finditer(text) for name in match.groups() if name}
    return sorted(name.replace("-", "_") for name in found)


def variables_in(text: str) -> set[str]:
    """The names of the environment variables that a normalised text of code reads by name."""
    if "env" not in text:
        return set()
    return {name for pattern in _BY_NAME for match in pattern.finditer(text) if _counts(name := match["name"])}


def _reads_otherwise(text: str) -> bool:
    for pattern in (*_BY_NAME, _SET):
        text = pattern.sub("", text)
    return _OTHERWISE.search(text) is not None


def _counts(name: str) -> bool:
    return not name.startswith(_OF_PYTEST)
