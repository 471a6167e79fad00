"""Command lines, word by word."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pytest_mlexp.tracking.secrets.names import HIDDEN, is_secret_name
from pytest_mlexp.tracking.secrets.texts import redact_value


def redact_command(command: Sequence[str]) -> tuple[str, ...]:
    """Redact a command line: ``--api-token=x``, ``--password x``, ``NAME_TOKEN=x``, and URIs."""
    shown: list[str] = []
    hide_next = False
    for word in command:
        if hide_next and not word.startswith("--"):
            shown.append(HIDDEN)
            hide_next = False
            continue
        hide_next = word.startswith("-") and "=" not in word and is_secret_name(word)
        shown.append(_redact_word(word))
    return tuple(shown)


def _redact_word(word: str) -> str:
    """Hide all that follows ``secret-name=`` in one word, which may hold spaces and commas."""
    for sign in re.finditer(r"=", word):
        before = re.split(r"[\s=]", word[: sign.start()].rstrip())[-1]
        if "://" not in before and is_secret_name(re.split(r"[\[\](){}:/,;'\"]", before)[-1]):
            return redact_value(word[: sign.start()]) + "=" + HIDDEN
    return redact_value(word)
