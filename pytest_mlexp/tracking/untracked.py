"""The contents of files that git does not track yet: a run from an uncommitted experiment can be had again."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from pytest_mlexp.tracking.secrets import is_secret_name, redact_source

SUFFIXES = (".py", ".pyi", ".toml", ".cfg", ".ini", ".json", ".yaml", ".yml")
LONGEST_FILE = 100_000
MOST_BYTES = 1_000_000


def contents(top: Path, names: Iterable[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Read the small source and configuration files among ``names``, which are relative to ``top``.

    Returns:
        path -> text without secrets, and the paths of those in which a secret was hidden. Files of other
        kinds, larger ones, what promises a secret by its name, links, and all that comes after a million
        bytes are left out.
    """
    kept: dict[str, str] = {}
    redacted: list[str] = []
    budget = MOST_BYTES
    for name in names:
        text = _text(top, name)
        if text is None or len(text) > budget:
            continue
        budget -= len(text)
        kept[name] = redact_source(text, name=name)
        if kept[name] != text:
            redacted.append(name)
    return kept, tuple(redacted)


def _text(top: Path, name: str) -> str | None:
    pure, path = PurePosixPath(name), top / name
    if pure.suffix.lower() not in SUFFIXES or is_secret_name(pure.stem):
        return None
    try:
        if path.is_symlink() or path.stat().st_size > LONGEST_FILE:
            return None
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        return None
