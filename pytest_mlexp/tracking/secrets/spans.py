"""Secrets on other lines than their names: texts of several lines, block scalars, lists, ``value:`` below ``name:``."""

from __future__ import annotations

import re

from pytest_mlexp.tracking.secrets.assigned import ends_with_secret
from pytest_mlexp.tracking.secrets.names import HIDDEN, is_harmless, is_secret_name

_ASSIGN = r"(?<![\w\-])([\w\-]{1,200})['\"]?\]?\s{0,20}(?::[\w\[\]. |]{1,60}=|[:?+]?=|:)\s{0,20}"
_TRIPLE = re.compile(_ASSIGN + r"[bBrRfFuU]{0,2}(\"{3}|'{3})")
_OPENED = re.compile(_ASSIGN + r"[\[(\\]\s{0,20}$")
_ONLY_TEXT = re.compile(r"(\s*+[bBrRfFuU]{0,2})(\"(?:\\.|[^\"\\])*+\"|'(?:\\.|[^'\\])*+')([\s,\\)\]}]*+)")
_HEADING = re.compile(
    r"([ \t]*+(?:-[ \t]{1,8})?)['\"]?([\w.\-]{1,200})['\"]?[ \t]{0,20}[:=][ \t]{0,20}"
    r"(?:![\w\-]{1,40}[ \t]{1,4})?([|>][+\-\d]{0,2})?[ \t]*+(?:#.*)?\r?"
)
_ENTRY = re.compile(r"[ \t]*+(?:-[ \t]{1,8})?['\"]?[\w.\-]{1,200}['\"]?[ \t]{0,20}(?:=|:(?=\s|$))")
_ITEM = re.compile(r"([ \t]*+(?:-[ \t]{1,8})?)(\S.*?)(\r?)")
_NAMED = re.compile(r"[ \t\-]*+['\"]?(?:name|key)['\"]?[ \t]{0,4}[:=][ \t]{0,4}['\"]?([\w.\-]{1,200})['\"]?,?\s*+")
_VALUED = re.compile(r"([ \t]*+['\"]?value['\"]?[ \t]{0,4}[:=][ \t]{0,4}(['\"]?))([^\s'\"].*?)(\2,?\s*+)")


def hide_spans(lines: list[str], *, settings: bool) -> list[str]:
    """Hide what a secret name is given on the lines below it; the number of lines stays."""
    shown = list(lines)
    spans = (_triple, _texts, _block, _value_below) if settings else (_triple, _texts)
    start = 0
    while start < len(shown):
        start = max(start + 1, *(span(shown, start) for span in spans))
    return shown


def _triple(lines: list[str], start: int) -> int:
    """A text in three quotes that goes on below; one whose end is not shown goes to the last line."""
    for found in _TRIPLE.finditer(lines[start]):
        rest = lines[start][found.end() :]
        if is_secret_name(found[1]) and found[2] not in rest:
            lines[start] = lines[start][: found.end()] + (HIDDEN if rest.strip(" \\\r") else rest)
            return _to_quote(lines, start + 1, found[2])
    return start


def _to_quote(lines: list[str], number: int, quote: str) -> int:
    while number < len(lines):
        inside, closed, after = lines[number].partition(quote)
        lines[number] = (HIDDEN if inside.strip() else inside) + closed + after
        number += 1
        if closed:
            break
    return number


def _texts(lines: list[str], start: int) -> int:
    """Lines that hold nothing but a text: in brackets, or joined to the text before them."""
    found = _OPENED.search(lines[start][-300:])
    opened = found is not None and is_secret_name(found[1])
    number = start + 1
    if not opened and not ends_with_secret(lines[start]):
        return start
    while number < len(lines) and (text := _ONLY_TEXT.fullmatch(lines[number])):
        quote = text[2][0]
        lines[number] = f"{text[1]}{quote}{HIDDEN}{quote}{text[3]}"
        number += 1
        if re.search(r"[)\]}]" if opened else r"[,)\]}]", text[3]):
            break
    return number


def _block(lines: list[str], start: int) -> int:
    """A block scalar, the values of a list, or a value that stands alone below its name."""
    heading = _HEADING.fullmatch(lines[start])
    if heading is None or not is_secret_name(heading[2]):
        return start
    number = start + 1
    while number < len(lines) and (not lines[number].strip() or _is_below(lines[number], heading[1])):
        item = _ITEM.fullmatch(lines[number])
        if item is not None and (heading[3] or not (lines[number][0] == "\t" or _ENTRY.match(lines[number]))):
            lines[number] = f"{item[1]}{HIDDEN}{item[3]}"
        elif item is not None:
            return number  # a mapping, whose own names say what is secret, or the recipe of a Makefile
        number += 1
    return number


def _is_below(line: str, lead: str) -> bool:
    indent = len(line) - len(line.lstrip(" \t"))
    return indent > len(lead) or (indent == len(lead) and line.lstrip().startswith("- "))


def _value_below(lines: list[str], start: int) -> int:
    """``value: x`` below ``name: DB_PASSWORD``."""
    named = _NAMED.fullmatch(lines[start])
    if named is None or start + 1 >= len(lines) or not is_secret_name(named[1]):
        return start
    found = _VALUED.fullmatch(lines[start + 1])
    if found is not None and not is_harmless(found[3]):
        lines[start + 1] = f"{found[1]}{HIDDEN}{found[4]}"
    return start + 1
