"""The uncommitted part of a checkout as it was recorded: a patch, and the texts of loose files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Git = Mapping[str, Any]
_HEADER = re.compile(r"^diff --git (?:\"?a/)(.*?)\"? \"?b/(.*?)\"?$", flags=re.MULTILINE)


def files_of(diff: str | None) -> dict[str, str]:
    """Path -> its part of the patch."""
    parts: dict[str, str] = {}
    text = diff or ""
    starts = list(_HEADER.finditer(text))
    for number, start in enumerate(starts):
        end = starts[number + 1].start() if number + 1 < len(starts) else len(text)
        parts[start[2]] = text[start.start() : end]
    return parts


def stat(diff: str | None) -> str:
    """One line: how many files and lines a patch changes, and which files."""
    parts = files_of(diff)
    if not parts:
        return "none"
    lines = [line for part in parts.values() for line in _body(part)]
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    return f"{len(parts)} file{'s' if len(parts) > 1 else ''} changed (+{added} -{removed}): {', '.join(parts)}"


def binary_files(diff: str | None) -> list[str]:
    """The files of which a patch says only that they differ."""
    return [name for name, part in files_of(diff).items() if "\nBinary files " in part]


def same_checkout(one: Git, other: Git) -> bool:
    """Whether commit, diff and the contents of loose files are the same."""
    return one.get("commit") == other.get("commit") and not changed_files(one, other)


def changed_files(one: Git, other: Git) -> list[str]:
    """The files whose uncommitted part differs, where the commit is the same."""
    before, after = ({**files_of(git.get("diff")), **(git.get("contents") or {})} for git in (one, other))
    return sorted(name for name in {*before, *after} if _plain(before.get(name)) != _plain(after.get(name)))


def _plain(part: str | None) -> str | None:
    """Without the abbreviated object names: their length depends on the size of the repository."""
    return None if part is None else re.sub(r"(?m)^index [0-9a-f]+\.\.[0-9a-f]+", "index", part).rstrip("\n")


def _body(part: str) -> list[str]:
    return part.partition("\n@@")[2].splitlines()[1:]
