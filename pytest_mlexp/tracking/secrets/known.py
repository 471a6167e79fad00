"""What is a secret wherever it stands, whatever its name: tokens, headers, private keys, credentials in addresses."""

from __future__ import annotations

import re
from itertools import takewhile
from operator import itemgetter

from pytest_mlexp.tracking.secrets.names import HIDDEN, is_secret_parameter
from pytest_mlexp.tracking.secrets.pairs import Kind, hide_pairs

_TOKEN = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{22,}|gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|agent)-[\w\-]{20,}"
    r"|hf_[A-Za-z0-9]{30,}|sk-(?=[A-Za-z_\-]{0,200}\d)[\w\-]{20,}|xox[abeprs]-[\w\-]{10,}|xapp-\d-[\w\-]{10,}"
    r"|pypi-AgE[\w\-]{16,}|(?:AKIA|ASIA)[A-Z0-9]{16}|dapi[0-9a-f]{32}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|whsec_[A-Za-z0-9+/]{24,}|AIza[\w\-]{35}|GOCSPX-[\w\-]{20,}|ya29\.[\w\-]{20,}|SG\.[\w\-]{16,32}\.[\w\-]{16,64}"
    r"|npm_[A-Za-z0-9]{36}|SK[0-9a-f]{32}|key-[0-9a-f]{32}|do[opr]_v1_[0-9a-f]{64}|shp(?:at|ca|pa|ss)_[0-9a-f]{32}"
    r"|ATATT3[\w\-=]{20,}|gsk_[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{37}|pplx-[A-Za-z0-9]{40,}|lin_api_[A-Za-z0-9]{32,}"
    r"|dckr_pat_[\w\-]{20,}|gl(?:sa|c)_[\w=]{32,}|sntrys_[\w=+/]{32,}|hv[sb]\.[\w\-]{24,}|AGE-SECRET-KEY-1[A-Z0-9]{50,}"
    r"|\d{8,10}:AA[\w\-]{33}|eyJ[\w\-]{8,600}\.eyJ[\w\-]{8,}(?:\.[\w\-]+)?)"
    r"|\$(?:2[aby]|apr1|[156y]|argon2id?)\$[\w./$=,+\-]{12,400}"
)
_VALUE = r"(?![{$%<*])(?:[^\s'\"\\,]|,(?=[^\s'\"\\])|(?<==)\\?\"[^\"\n]{0,500}\"|,[ \t]{1,4}(?=[\w\-]{1,40}=)){1,2000}"
_WORDS = r"(?![{$%<*])[^'\"\n\\,]{1,1000}"
_SCHEMES = r"(?:bearer|basic|token|digest|negotiate|ntlm|hawk|oauth|api-?key|aws4-[\w\-]{1,20})"
_HEADS = r"(?:x-(?:[\w\-]{0,60}-)?|(?:private|job|deploy|auth|api|ocp-apim-subscription)-)"
# What stands before a secret.
_FORMS = [
    re.compile(f"({before}){value}")
    for value, places in {
        _VALUE: (
            r"(?i:\bbearer)[ \t]{1,4}(?=[\w.~+/\-]{20}|[\w.~+/\-]{0,19}\d)(?=[\w.~+/\-]{6})",
            rf"(?i:\bauthorization\W{{1,4}}{_SCHEMES})[ \t]+",
            r"\bwandb login (?:--?\w+ ){0,3}(?=[\w\-]{20})",
            r"\blogin\((?:\w+=[^,()\n]{0,100}, ?){0,3}key ?= ?\\?['\"](?=[\w\-]{20})",
            r"\"username\": ?\"[^\"\n]{1,100}\", ?\"key\": ?\"(?=[0-9a-f]{32}\")",
            r"\b(?:machine \S{1,200}|default) +login +\S{1,200} +(?:account +\S{1,200} +)?password +",
            r"(?<![^\s'\"])(?:-u|--user|--proxy-user)(?:[ =]|['\"], ?)['\"]?(?!\d+:\d|\$)[^\s:/'\"]{1,200}:(?!:|//)",
            r"\b(?:sshpass|mysql\w{0,9}|mariadb|login)(?:[ \t]+[^\s|;&'\"]{1,99}){0,12}?[ \t]+-p[ \t]{0,3}['\"]?",
            r"(?m:^(?=[^\s:#]{1,200}:(?:\d{4,5}|\*):[^\s:]+:[^\s:]+:[^\s:]+\s*$))(?:[^\s:]+:){4}",
            r"\b(?i:hooks\.slack\.com/\w{1,20}|discord(?:app)?\.com/api/webhooks|webhook\.office\.com/webhookb2)/",
            r"\bapi\.telegram\.org/bot",
        ),
        _WORDS: (
            rf"(?<![\w\-])(?i:{_HEADS}(?:token|key|secret|password|auth|authorization)):[ \t]{{0,4}}(?=\S)",
            rf"(?<=['\"])(?i:(?:proxy-)?authorization|(?:set-)?cookie):[ \t]{{0,4}}(?!(?i:{_SCHEMES}) )(?=\S)",
            r"\b(?:IDENTIFIED BY|PASSWORD|with password) '",
        ),
    }.items()
    for before in places
]
_MARK = re.compile(
    r"(-{4,5} ?(?:BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)? ?-{4,5}|\bPrivate-Lines: \d+|\bPrivate-MAC: )"
)
_SHORTEST = 16
_AFTER = r"(?:\\{1,3}[nr]|[ \t\r\"'\\,;+)])*+"
_BODY = re.compile(
    r"((?:[ \t\"'#>*|(]|\\(?![nr])){0,200}+(?:[bBrRuU]{1,2}(?=[\"']))?[\"']?)"
    rf"(?:([A-Za-z0-9+/=]++)({_AFTER})|(?:Proc-Type|DEK-Info|Version|Comment|Hash):.{{0,200}}|{_AFTER})"
)
_OPENED = re.compile(r"((?:\\{1,3}[nr]|[ \t])*+)[A-Za-z0-9+/=]{16}(?:[A-Za-z0-9+/= ]|\\{1,3}[nr])*+")

# Repeats are bounded where a diff may hold a line of a million characters.
_URI = re.compile(r"(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]{0,30}://[^\s'\"<>\\]+")
# A password that nobody quoted may hold any character, so "scheme://user:" reaches to the last "@".
_USER = re.compile(r"(?<=://)[^\s/:@]{0,200}:(?!\d+(?:[/?#]|$))\S{0,400}@|(?<=\w://)[^\s/?#'\"<>]*@")
_BARE_USER = re.compile(r"[^\s/:@'\"=\\]{2,200}:[^\s/:@'\"]{1,400}@(?!sha256:)")
_ORACLE_USER = re.compile(r"((?i:\bjdbc:oracle:)\w{1,10}:)[^\s@'\"]{1,400}@")
# "{user}:{password}@" in a template says only where the password comes from.
_TEMPLATE = r"(?:<[\w\-]{1,100}>|\$?\{[^\s{}]{0,100}\}|\$[A-Z_][A-Z0-9_]{2,100}|%s)"
_TEMPLATE_USER = re.compile(rf"(?:(?:[\w.\-]{{0,100}}|{_TEMPLATE}):)?{_TEMPLATE}@(?![^\s'\"]{{0,400}}@)")
_PATH_PARAMETER = re.compile(r";([\w.\- ]{1,100})=[^;]*")
_PARTS = re.compile(r"[^?#]+|\?[^#]*|#.*", re.DOTALL)


def hide_known(text: str) -> str:
    """Hide what is known by its form; the number of lines stays."""
    return _hide_forms(_hide_uris(_hide_keys(text)))


def redact_uri(uri: str) -> str:
    """Remove user, password and secret parameters from a URI; scheme, host, port and path stay.

    The ``git@host:path`` form has no password and stays as it is.
    """
    bare = _USER.sub("", _ORACLE_USER.sub(r"\1@", uri))
    return _public(bare) if "://" in bare else hide_pairs(hide_bare_users(bare), Kind.PROSE)


def _hide_uris(text: str) -> str:
    """Redact every URI in a text; a template such as ``{user}:{password}@`` stays."""
    text = _ORACLE_USER.sub(r"\1@", text)
    if "://" not in text:
        return text
    text = _USER.sub(lambda found: found[0] if _TEMPLATE_USER.match(text, found.start()) else "", text)
    return _URI.sub(lambda found: _public(found[0]), text)


def hide_bare_users(text: str) -> str:
    """Remove ``user:password@`` where no scheme stands before it."""
    return _BARE_USER.sub("", text)


def _public(uri: str) -> str:
    if ";" in re.split(r"[?#]", uri)[0]:  # of JDBC, where these two are part of a password
        uri = hide_pairs(uri, Kind.PROSE)
    return "".join(_kept(part) for part in _PARTS.findall(_hide_forms(uri)))


def _kept(part: str) -> str:
    """A path, query or fragment less the parameters that promise a secret, and its sign if none is left."""
    if part[0] not in "?#":
        return _PATH_PARAMETER.sub(lambda found: "" if is_secret_parameter(found[1]) else found[0], part)
    pieces = part[1:].split("&")
    kept = [piece for piece in pieces if not any(map(_is_secret, piece.split(";")))]
    if len(kept) == len(pieces):
        return part
    return part[0] + "&".join(kept) if kept else ""


def _is_secret(piece: str) -> bool:
    name, _, value = piece.partition("=")
    return bool(value) and is_secret_parameter(name)


def _hide_forms(text: str) -> str:
    """Hide tokens of well-known services, headers, bearer tokens, and passwords in commands."""
    text = _TOKEN.sub(HIDDEN, text)
    for form in _FORMS:
        text = form.sub(rf"\1{HIDDEN}", text)
    return text


def _hide_keys(text: str) -> str:
    """Hide the material of private keys, also of a part of one; the marks and the number of lines stay."""
    first, *pieces = _MARK.split(text)
    texts, marks = [first, *pieces[1::2]], ["", *pieces[::2], ""]
    shown = map(_without_material, texts, marks, marks[1:])
    return "".join(mark + part for mark, part in zip(marks, shown, strict=False))


def _without_material(text: str, before: str, after: str) -> str:
    """Hide the material that follows a first mark, and what stands before a last one."""
    begun, ended = bool(re.search("BEGIN|Lines", before)), bool(re.search("END|MAC", after))
    lines = text.split("\n")
    if begun and ended and len(lines) == 1:
        return HIDDEN if len(text) >= _SHORTEST else text
    if begun:
        lines[0] = _OPENED.sub(rf"\1{HIDDEN}", lines[0])
    if ended:
        _hide_body(lines, range(len(lines) - 2, begun - 1, -1))
    if begun:
        _hide_body(lines, range(1, len(lines)))
    return "\n".join(lines)


def _hide_body(lines: list[str], numbers: range) -> None:
    """Hide the lines of material that come first, if one of them is too long for a word."""
    matches = ((number, _BODY.fullmatch(lines[number])) for number in numbers)
    found = {number: match for number, match in takewhile(itemgetter(1), matches) if match and match[2]}
    if any(len(match[2]) >= _SHORTEST for match in found.values()):
        for number, match in found.items():
            lines[number] = f"{match[1]}{HIDDEN}{match[3]}"
