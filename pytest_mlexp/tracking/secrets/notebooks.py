"""The texts in a notebook, which is JSON: a line of code is a quoted string with escapes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable

_STRING = re.compile(r"(\s*+\")((?:[^\"\\]|\\.)*+)(\",?\s*+)")


def redact_strings(lines: list[str], redact: Callable[[list[str]], list[str]]) -> list[str]:
    """Redact the lines that hold one string each as the code that they are; the others as they stand."""
    found = [_STRING.fullmatch(line) for line in lines]
    read = [line if match is None else _decoded(match[2]) for match, line in zip(found, lines, strict=True)]
    decoded = [text if text is not None else line for text, line in zip(read, lines, strict=True)]
    shown = redact([text.removesuffix("\n") for text in decoded])
    return list(_written(lines, zip(found, decoded, shown, strict=True)))


def _decoded(text: str) -> str | None:
    """The text of a JSON string; None where it is broken, or holds several lines."""
    try:
        value: str = json.loads(f'"{text}"')
    except ValueError:
        return None
    return None if "\n" in value[:-1] else value


def _written(lines: list[str], texts: Iterable[tuple[re.Match[str] | None, str, str]]) -> Iterable[str]:
    for line, (found, before, shown) in zip(lines, texts, strict=True):
        end = "\n" if before.endswith("\n") else ""
        if shown + end == before:
            yield line
        elif found is None or before == line:
            yield shown
        else:
            text = json.dumps(shown + end, ensure_ascii="\\u" in found[2])
            yield f"{found[1]}{text[1:-1]}{found[3]}"
