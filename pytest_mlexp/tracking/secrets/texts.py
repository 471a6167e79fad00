"""Texts of all kinds: messages, variables, command lines; files and patches, which must lose the same.

A secret does not depend on whether git tracks its file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from pytest_mlexp.tracking.secrets.known import hide_bare_users, hide_known
from pytest_mlexp.tracking.secrets.names import HIDDEN, is_secret_name
from pytest_mlexp.tracking.secrets.pairs import Kind, hide_pairs

_SUFFIXES = {
    Kind.CODE: "py pyi pyx pxd pxi ipynb c h cc cpp cxx hh hpp hxx cu cuh m mm rs go java kt kts scala clj groovy"
    " gradle js jsx mjs cjs ts tsx vue svelte cs fs vb rb php pl pm r jl lua swift dart sql css scss less proto"
    " thrift asm s f f90 f95 hs ml ex exs erl zig nim stan jenkinsfile vagrantfile",
    Kind.PROSE: "md markdown rst txt tex html htm svg csv tsv jsonl ndjson lock log diff patch",
    Kind.WORDS: "sh bash zsh ksh csh tcsh fish envrc ps1 psm1 bat cmd json json5 jsonc dockerfile containerfile"
    " procfile justfile bashrc zshrc kshrc shrc bash_profile profile",
}
_KINDS = {suffix: kind for kind, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
_STRING = re.compile(r"(\s*+\")((?:[^\"\\]|\\.)*+)(\",?\s*+)")


def redact_text(text: str) -> str:
    """Redact a text such as a message, and what is given a secret name in it; the number of lines stays."""
    return hide_pairs(hide_known(text), Kind.PROSE)


def redact_value(text: str, kind: Kind = Kind.WORDS) -> str:
    """Redact a short value, such as an environment variable: as a text, and ``name=secret`` in it."""
    return hide_pairs(hide_bare_users(hide_known(text)), kind)


def redact_command(command: Sequence[str]) -> tuple[str, ...]:
    """Redact a command line: ``--api-token=x``, ``--password x``, ``NAME_TOKEN=x``, and URIs."""
    shown: list[str] = []
    hide_next = False
    for word in command:
        hidden = hide_next and not word.startswith("--")
        shown.append(HIDDEN if hidden else redact_value(word, Kind.ARGUMENT))
        hide_next = not hidden and word.startswith("-") and "=" not in word and is_secret_name(word)
    return tuple(shown)


def redact_source(text: str, *, name: str) -> str:
    """Redact a file: as a text, and what is given a secret name: quoted texts, in settings any value.

    Args:
        text: its contents; the number of lines stays.
        name: its path, which tells code from settings.
    """
    return "\n".join(line[1:] for line in _redacted([f"+{line}" for line in text.split("\n")], name))


def redact_diff(diff: str) -> str:
    """Redact a patch: as a text, and added lines as the file that they are of; the others are in the repository."""
    shown: list[str] = []
    hunk: list[str] = []
    name, inside = "", False
    for line in diff.split("\n"):
        header = line.startswith("+++ ") and (not inside or (bool(hunk) and hunk[-1].startswith("--- ")))
        if line.startswith((" ", "+", "-")) and not header:
            hunk.append(line)
            continue
        shown += [*_redacted(hunk, name), hide_known(line)]
        hunk = []
        inside = line.startswith("@@") or (inside and not line.startswith("diff --git "))
        if header:
            name = line[4:].strip('\t"')  # as git writes names that hold spaces or other letters
    return "\n".join([*shown, *_redacted(hunk, name)])


def _kind_of(name: str) -> Kind:
    """Tell the kind of a file; one of an unknown kind, such as ``.netrc``, may well hold settings."""
    parts = [part for part in PurePosixPath(name.lower()).name.split(".") if part] or ["py"]
    return _KINDS.get(parts[-1], Kind.WORDS if _KINDS.get(parts[0]) is Kind.WORDS else Kind.LINES)


def _redacted(hunk: list[str], name: str) -> list[str]:
    """Redact consecutive lines of a patch, in which unchanged lines say what added ones belong to."""
    if not hunk:
        return []
    lines = [line[1:] for line in hunk]
    strings = [_STRING.fullmatch(line) if name.endswith(".ipynb") else None for line in lines]
    texts = list(map(_decoded, lines, strings))
    shown = hide_known("\n".join(text.removesuffix("\n") for text in texts)).split("\n")
    new = [number for number, line in enumerate(hunk) if line[0] != "-"]
    after = hide_pairs("\n".join(shown[number] for number in new), _kind_of(name)).split("\n")
    for number, text in zip(new, after, strict=False):
        if hunk[number][0] == "+":
            shown[number] = text
    return [line[0] + text for line, text in zip(hunk, map(_encoded, lines, strings, texts, shown), strict=True)]


def _decoded(line: str, string: re.Match[str] | None) -> str:
    """The text of a line of a notebook; the line as it is where it holds no string, or several lines."""
    try:
        text: str = json.loads(f'"{string[2]}"') if string else line
    except ValueError:
        return line
    return line if "\n" in text[:-1] else text


def _encoded(line: str, string: re.Match[str] | None, before: str, after: str) -> str:
    end = "\n" if before.endswith("\n") else ""
    if after + end == before:
        return line
    if string is None or before == line:
        return after
    text = json.dumps(after + end, ensure_ascii="\\u" in string[2])
    return f"{string[1]}{text[1:-1]}{string[3]}"
