"""A report before it is Markdown or HTML: facts, then sections of tables and lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


def writable(text: str) -> str:
    """The text without what no file can hold: file names that are no text leave lone surrogates in messages."""
    return text.encode("utf-8", "backslashreplace").decode()


@dataclass(frozen=True)
class Section:
    """A heading, with a table below it, lines below that, and texts that are shown as they are; each may be empty."""

    title: str
    rows: Sequence[Mapping[str, str]] = ()
    lines: Sequence[str] = ()
    texts: Sequence[str] = ()


@dataclass(frozen=True)
class Document:
    """What a report says, in the order in which it is read."""

    title: str
    facts: Mapping[str, str]
    sections: Sequence[Section]
