"""Private keys: many lines between two marks, one line with escaped ends, or a part of it in a hunk."""

from __future__ import annotations

import re

from pytest_mlexp.tracking.secrets.names import HIDDEN

_KIND = r"[A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}"
_BEGIN = re.compile(rf"-{{4,5}} ?BEGIN {_KIND}|\bPrivate-Lines: \d+")
_END = re.compile(rf"-{{4,5}} ?END {_KIND}|\bPrivate-MAC: ")
_INSIDE = re.compile(rf"(-{{4,5}} ?BEGIN {_KIND})([^\n]*?)(-{{4,5}} ?END {_KIND}|$)", re.MULTILINE)
_MATERIAL = re.compile(
    r"([ \t\"'\\#>*|(]{0,200}+(?:[bBrRuU]{1,2}(?=[\"']))?[\"']?)([A-Za-z0-9+/=]++)((?:\\{1,3}[nr]|[ \t\r\"'\\,;+)])*+)"
)
_BESIDE = re.compile(
    r"[ \t\"'\\#>*|]*+(?:(?:Proc-Type|DEK-Info|Version|Comment|Hash):.{0,200}|(?:\\[nr]|[\"',\\;+\r])*+)"
)
SHORTEST_MATERIAL = 16


def hide_keys(text: str) -> str:
    """Hide the material of private keys; the marks and the number of lines stay."""
    if "PRIVATE KEY" not in text and "Private-Lines" not in text:
        return text
    lines = _INSIDE.sub(_hide_inside, text).split("\n")
    for number, line in enumerate(lines):
        if _BEGIN.search(line) and not _END.search(line):
            _hide_after(lines, number)
        elif _END.search(line) and not _BEGIN.search(line):
            _hide_before(lines, number)
    return "\n".join(lines)


def _hide_inside(found: re.Match[str]) -> str:
    begin, material, end = found.groups()
    closed = bool(end) and len(material) >= SHORTEST_MATERIAL
    opened = not end and re.match(r"(?:\\[nr]|[ \t])*+[A-Za-z0-9+/=]{16}", material)
    return f"{begin}{HIDDEN}{end}" if closed or opened else found[0]


def _hide_after(lines: list[str], start: int) -> None:
    """Hide what follows a first mark; without a last one, only what is too long for a word."""
    stop = start + 1
    while stop < len(lines) and _may_be_material(lines[stop]):
        stop += 1
    _hide_lines(lines, range(start + 1, stop), whole=stop < len(lines) and bool(_END.search(lines[stop])))


def _hide_before(lines: list[str], stop: int) -> None:
    """Hide what stands before a last mark, where the first one is not shown."""
    start = stop
    while start and _may_be_material(lines[start - 1]) and HIDDEN not in lines[start - 1]:
        start -= 1
    _hide_lines(lines, range(start, stop), whole=True)


def _hide_lines(lines: list[str], numbers: range, *, whole: bool) -> None:
    """Hide the lines that hold material, and with ``whole`` also its short last line."""
    found = {number: match for number in numbers if (match := _MATERIAL.fullmatch(lines[number]))}
    long = {number for number, match in found.items() if len(match[2]) >= SHORTEST_MATERIAL}
    for number in found if whole and long else long:
        lines[number] = f"{found[number][1]}{HIDDEN}{found[number][3]}"


def _may_be_material(line: str) -> bool:
    return bool(_MATERIAL.fullmatch(line) or _BESIDE.fullmatch(line))
