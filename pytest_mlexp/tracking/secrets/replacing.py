"""Replacing what follows a secret name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pytest_mlexp.tracking.secrets.names import is_secret_name


@dataclass(frozen=True)
class Form:
    """How a text gives a value to a name.

    Attributes:
        begin: all that stands before the value; its group ``name`` is the name.
        value: the value; its group ``value`` is what is hidden. It is looked for after secret names only, so
            that a long text is read once.
    """

    begin: re.Pattern[str]
    value: re.Pattern[str]

    @classmethod
    def of(cls, begin: str, value: str) -> Form:
        """Compile both parts."""
        return cls(re.compile(begin), re.compile(value, re.MULTILINE))


def replace(form: Form, text: str, shown: Callable[[re.Match[str], re.Match[str]], str | None]) -> str:
    """Replace the values of secret names; ``shown`` says None where a value is none."""
    parts: list[str] = []
    done = place = 0
    while begin := form.begin.search(text, place):
        place = max(begin.end(), place + 1)
        value = form.value.match(text, begin.end()) if is_secret_name(begin["name"]) else None
        hidden = shown(begin, value) if value is not None else None
        if value is not None and hidden is not None:
            parts += [text[done : value.start("value")], hidden]
            done = place = value.end("value")
    return "".join([*parts, text[done:]]) if parts else text
