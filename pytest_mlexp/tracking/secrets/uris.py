"""Credentials in addresses: users, parameters of paths and queries, connection strings, webhooks."""

from __future__ import annotations

import re

from pytest_mlexp.tracking.secrets.names import HIDDEN, is_secret_parameter
from pytest_mlexp.tracking.secrets.replacing import Form, replace
from pytest_mlexp.tracking.secrets.tokens import hide_tokens

# Repeats are bounded where a diff may hold a line of a million characters.
_URI = re.compile(r"(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]{0,30}://[^\s'\"<>]+")
# A password that nobody quoted may hold any character, so "scheme://user:" reaches to the last "@".
_QUOTED_USER = re.compile(r"(?<=://)[^\s/?#]*@")
_RAW_USER = re.compile(r"(?<=://)[^\s/:@]{0,200}:(?!\d+(?:[/?#]|$))\S{0,400}@")
_BARE_USER = re.compile(r"[^\s/:@'\"=\\]{2,200}:[^\s/:@'\"]{1,400}@(?!sha256:)")
_ORACLE_USER = re.compile(r"(?i)(\bjdbc:oracle:\w{1,10}:)[^\s@'\"]{1,400}@")
# "{user}:{password}@" in a template says only where the password comes from.
_TEMPLATE = r"(?:<[\w\-]{1,100}>|\$?\{[\w.\[\]()]{0,100}\}|\$[A-Z_][A-Z0-9_]{2,100}|%s)"
_TEMPLATE_USER = re.compile(rf"(?<=://)(?:[\w.\-]{{0,100}}|{_TEMPLATE}):{_TEMPLATE}@(?![^\s'\"]{{0,400}}@)")
_HOOK = re.compile(
    r"(?i)(\bhooks\.slack\.com/\w{1,20}/|\bdiscord(?:app)?\.com/api/webhooks/|\bapi\.telegram\.org/bot"
    r"|\bwebhook\.office\.com/webhookb2/)[^\s'\"<>?#]+"
)
_ESCAPE = re.compile(r"\\[\\nrt]{0,8}$")  # of a quote or a line's end in a source
_PATH_PARAMETER = re.compile(r";([\w.\- ]{1,100})=(?:\{[^}\n]{0,400}\}|[^;?#/]*)")
_JDBC_PARAMETER = re.compile(r";([\w.\- ]{1,100})=(?:\{[^}\n]{0,400}\}|[^;]*)")
_WEB = re.compile(r"(?i)(?:https?|wss?|ftps?|s3|gs|abfss?|file):")
_QUERY = re.compile(r"([?&]([\w.\-]{1,100})=)([^&\s'\"#<>\\]{1,2000})")
_PAIR_VALUE = r"(?P<value>\{[^}\n]{0,400}\}|[^;'\"\n\\]{1,1000})"
_WORD_VALUE = r"(?P<value>\\?'[^'\n]{0,400}'|[^\s'\",;()]{1,400})"
_DSN = r"(?:host|hostaddr|port|user|dbname|sslmode)=[^\s,;'\"()]{1,200}"
_PAIRS = (
    Form.of(r"(?:(?<=;)|(?<=; ))(?P<name>[A-Za-z][\w ]{0,60})=(?!\s)", _PAIR_VALUE),
    Form.of(r"(?<![\w.\-;])(?P<name>[A-Za-z]\w{0,30}(?: \w{1,30})?)=", _PAIR_VALUE + r"(?=;\s?[A-Za-z][\w ]{0,60}=)"),
    Form.of(rf"\b{_DSN} {{1,4}}(?P<name>\w{{1,40}})=", _WORD_VALUE),
    Form.of(r"(?<![\w,(] )\b(?P<name>\w{1,40})=", _WORD_VALUE + rf"(?= {{1,4}}{_DSN})"),
)


def redact_uri(uri: str) -> str:
    """Remove user, password and secret parameters from a URI; scheme, host, port and path stay.

    The ``git@host:path`` form has no password and stays as it is.
    """
    bare = _QUOTED_USER.sub("", _RAW_USER.sub("", _ORACLE_USER.sub(r"\1@", uri)))
    if "://" not in bare:
        return hide_pairs(_BARE_USER.sub("", bare))
    parameter = _PATH_PARAMETER if _WEB.match(bare) else _JDBC_PARAMETER
    bare = hide_tokens(_HOOK.sub(rf"\1{HIDDEN}", bare))
    bare, hash_sign, fragment = bare.partition("#")
    path, question_mark, query = bare.partition("?")
    path = parameter.sub(lambda found: "" if is_secret_parameter(found[1]) else found[0], path)
    return path + _public(question_mark, query) + _public(hash_sign, fragment)


def hide_in_uris(text: str) -> str:
    """Redact every URI in a text, and queries without one; a template such as ``{user}:{password}@`` stays."""
    text = _URI.sub(_redacted, _RAW_USER.sub(lambda found: _unless_template(found, text), text))
    return _QUERY.sub(_hide_query, _ORACLE_USER.sub(r"\1@", text))


def hide_bare_users(text: str) -> str:
    """Remove ``user:password@`` where no scheme stands before it."""
    return _BARE_USER.sub("", text)


def hide_pairs(text: str) -> str:
    """Hide secrets in connection strings: ``Server=h;Pwd=p``, ``host=h password=p``."""
    if "=" in text:
        for form in _PAIRS:
            text = replace(form, text, lambda _, value: None if _is_template(value["value"]) else HIDDEN)
    return text


def _is_template(value: str) -> bool:
    """``{password}`` in a template; a brace of ODBC holds the password itself."""
    return value.startswith(("$", "{}")) or (value[-1] == "}" and value[0] == "{" and is_secret_parameter(value[1:-1]))


def _redacted(found: re.Match[str]) -> str:
    uri = _ESCAPE.sub("", found[0])
    escape, template = found[0][len(uri) :], _TEMPLATE_USER.search(uri)
    if template is None:
        return redact_uri(uri) + escape
    return uri[: template.end()] + redact_uri(f"x://{uri[template.end() :]}").removeprefix("x://") + escape


def _unless_template(found: re.Match[str], text: str) -> str:
    return found[0] if _TEMPLATE_USER.match(text, found.start()) else ""


def _hide_query(found: re.Match[str]) -> str:
    return f"{found[1]}{HIDDEN}" if is_secret_parameter(found[2]) and found[3][0] not in "{$" else found[0]


def _public(sign: str, query: str) -> str:
    """Keep the parameters of a query or fragment that promise no secret, and the sign before them where any is left."""
    kept = "&".join(part for part in query.split("&") if not _secret_part(part))
    return sign + kept if kept or not query else ""


def _secret_part(part: str) -> bool:
    pieces = [piece.partition("=") for piece in part.split(";")]
    return any(value and is_secret_parameter(name) for name, _, value in pieces)
