"""A report as Markdown, as GitHub and GitLab show it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import indent

from pytest_mlexp.reporting.document import Document, Section, writable

# Names, numbers and messages are shown as they are: none of their characters is meant as markup.
# An underscore between two letters is none either, nor is what means something only where a line begins.
_MARKUP = re.compile(r"([\\`*\[\]<|~&]|(?<![^\W_])_|_(?![^\W_]))")


def to_markdown(document: Document) -> str:
    """The report as Markdown, with a line feed at its end."""
    parts = [f"# {_plain(document.title)}", "\n".join(f"- {k}: {_plain(v)}" for k, v in document.facts.items())]
    parts += [part for section in document.sections for part in _parts(section)]
    return writable("\n\n".join(parts) + "\n")


def _parts(section: Section) -> Iterator[str]:
    from tabulate import tabulate

    yield f"## {_plain(section.title)}"
    if section.rows:
        rows = [{_plain(name): _plain(value) for name, value in row.items()} for row in section.rows]
        yield tabulate(rows, headers="keys", tablefmt="github", disable_numparse=True)
    if section.lines:
        yield "\n".join(f"- {_plain(line)}" for line in section.lines)
    yield from (indent(text, "    ") for text in section.texts)  # which Markdown shows as it is


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
