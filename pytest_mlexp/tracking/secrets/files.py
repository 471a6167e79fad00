"""Files and patches: one way for both, so that a secret does not depend on whether git tracks its file."""

from __future__ import annotations

import re

from pytest_mlexp.tracking.secrets import assigned
from pytest_mlexp.tracking.secrets.kinds import Kind, kind_of
from pytest_mlexp.tracking.secrets.notebooks import redact_strings
from pytest_mlexp.tracking.secrets.spans import hide_spans
from pytest_mlexp.tracking.secrets.texts import redact_text

_MAGIC = re.compile(r"\s*[%!]{1,2}[a-z_]+ ")  # a command in a notebook
_HUNK = re.compile(r"[ +\-]")


def redact_source(text: str, *, name: str) -> str:
    """Redact a file: as a text, and what is given a secret name: quoted texts, in settings any value.

    Args:
        text: its contents; the number of lines stays.
        name: its path, which tells code from settings.
    """
    return "\n".join(_redacted(redact_text(text).split("\n"), kind_of(name)))


def redact_diff(diff: str) -> str:
    """Redact a patch: as a text, and added lines as the file that they are of; the others are in the repository."""
    shown: list[str] = []
    hunk: list[str] = []
    kind, inside = Kind.CODE, False
    for line in diff.split("\n"):
        header = line.startswith("+++ ") and (not inside or (bool(hunk) and hunk[-1].startswith("--- ")))
        if _HUNK.match(line) and not header:
            hunk.append(line)
            continue
        shown += [*_redacted_hunk(hunk, kind), redact_text(line)]
        hunk = []
        inside = line.startswith("@@") or (inside and not line.startswith("diff --git "))
        if header:
            kind = kind_of(line[4:].strip('\t"'))  # as git writes names that hold spaces or other letters
    return "\n".join([*shown, *_redacted_hunk(hunk, kind)])


def _redacted_hunk(hunk: list[str], kind: Kind) -> list[str]:
    """Redact consecutive lines of a patch, in which unchanged lines say what added ones belong to."""
    if not hunk:
        return []
    texts = redact_text("\n".join(line[1:] for line in hunk)).split("\n")
    new = [number for number, line in enumerate(hunk) if line[0] != "-"]
    after = _redacted([texts[number] for number in new], kind) if new else []
    for number, text in zip(new, after, strict=True):
        if hunk[number][0] == "+":
            texts[number] = text
    return [line[0] + text for line, text in zip(hunk, texts, strict=True)]


def _redacted(lines: list[str], kind: Kind) -> list[str]:
    if kind is Kind.NOTEBOOK:
        return redact_strings(lines, lambda texts: _redacted(redact_text("\n".join(texts)).split("\n"), Kind.CODE))
    settings = kind in {Kind.WORDS, Kind.LINES}
    return [_line(line, kind) for line in hide_spans(lines, settings=settings)]


def _line(line: str, kind: Kind) -> str:
    shown = assigned.hide_literals(line)
    if kind is Kind.CODE and _MAGIC.match(shown):
        kind = Kind.WORDS
    if kind is Kind.CODE:
        return assigned.hide_telling_options(shown)
    if kind is Kind.PROSE:
        return assigned.hide_telling_options(assigned.hide_unspaced(shown))
    if kind is Kind.LINES:
        shown = assigned.hide_line(shown)
    return assigned.hide_options(assigned.hide_assigned(shown))
