"""Taking secrets out of what is about to be written down.

Three places leak in practice: credentials in URIs, options such as ``--api-token=...``, and tokens of
well-known services that stand on their own. What cannot be told from a secret is hidden: a record that
says too little can be made again, one that says too much cannot be taken back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

HIDDEN = "***"
LONGEST_SETTING = 2_000
_SETTINGS = (".toml", ".cfg", ".ini", ".json", ".yaml", ".yml", ".env", ".properties", ".conf", ".tfvars")
_SHELL = (".sh", ".bash", ".zsh", ".envrc")
_NAMED_SETTINGS = re.compile(r"(^|/)(\.env[^/]*|Dockerfile[^/]*|Makefile)$")

_SECRET_WORD = re.compile(
    r"(token|secrets?|passw(or)?ds?|passphrase|passcode|pwd|apikey|credentials?|signature)\d*$|^(jwt|bearer|cookie|auth|authorization|sig|sas)$"
)
_SECRET_COMPOUND = re.compile(
    r"(api|access|account|private|signing|secret|shared|master|encryption|openai|anthropic|wandb|subscription)key"
    r"|(github|gitlab|devops|databricks)pat$"
    r"|(db|database|sql|pg|postgres|mongo|redis|smtp|mail|imap|ftp|ssh|ssl|ldap|user|admin|root|login|proxy|sudo|app|mq)pass\d*$"
)
# Repeats are bounded where a diff may hold a line of a million characters.
_URI = re.compile(r"(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]{0,30}://[^\s'\"<>]+")
# A password that nobody quoted may hold any character, so "scheme://user:" reaches to the last "@".
_QUOTED_USER = re.compile(r"(?<=://)[^\s/?#]*@")
_RAW_USER = re.compile(r"(?<=://)[^\s/:@]{0,200}:(?!\d+(?:[/?#]|$))\S{0,400}@")
_BARE_USER = re.compile(r"[^\s/:@'\"=\\]{2,200}:[^\s/:@'\"]+@(?!sha256:)")
_HEADER = re.compile(r"(?i)(\bauthorization\W{1,4}(?:bearer|basic|token)\s+)[^\s'\"]+")
_KNOWN_TOKEN = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{22,}|glpat-[\w\-]{20,}|hf_[A-Za-z0-9]{30,}"
    r"|sk-(?=[A-Za-z_\-]*\d)[\w\-]{20,}|xox[abeprs]-[\w\-]{10,}|pypi-AgE[\w\-]{16,}|(?:AKIA|ASIA)[A-Z0-9]{16}"
    r"|dapi[0-9a-f]{32})"
)
_LITERAL = re.compile(
    r"""([\w\-]{1,100})(['"]?\]?\s{0,20}(?::[\w\[\]. |]{1,60}=|[=:])\s{0,20}[bBrRfFuU]{0,2})"""
    r"""("{3}|'{3}|['"])([^'"\n]{1,1000})\3"""
)
_SET = re.compile(
    r"""((?:environ\.(?:get|setdefault|pop)|[sg]etenv|putenv)\(\s{0,20}['"])([\w\-]{1,100})"""
    r"""(['"]\s{0,20},\s{0,20})(['"])([^'"\n]{1,1000})\4"""
)
_OPTION = re.compile(r"((?<![\w\-])--?|\b(?:ENV|ARG)\s{1,20})([\w\-]{1,100})([ \t]{1,20})([^\s\-=]\S{0,1000})")
_ASSIGNED = re.compile(r"([\w.\-]+)(\s*[=:]\s*)([^\s;&,]+)")


def is_secret_name(name: str) -> bool:
    """Say whether a name, such as ``MLFLOW_TRACKING_TOKEN`` or ``--api-key``, promises a secret.

    ``max_tokens``, ``tokenizer`` and ``random_key`` do not.
    """
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
    return any(map(_SECRET_WORD.search, words)) or _SECRET_COMPOUND.search("".join(words)) is not None


def redact_uri(uri: str) -> str:
    """Remove user, password and secret query parameters from a URI; scheme, host, port and path stay.

    The ``git@host:path`` form has no password and stays as it is.
    """
    bare = _QUOTED_USER.sub("", _RAW_USER.sub("", uri))
    if "://" not in bare:
        return _BARE_USER.sub("", bare)
    bare, hash_sign, fragment = bare.partition("#")
    path, question_mark, query = bare.partition("?")
    query, fragment = _public(query), _public(fragment)
    return path + (question_mark if query else "") + query + (hash_sign if fragment else "") + fragment


def redact_text(text: str) -> str:
    """Redact every URI in a text, and every authorization header and token of a well-known service."""
    text = _URI.sub(lambda found: redact_uri(found[0]), _RAW_USER.sub("", text))
    return _KNOWN_TOKEN.sub(HIDDEN, _HEADER.sub(rf"\1{HIDDEN}", text))


def redact_value(text: str) -> str:
    """Redact a short value, such as an environment variable: as a text, and ``name=secret`` in it."""
    return _ASSIGNED.sub(_hide_assigned, _LITERAL.sub(_hide_literal, _BARE_USER.sub("", redact_text(text))))


def redact_command(command: Sequence[str]) -> tuple[str, ...]:
    """Redact a command line: ``--api-token=x``, ``--password x``, ``NAME_TOKEN=x``, and URIs."""
    shown: list[str] = []
    hide_next = False
    for word in command:
        if hide_next and not word.startswith("--"):
            shown.append(HIDDEN)
            hide_next = False
            continue
        hide_next = word.startswith("-") and "=" not in word and (is_secret_name(word) or word.strip("-") == "pass")
        shown.append(_redact_word(word))
    return tuple(shown)


def _redact_word(word: str) -> str:
    """Hide all that follows ``secret-name=`` in one word, which may hold spaces and commas."""
    for sign in re.finditer(r"=", word):
        name = re.split(r"[\s=]", word[: sign.start()].rstrip())[-1]
        if "://" not in name and is_secret_name(name):
            return redact_value(word[: sign.start()]) + "=" + HIDDEN
    return redact_value(word)


def _hide_assigned(found: re.Match[str]) -> str:
    name, sign, value = found.groups()
    return f"{name}{sign}{HIDDEN}" if is_secret_name(name) else f"{name}{sign}{value}"


def _public(query: str) -> str:
    """Keep the parameters of a query or fragment that promise no secret."""
    return "&".join(part for part in query.split("&") if not _promises_secret(part.partition("=")[0]))


def _promises_secret(parameter: str) -> bool:
    return is_secret_name(parameter) or parameter.lower() in {"key", "code", "pass"}


def redact_source(text: str, *, code: bool) -> str:
    """Redact a file: as a text, and what is given a secret name: quoted texts, in settings any value."""
    shown = _without_literals(redact_text(text))
    return shown if code else _ASSIGNED.sub(_hide_assigned, shown)


def redact_diff(diff: str) -> str:
    """Redact a patch: as a text, and added lines as the file that they are of; the others are in the repository.

    A line that is too long for settings written by hand is taken for code.
    """
    lines, code = redact_text(diff).split("\n"), True
    for number, line in enumerate(lines):
        if line.startswith("+++ "):
            name = line.rstrip('\t"')  # as git writes names that hold spaces or other letters
            code = not (name.endswith((*_SETTINGS, *_SHELL)) or _NAMED_SETTINGS.search(name))
        elif line.startswith("+"):
            shown = _without_literals(line)
            if not code and len(line) <= LONGEST_SETTING:
                shown = _OPTION.sub(_hide_option, _ASSIGNED.sub(_hide_assigned, shown))
            lines[number] = shown
    return "\n".join(lines)


def _without_literals(text: str) -> str:
    return _SET.sub(_hide_set, _LITERAL.sub(_hide_literal, text))


def _hide_literal(found: re.Match[str]) -> str:
    name, sign, quote, _ = found.groups()
    return f"{name}{sign}{quote}{HIDDEN}{quote}" if is_secret_name(name) else found[0]


def _hide_set(found: re.Match[str]) -> str:
    call, name, comma, quote, _ = found.groups()
    return f"{call}{name}{comma}{quote}{HIDDEN}{quote}" if is_secret_name(name) else found[0]


def _hide_option(found: re.Match[str]) -> str:
    begin, name, space, _ = found.groups()
    return f"{begin}{name}{space}{HIDDEN}" if is_secret_name(name) else found[0]
