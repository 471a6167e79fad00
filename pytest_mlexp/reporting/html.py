"""A report as one HTML page that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from pytest_mlexp.reporting.document import Document, Section, writable

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em; color: #222 }
h1 { font-size: 1.5em } h2 { font-size: 1.15em; margin-top: 2em }
table { border-collapse: collapse; display: block; overflow-x: auto }
th, td { text-align: left; padding: .25em .9em .25em 0; border-bottom: 1px solid #ddd; vertical-align: top }
td { font-variant-numeric: tabular-nums }
dt { color: #666; float: left; clear: left; width: 8em } dd { margin-left: 9em }
pre { white-space: pre-wrap; border-left: 3px solid #ccc; padding-left: .8em }
@media (prefers-color-scheme: dark) { body { background: #181818; color: #ddd } th, td { border-color: #444 } }
"""


def to_page(document: Document) -> str:
    """The report as a page."""
    title = escape(document.title)
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in document.facts.items())
    body = "\n".join(part for section in document.sections for part in _parts(section))
    return writable(
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"</head>\n<body>\n<h1>{title}</h1>\n<dl>{facts}</dl>\n{body}\n</body></html>\n"
    )


def _parts(section: Section) -> Iterator[str]:
    from tabulate import tabulate

    yield f"<h2>{escape(section.title)}</h2>"
    if section.rows:
        yield tabulate(list(section.rows), headers="keys", tablefmt="html", disable_numparse=True)
    if section.lines:
        yield f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in section.lines)}</ul>"
    yield from (f"<pre>{escape(text)}</pre>" for text in section.texts)
