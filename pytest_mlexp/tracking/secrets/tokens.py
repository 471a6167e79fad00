"""Secrets that are known by their form: tokens of services, bearer tokens and headers."""

from __future__ import annotations

import re

from pytest_mlexp.tracking.secrets.names import HIDDEN, is_secret_name

_KNOWN = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{22,}|gl(?:pat|dt|rt|cbt|ptt|ft|soat|imt|agent)-[\w\-]{20,}"
    r"|hf_[A-Za-z0-9]{30,}|sk-(?=[A-Za-z_\-]{0,200}\d)[\w\-]{20,}|xox[abeprs]-[\w\-]{10,}|xapp-\d-[\w\-]{10,}"
    r"|pypi-AgE[\w\-]{16,}|(?:AKIA|ASIA)[A-Z0-9]{16}|dapi[0-9a-f]{32}|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}"
    r"|whsec_[A-Za-z0-9+/]{24,}|AIza[\w\-]{35}|GOCSPX-[\w\-]{20,}|ya29\.[\w\-]{20,}|SG\.[\w\-]{16,32}\.[\w\-]{16,64}"
    r"|npm_[A-Za-z0-9]{36}|SK[0-9a-f]{32}|key-[0-9a-f]{32}|do[opr]_v1_[0-9a-f]{64}|shp(?:at|ca|pa|ss)_[0-9a-f]{32}"
    r"|ATATT3[\w\-=]{20,}|gsk_[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{37}|pplx-[A-Za-z0-9]{40,}|lin_api_[A-Za-z0-9]{32,}"
    r"|dckr_pat_[\w\-]{20,}|gl(?:sa|c)_[\w=]{32,}|sntrys_[\w=+/]{32,}|hv[sb]\.[\w\-]{24,}|AGE-SECRET-KEY-1[A-Z0-9]{50,}"
    r"|\d{8,10}:AA[\w\-]{33}|eyJ[\w\-]{8,600}\.eyJ[\w\-]{8,}(?:\.[\w\-]+)?)"
)
_HASHED = re.compile(r"\$(?:2[aby]|apr1|[156y]|argon2id?)\$[\w./$=,+\-]{12,400}")
_BEARER = re.compile(r"(?i)(\bbearer[ \t]{1,4})(?=[\w.~+/\-]{20}|[\w.~+/\-]{0,19}\d)([\w.~+/\-]{6,}=*)")
_PARAMETERS = r"(?:(?<==)\\?\"[^\"\n]{0,500}\"|,[ \t]{0,4}(?=[\w\-]{1,40}=)[^\s'\"\\,]{1,500}){0,40}"
_HEADER = re.compile(
    r"(?i)(\bauthorization\W{1,4}(?:bearer|basic|token|digest|negotiate|ntlm|hawk|oauth|apikey|api-key"
    r"|aws4-[\w\-]{1,20})[ \t]+)"
    rf"(?![{{$%])[^\s'\"\\,]+{_PARAMETERS}"
)
_NAMED_HEADER = re.compile(
    r"(?i)((?<![\w\-])(x-[\w\-]{1,60}|(?:private|job|deploy|auth)-token|(?:ocp-apim-subscription|api)-key)"
    r":[ \t]{0,4}|(?<=['\"])((?:proxy-)?authorization|(?:set-)?cookie):[ \t]{0,4})"
    r"(?![{$%*]|bearer |basic |token |digest )[^\s'\"\\,][^'\"\n\\,]{0,1000}"
)
_LOGIN = re.compile(
    r"(\bwandb login (?:--?\w+ ){0,3}|\blogin\((?:\w+=[^,()\n]{0,100}, ?){0,3}key ?= ?['\"])[\w\-]{20,100}"
)
_NETRC = re.compile(
    r"(\b(?:machine \S{1,200}|default) +login +\S{1,200} +(?:account +\S{1,200} +)?password +)(?![{$<%])[^\s'\"\\]+"
)


def hide_tokens(text: str) -> str:
    """Hide tokens of well-known services, JSON web tokens and hashed passwords."""
    return _HASHED.sub(HIDDEN, _KNOWN.sub(HIDDEN, text))


def hide_headers(text: str) -> str:
    """Hide what authorization and API-key headers, bearer tokens and lines of a ``.netrc`` say."""
    text = _BEARER.sub(rf"\1{HIDDEN}", _HEADER.sub(rf"\1{HIDDEN}", text))
    text = _NAMED_HEADER.sub(_hide_header, text)
    return _NETRC.sub(rf"\1{HIDDEN}", _LOGIN.sub(rf"\1{HIDDEN}", text))


def _hide_header(found: re.Match[str]) -> str:
    return f"{found[1]}{HIDDEN}" if is_secret_name(found[2] or found[3]) else found[0]
