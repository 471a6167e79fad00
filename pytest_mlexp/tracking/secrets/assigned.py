"""What is given a secret name: quoted texts, defaults and options, and in settings any value."""

from __future__ import annotations

import re

from pytest_mlexp.tracking.secrets.names import HIDDEN, is_harmless, is_secret_name
from pytest_mlexp.tracking.secrets.replacing import Form, replace

LONGEST_JOINED = 2_000

# Repeats are bounded where a line may hold a million characters.
_NAME = r"(?P<name>[\w\-]{1,200})"
_WORD = r"(?P<name>[\w.\-]{1,200})"
_QUOTED = (
    r"(?P<prefix>[bBrRfFuU]{0,2})(?P<quote>\\{0,3}(?:\"{3}|'{3}|[\"']))"
    r"(?P<value>(?:(?!(?P=quote))(?:\\.|[^\\\n])){1,100000}+)(?P<end>(?P=quote)|\\?$)"
)
_AHEAD = r"(?=[bBrRfFuU]{0,2}\\{0,3}[\"'])"
_HINT = r":[\w. |]{1,60}(?:\[[\w\[\]., |]{1,60}\][\w. |]{0,20})?="
_WRAPPED = r"(?:(?:SecretStr|SecretBytes|Secret|Field|field|str|bytes)\((?:default ?= ?)?)?"
_SIGN = rf"(?:\\{{0,3}}['\"]?\]?\s{{0,20}}(?:{_HINT}|(?P<compared>[=!]=)|[:?+]?=|:)\s{{0,20}})"
_ASSIGNMENT = Form.of(rf"(?<![\w\-]){_NAME}{_SIGN}{_WRAPPED}{_AHEAD}", _QUOTED)
_LITERALS = (
    _ASSIGNMENT,
    *(
        Form.of(f"{begin}{_AHEAD}", _QUOTED)
        for begin in (
            rf"(?:environ\.(?:get|setdefault|pop)|[sg]etenv|putenv)\(\s{{0,20}}['\"]{_NAME}['\"]\s{{0,20}},\s{{0,20}}",
            rf"['\"]--?{_NAME}['\"][^\n]{{0,300}}?\bdefault\s?=\s?",
            rf"(?<!option\()(?<!argument\()['\"]--?{_NAME}['\"]\s{{0,20}},\s{{0,20}}(?!['\"]-)",
            r"\b\w{0,40}(?P<name>Auth)\(\s?['\"][^'\"\n]{0,200}['\"],\s?",
            rf"\b(?:name|key)\\?['\"]?\s?[:=]\s?\\?['\"]{_NAME}\\?['\"],?\s{{1,20}}\\?['\"]?value\\?['\"]?\s?[:=]\s?",
        )
    ),
)
_ITEM = re.compile(_QUOTED.replace("{1,", "{0,"), re.MULTILINE)
_JOINED = re.compile(
    r"(?<=\*{3}[\"'])(?:\s{0,20}\+?\s{0,20}[bBrRfFuU]{0,2}(?:\"(?:\\.|[^\"\\\n]){1,4000}+\"|'(?:\\.|[^'\\\n]){1,4000}+'))+"
)
_LISTED = Form.of(rf"(?<![\w\-]){_NAME}{_SIGN}[\[(]\s{{0,20}}{_AHEAD}", r"(?P<value>[^\])\n]{1,4000})")
_ELEMENT = Form.of(r"<(?P<name>[\w.\-]{1,100})(?:\s[^<>\n]{0,200})?>", r"(?P<value>[^<>\n]{1,1000})(?=</)")
# '"password=" + word + "&"' ends a text where '"password" = "' begins one.
_AFTER_TEXT = re.compile(r"\s*(?:[,+%](?:\s|$)|$)|[)\]}:]+\s*$|\.(?:format|join)\(")

_REFERENCE = r"\$\{\{[^{}\n]{1,200}\}\}"
_VALUE = r"(?P<value>\"[^\"\n]{1,1000}\"|'[^'\n]{1,1000}'|[^\s\-='\"|;&][^\s'\"`]{0,1000})"
_SETTER = r"\b(?:ENV|ARG|setenv|config|set)(?:[ \t]{1,20}-[\w\-]{1,30}){0,3}[ \t]{1,20}"
_OPTION = Form.of(rf"(?:(?<![\w\-])--?|{_SETTER}){_WORD}[ \t]{{1,20}}", _VALUE)
_GLUED = Form.of(rf"(?<![\w\-])--?{_WORD}=", r"(?P<value>[^\s'\"`,)]{1,1000})")
_USER = re.compile(
    r"((?<![^\s'\"])(?:-u|--user|--proxy-user)[ =]['\"]?)(?!\d{1,9}:\d|\$)[^\s:/'\"]{1,200}:(?!:|//)[^\s'\"]{1,400}"
)
_SHORT = re.compile(
    r"(\b(?:sshpass|mysql\w{0,10}|mariadb|login)(?:[ \t]{1,8}[^\s|;&'\"]{1,100}){0,12}?[ \t]{1,8}-p[ \t]{0,3}['\"]?)"
    r"[^\s'\"|;&$]{1,400}"
)
_NESTED = r"[{\[](?:[\"'\s{}\[\]]|[\w.\-]{1,100}['\"]?[ \t]{0,4}[:=]|$)"
_ASSIGNED = Form.of(
    rf"(?<![\w.\-$]){_WORD}\\{{0,3}}['\"]?[ \t]{{0,20}}(?:[:?+!]{{0,2}}=(?!=)|:(?![:=/]))[ \t]{{0,20}}"
    rf"(?!\\?[\"']|{_NESTED})",
    rf"(?P<value>{_REFERENCE}|(?:[^\s;&,]|,(?!\s{{0,4}}['\"]?[\w.\-]{{1,100}}['\"]?\s{{0,4}}[=:])){{1,4000}})",
)
_UNSPACED = Form.of(rf"(?<![\w.\-$]){_WORD}=(?![=\"'])", r"(?P<value>[^\s;&)`\"']{1,4000})")
_LINE = Form.of(
    rf"^[ \t#;/*\-]*+(?:export[ \t]{{1,20}})?['\"]?{_WORD}['\"]?[ \t]{{0,20}}(?:[:?+]?=(?!=)|:(?![:=/]))[ \t]{{0,20}}",
    rf"(?![\"']|{_NESTED})(?P<value>[^\s\r][^\n\r]*+)",
)
_TWO_WORDS = Form.of(rf"^[ \t]*+{_WORD}[ \t]{{1,20}}", r"(?P<value>[^\s:={\[\"'][^\s]*+)(?=\s*+$)")
_PGPASS = re.compile(r"^([^\s:#]{1,200}:(?:\d{2,5}|\*):[^\s:]{1,200}:[^\s:]{1,200}:)[^\s:]{1,400}(?=\s*$)")


def hide_literals(text: str) -> str:
    """Hide quoted texts that are given a secret name, whatever the language."""
    if '"' in text or "'" in text:
        before = text
        for form in _LITERALS:
            text = replace(form, text, _literal)
        text = text if text == before else _JOINED.sub("", text)
        text = replace(_LISTED, text, lambda _, listed: _ITEM.sub(_item, listed["value"]))
    return replace(_ELEMENT, text, lambda _begin, _value: HIDDEN)


def ends_with_secret(line: str) -> bool:
    """Say whether the last thing of a line is a quoted text that is given a secret name."""
    bare = line.rstrip(" \\")
    if len(bare) > LONGEST_JOINED or bare[-1:] not in {'"', "'"}:
        return False
    secret = [begin.end() for begin in _ASSIGNMENT.begin.finditer(bare) if is_secret_name(begin["name"])]
    texts = (_ASSIGNMENT.value.match(bare, place) for place in secret)
    return any(text is not None and text.end() == len(bare) for text in texts)


def hide_options(text: str) -> str:
    """Hide the values of options, of ``ENV NAME value`` and the like, and of ``-u user:password``."""
    text = replace(_OPTION, replace(_GLUED, text, _hidden), _hidden)
    return _SHORT.sub(rf"\1{HIDDEN}", _USER.sub(rf"\1{HIDDEN}", text))


def hide_telling_options(text: str) -> str:
    """Hide what stands after options where words may follow them, "use --token to log in", and no word is meant."""
    text = replace(_OPTION, replace(_GLUED, text, _unless_template), _unless_word)
    return _USER.sub(rf"\1{HIDDEN}", text)


def hide_assigned(text: str) -> str:
    """Hide ``name=value`` and ``name: value``, up to a space or the next name."""
    return replace(_ASSIGNED, text, _hidden)


def hide_unspaced(text: str) -> str:
    """Hide ``NAME=value`` as a shell wants it."""
    return replace(_UNSPACED, text, _hidden)


def hide_line(line: str) -> str:
    """Hide the rest of a line that begins with a secret name, and the last field of a line of a ``.pgpass``."""
    line = replace(_TWO_WORDS, replace(_LINE, line, _hidden), _hidden)
    return _PGPASS.sub(rf"\1{HIDDEN}", line)


def _literal(begin: re.Match[str], text: re.Match[str]) -> str | None:
    name, value = begin["name"].lower(), text["value"]
    compared = begin.groupdict().get("compared") and ("token" in name or name == "pass")
    named = "_" in name and value.lower() == name  # API_KEY = "API_KEY" says where it is
    harmless = compared or named or is_harmless(value, formatted="f" in text["prefix"].lower())
    return None if harmless or _is_after_text(begin, text) else HIDDEN


def _is_after_text(begin: re.Match[str], text: re.Match[str]) -> bool:
    """Say whether the quote ends a text that began before the name."""
    if _AFTER_TEXT.match(text["value"]) is None:
        return False
    before, quote = begin.string[: begin.end()], text["quote"]
    return (before.count(quote) - before.count(f"\\{quote}")) % 2 == 1


def _item(text: re.Match[str]) -> str:
    if not text["value"] or text["end"] != text["quote"]:
        return text[0]
    return f"{text['prefix']}{text['quote']}{HIDDEN}{text['end']}"


def _hidden(_begin: re.Match[str], found: re.Match[str]) -> str | None:
    """A value without quotes, hidden; closing signs and quotes stay."""
    value = found["value"]
    quote = value[0] if value[0] in "\"'" and value[-1] == value[0] and len(value) > 1 else ""
    bare = value.strip(quote) if quote else value.rstrip(" \t}])\"',\\")
    if not bare or any(is_harmless(text.partition(" #")[0].rstrip("\"', ")) for text in (value, bare)):
        return None
    if bare.startswith("["):
        return f"[{HIDDEN}{value[len(bare) :]}"
    return f"{quote}{HIDDEN}{quote}" if quote else HIDDEN + value[len(bare) :]


def _unless_template(begin: re.Match[str], found: re.Match[str]) -> str | None:
    return None if re.fullmatch(r"\{[\w.\[\]()]*\}?", found["value"]) else _hidden(begin, found)


def _unless_word(begin: re.Match[str], found: re.Match[str]) -> str | None:
    return None if re.fullmatch(r"[A-Za-z<>\[\]()|.,:*_\-]*", found["value"]) else _hidden(begin, found)
