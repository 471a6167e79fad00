"""What a file is by its name: in code a bare word is a variable, in settings it is a value."""

from __future__ import annotations

import re
from enum import Enum
from pathlib import PurePosixPath


class Kind(Enum):
    """How a file gives values to names.

    Attributes:
        CODE: in quotes; a bare word is a variable.
        NOTEBOOK: as code, in the texts of its JSON.
        PROSE: as code, or in commands that it quotes: ``NAME=value``.
        WORDS: a value ends with the word, as in a shell or in JSON.
        LINES: a value may hold spaces and ends with the line, as in YAML.
    """

    CODE = "code"
    NOTEBOOK = "notebook"
    PROSE = "prose"
    WORDS = "words"
    LINES = "lines"


_CODE = (
    "py pyi pyx pxd pxi c h cc cpp cxx hh hpp hxx cu cuh m mm rs go java kt kts scala clj groovy gradle js jsx"
    " mjs cjs ts tsx vue svelte cs fs vb rb php pl pm r jl lua swift dart sql css scss less proto thrift asm s f"
    " f90 f95 hs ml ex exs erl zig nim stan"
)
_PROSE = "md markdown rst txt tex html htm svg csv tsv jsonl ndjson lock log diff patch"
_WORDS = "sh bash zsh ksh csh tcsh fish envrc ps1 psm1 bat cmd json json5 jsonc dockerfile containerfile"
_WORD_FILES = re.compile(
    r"(?:dockerfile|containerfile|procfile|justfile|\.?(?:bash|zsh|k?sh)rc|\.?(?:bash_)?profile)(?:\..*)?"
)


def kind_of(name: str) -> Kind:
    """Tell the kind of a file; one of an unknown kind, such as ``.netrc``, may well hold settings."""
    path = PurePosixPath(name.lower())
    suffix = path.suffix.removeprefix(".") or path.name.removeprefix(".")
    if _WORD_FILES.fullmatch(path.name) or suffix in _WORDS.split():
        return Kind.WORDS
    if suffix == "ipynb":
        return Kind.NOTEBOOK
    if suffix in _CODE.split() or path.name in {"jenkinsfile", "vagrantfile"}:
        return Kind.CODE
    return Kind.PROSE if suffix in _PROSE.split() else Kind.LINES
