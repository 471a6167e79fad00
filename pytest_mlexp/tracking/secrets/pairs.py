"""What a text gives to a secret name, in whatever language: the name, what joins them, and the value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum

from pytest_mlexp.tracking.secrets.names import HIDDEN, PART, is_harmless, is_secret_name, is_secret_parameter


class Kind(Enum):
    """How a text gives values to names."""

    CODE = "in quotes; a bare word is a variable"
    PROSE = "as code, or in commands that it quotes, name=value"
    WORDS = "a value ends with the word, as in a shell"
    LINES = "a value may hold spaces if its name comes first in the line, as in YAML"
    ARGUMENT = "a value may hold anything and ends with the text"


_SETTINGS = (Kind.WORDS, Kind.LINES, Kind.ARGUMENT)
_PART = re.compile(PART)
_Span = tuple[int, int, str]  # a value, and what is shown of it

# Repeats are bounded where a line may hold a million characters.
_REACH = 300  # from a line with a name to the value
_SPACE = r"[ \t]{0,20}"
_NAME = r"(?P<name>[\w.\-]{1,200}+)"
_QUOTE = r"\\{0,3}['\"]"
_MAY = rf"(?:{_QUOTE})?"

# Values in quotes.
_TEXT = re.compile(
    r"(?m)(?P<prefix>[bBrRfFuU]{0,2})(?P<quote>\\{0,3}(?:(?P<triple>\"{3}|'{3})|[\"']))"
    r"(?P<value>(?:(?!(?P=quote))(?:\\.|[^\\\n]|(?(triple)\\?\n|(?!)))){1,100000}+)(?P<end>(?P=quote)|\\?$)"
)
_BRACKET = r"[\[(](?:\s{0,200}+(?!\"{3}|'{3})|[ \t]{0,20})(?:[\w.]{1,100}\s{0,20},\s{0,200})?"
_OPEN = re.compile(rf"(?P<bracket>{_BRACKET})|(?:\\\r?\n\s{{0,200}})?")
_LISTED = re.compile(r"[\s+.,\\]{0,400}")
_NO_KEY = r"(?!\"{3}|'{3}|(?:\"[^\"\n]{0,200}\"|'[^'\n]{0,200}')[ \t]{0,20}[:=])"
_JOINED = re.compile(rf"[ \t]if [^\n'\"]{{1,100}} else[ \t]|[ \t+.\\]{{0,200}}(?:\r?\n[ \t+.]{{0,200}}{_NO_KEY})?")
# '"password=" + word + "&"' ends a text where '"password" = "' begins one.
_AFTER_TEXT = re.compile(r"\s*(?:[,+%](?:\s|$)|$)|[)\]}:]+\s*$|\.(?:format|join)\(")

# Values without quotes.
_NESTED = r"[{\[](?:[\"'\s{}\[\]]|[\w.\-]{1,100}['\"]?[ \t]{0,4}[:=]|$)"
_WORD_FORM = (
    rf"(?m)(?![\-=|]|{_QUOTE}|{_NESTED}|[\w.]{{1,60}}\({_QUOTE})"
    r"(?:\$?\{\{[^{}\n]{1,200}\}\}|\{[^{}\n]{1,400}\}(?=;)"
    r"|(?:[^\s;&,'\"`]|,(?!\s{0,4}['\"]?[\w.\-]{1,100}['\"]?\s{0,4}[=:])){1,4000}+)"
)
_WORD, _SHELL_WORD = re.compile(_WORD_FORM), re.compile(_WORD_FORM.replace("&,'\\\"`]", "&,]"))
_LINE = re.compile(rf"(?m)(?![\"']|{_NESTED})\S[^\n\r]*+")
_ALL = re.compile(r"(?s)[^\s'\"].*+")
_INNER = re.compile(r"[^<>\n]{1,1000}")
# A comment, or another pair that no comma parts from this one, says that a word is no variable.
_COMMENT, _PAIR = re.compile(r"(?:^|\s)(?:#|//)"), re.compile(r"[?&;] ?$|\w=[^\s,()]{1,99} {1,4}$")
_WORD_BEFORE_PAIR = re.compile(
    rf"{_WORD_FORM.replace('4000', '400')}(?=;\s?[A-Za-z][\w ]{{0,60}}=| {{1,4}}\w{{1,60}}=\S)"
)
_TEMPLATE = re.compile(r"\{[\w.\[\]()!:]*\}?\W*|\$.*|%s|%?\(\w+\)s?")
_PLAIN = re.compile(r"[A-Za-z<>\[\]()|.,:*_\-]*")

# Values on the lines below.
_LEAD = re.compile(r"[ \t#;/*\-]*+(?:export[ \t]{1,20})?['\"]?")
_INDENT = re.compile(r"([ \t]*+(?:-[ \t]{1,8})?)['\"]?")
_HEADING = re.compile(r"(?:![\w\-]{1,40}[ \t]{1,4})?(?P<scalar>[|>][+\-\d]{0,2})?[ \t]*+(?:#.*)?\r?\n")
_ENTRY = re.compile(r"\t|[ \t]*+(?:-[ \t]{1,8})?['\"]?[\w.\-]{1,200}['\"]?[ \t]{0,20}(?:=|:(?=\s|$))")
_ITEM = re.compile(r"(?P<indent>[ \t]*+)(?P<dash>-[ \t]{1,8})?(?P<value>[^\r\n]*)\r?\n?")

# All that stands before a value, and what it is without quotes.
_WRAPPED = r"(?:(?:Secret\w{0,9}|[Ff]ield|str|bytes|String::from)\((?:default ?= ?)?)?"
_HINT = rf":[\w. |]{{1,60}}(?:\[[\w\[\]., |]{{1,60}}\][\w. |]{{0,20}})?=(?=\s{{0,200}}{_WRAPPED}{_QUOTE})"
_SIGN = rf"(?:{_HINT}|(?P<compared>[=!]==?)|[:?+!]{{0,2}}=>?|<-|:(?![:=/])|(?<=Auth)(?=\())"
_OR = rf"(?:{_MAY}[\])])?{_SPACE}(?:or|\|\||\?\?)(?={_SPACE}{_QUOTE})"
_BELOW = rf"(?:(?<==)\s{{0,200}}(?={_QUOTE})|{_SPACE})"
_SETTER = r"(?<!\w)(?:ENV|ARG|setx?|setenv|config|%(?:set_)?env)(?:[ \t]{1,20}-[\w\-]{1,30}){0,3}[ \t]{1,20}"
_FIRST_ARGUMENT = rf"(?:(?!['\"][^'\"\n]{{0,100}}(?i:{PART}))[^()\[]{{0,80}}?,\s{{0,80}})?"
_CALL = rf"\b(?i:get|set|put|pop)\w{{0,40}}\(\s{{0,80}}{_FIRST_ARGUMENT}"
_NEXT = r"['\"]\s{0,80},\s{0,80}(?!['\"]-)"
_DEFAULT = rf"['\"](?:[^()]|\([^()]{{0,99}}\)){{0,300}}?\bdefault{_SPACE}={_SPACE}"
_THEN = r"(?:=|[ \t]{1,20}|\r?\n[ \t]{0,80}-[ \t]{1,9})"
_ASSIGNED = re.compile(
    rf"(?<![\w.\-]){_NAME}(?:{_MAY}(?:\[\d{{0,9}}\]|\]|[ \t]string)?{_SPACE}{_SIGN}|{_OR}){_BELOW}{_WRAPPED}"
)
_FORMS = {
    _ASSIGNED: None,
    re.compile(rf"(?<![\w\-])(?=--?\w){_NAME}{_THEN}"): _WORD,
    re.compile(rf"{_SETTER}{_NAME}{_THEN}"): _WORD,
    re.compile(rf"(?m)^[ \t]*+(?=\S+[ \t]+[^\s:={{\[\"'\-]\S*[ \t\r]*$){_NAME}[ \t]{{1,20}}"): _LINE,
    re.compile(rf"{_CALL}['\"]{_NAME}{_NEXT}"): None,
    re.compile(rf"(?<!option\()(?<!argument\()['\"](?=--?\w){_NAME}{_NEXT}"): None,
    re.compile(rf"['\"](?=--?\w){_NAME}{_DEFAULT}"): None,
    re.compile(rf"\b(?:name|key){_MAY}\s?[:=]\s?{_MAY}{_NAME}{_MAY},?\s{{1,200}}{_MAY}value{_MAY}\s?[:=]\s?"): _LINE,
    re.compile(r"<(?P<name>[\w.\-]{1,100}+)(?:\s[^<>\n]{0,200})?>(?=[^<>\n]{1,1000}</)"): _INNER,
}


def hide_pairs(text: str, kind: Kind) -> str:
    """Hide the values of secret names; the number of lines stays."""
    places = _places(text)
    spans = [span for form in _FORMS for span in _spans(text, places, form, kind)]
    parts: list[str] = []
    done = 0
    for start, end, shown in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= done:
            parts += [text[done:start], shown]
            done = end
    return "".join([*parts, text[done:]])


def _places(text: str) -> list[tuple[int, int]]:
    """The lines that may hold a name, each with the one before it, in which a call may begin; neighbours together."""
    places: list[tuple[int, int]] = []
    before = start = 0
    for line in text.split("\n"):
        if _PART.search(line.lower()):
            first = places.pop()[0] if places and places[-1][1] + 1 >= before else before
            places.append((first, start + len(line)))
        before, start = start, start + len(line) + 1
    return places


def _spans(text: str, places: list[tuple[int, int]], form: re.Pattern[str], kind: Kind) -> Iterator[_Span]:
    place = 0
    for start, end in places:
        place = max(start, place)
        while (begin := form.search(text, place, end + _REACH)) and begin.start() <= end:
            place = begin.end()
            for span in _values(begin, kind) if _is_secret(begin, kind) else ():
                yield span
                place = max(place, span[1])


def _is_secret(begin: re.Match[str], kind: Kind) -> bool:
    name, start = begin["name"], begin.start("name")
    before = begin.string[start - 1 : start]
    if before in {"?", "&"} and begin.string[begin.end() : begin.end() + 1] not in {"'", '"'}:
        return is_secret_parameter(name)
    whole = kind in _SETTINGS or name[0] == "-" or before in {"'", '"'}
    return is_secret_name(name if whole else name.rpartition(".")[2])


def _before(begin: re.Match[str], end: int | None = None) -> str:
    """What stands before the name, or another place, on its line."""
    end = begin.start("name") if end is None else end
    return begin.string[max(0, end - 1_000) : end].rpartition("\n")[2]


def _is_inside(before: str, quote: str) -> bool:
    """Say whether such a quote has been opened and not closed."""
    return (before.count(quote) - before.count(f"\\{quote}")) % 2 == 1


def _values(begin: re.Match[str], kind: Kind) -> Iterator[_Span]:
    texts = list(_texts(begin))
    for found in texts:
        if not _is_harmless_text(begin, found):
            lines = found["value"].split("\n")
            yield *found.span("value"), "\n".join(HIDDEN if line.strip(" \t\r\\") else line for line in lines)
    if not texts:
        yield from _below(begin) if kind in _SETTINGS else ()
        matches = (pattern.match(begin.string, begin.end()) for pattern in _patterns(begin, kind))
        word = next(filter(None, matches), None)
        yield from _bare(begin, word, kind) if word else ()


def _texts(begin: re.Match[str]) -> Iterator[re.Match[str]]:
    """The texts in quotes: one, several that are joined, or those in brackets."""
    opened = _OPEN.match(begin.string, begin.end())
    place = opened.end() if opened else begin.end()
    between = _LISTED if opened and opened["bracket"] else _JOINED
    while found := _TEXT.match(begin.string, place):
        yield found
        after = between.match(begin.string, found.end()) if found["end"] else None
        if after is None:
            return
        place = after.end()


def _is_harmless_text(begin: re.Match[str], found: re.Match[str]) -> bool:
    name, value = begin["name"].strip("-").lower().rpartition(".")[2], found["value"]
    if begin.groupdict().get("compared") and ("token" in name or name == "pass"):
        return True
    if "_" in value and value.lower() == name.replace("-", "_"):  # API_KEY = "API_KEY" says where it is
        return True
    if is_harmless(value, formatted="f" in found["prefix"].lower()):
        return True
    before = _before(begin, found.start("quote"))
    return _is_inside(before, found["quote"]) and _AFTER_TEXT.match(value) is not None


def _patterns(begin: re.Match[str], kind: Kind) -> Iterator[re.Pattern[str]]:
    """What a value without quotes may be, the most telling first."""
    before, pattern = _before(begin), _FORMS[begin.re]
    if pattern and (pattern is not _LINE or kind is Kind.LINES):
        yield pattern
    if begin.re is not _ASSIGNED or begin["compared"] or before.endswith("$"):
        return
    if kind is Kind.ARGUMENT:
        yield _ALL
    if kind is Kind.LINES and _LEAD.fullmatch(before):
        yield _LINE
    if kind in _SETTINGS:
        yield _SHELL_WORD
    elif begin[0] == f"{begin['name']}=":
        told = kind is Kind.PROSE or begin["name"].isupper() or _is_inside(before, "'") or _is_inside(before, '"')
        yield _WORD if told or _COMMENT.search(before) or _PAIR.search(before[-100:]) else _WORD_BEFORE_PAIR


def _bare(begin: re.Match[str], found: re.Match[str], kind: Kind) -> Iterator[_Span]:
    """A value without quotes, less what stands around it."""
    value = found[0]
    core = value.lstrip("[{(").rstrip(" \t\r}])\"',\\")
    if not core or any(is_harmless(text) for text in (value, core, value.partition(" #")[0].rstrip("\"', "))):
        return
    braced = value[0] == "{" and begin.string[found.end() : found.end() + 1] == ";" and not is_secret_parameter(core)
    plain = len(core) == 1 or (begin[0][-1].isspace() and _PLAIN.fullmatch(value))
    if kind in _SETTINGS or not (plain or (_TEMPLATE.fullmatch(value) and not braced)):
        place = found.start() + value.index(core)
        yield place, place + len(core), HIDDEN


def _below(begin: re.Match[str]) -> Iterator[_Span]:
    """A block scalar, the values of a list, or a value that stands alone below its name."""
    text, lead = begin.string, _INDENT.fullmatch(_before(begin))
    heading = _HEADING.match(text, begin.end()) if lead else None
    place = heading.end() if heading else len(text)
    while heading and lead and place < len(text) and (line := _ITEM.match(text, place)):
        deeper = len(line["indent"]) - len(lead[1])
        entry = not heading["scalar"] and _ENTRY.match(text, place)
        if line["value"] and (entry or deeper < 0 or (deeper == 0 and not line["dash"])):
            break
        if line["value"]:
            yield *line.span("value"), HIDDEN
        place = line.end()
