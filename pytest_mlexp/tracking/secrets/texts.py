"""Texts and short values that no file holds: messages, environment variables."""

from __future__ import annotations

from pytest_mlexp.tracking.secrets.assigned import hide_assigned, hide_literals, hide_options
from pytest_mlexp.tracking.secrets.keys import hide_keys
from pytest_mlexp.tracking.secrets.tokens import hide_headers, hide_tokens
from pytest_mlexp.tracking.secrets.uris import hide_bare_users, hide_in_uris, hide_pairs


def redact_text(text: str) -> str:
    """Redact what is a secret wherever it stands: in URIs, connection strings, headers, tokens and private keys.

    The number of lines stays.
    """
    return hide_tokens(hide_headers(hide_pairs(hide_in_uris(hide_keys(text)))))


def redact_value(text: str) -> str:
    """Redact a short value, such as an environment variable: as a text, and ``name=secret`` in it."""
    return hide_options(hide_assigned(hide_literals(hide_bare_users(redact_text(text)))))
