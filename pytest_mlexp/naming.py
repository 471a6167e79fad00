"""Names of blocks and ids of cells: what is legal, and what was probably meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from pytest_mlexp.errors import DeclarationError

_LEGAL = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+]*")
_ILLEGAL_RUN = re.compile(r"[^A-Za-z0-9_.+]+")
LONGEST_NAME = 100


def check_name(name: object, *, kind: str) -> str:
    """Return ``name`` when it may stand in a test id.

    A name holds letters, digits, ``_``, ``.`` and ``+``; the hyphen is left out because it separates
    the parts of a cell's id.

    Raises:
        DeclarationError: the name is no string, is empty, too long, or has another character.
    """
    if isinstance(name, str) and len(name) <= LONGEST_NAME and _LEGAL.fullmatch(name):
        return name
    suggestion = slug(str(name))[:LONGEST_NAME]
    hint = f"; {suggestion!r} would do" if suggestion and suggestion != name else ""
    raise DeclarationError(
        f"{kind} name {name!r} cannot be part of a test id: use 1 to {LONGEST_NAME} letters, digits, "
        f"'_', '.' or '+', not starting with '.' or '+'{hint}"
    )


def own_name(declared: object, *, kind: str) -> str:
    """The name that a declared function or class has by itself; that of the function inside a partial.

    Raises:
        DeclarationError: it has none.
    """
    name = getattr(getattr(declared, "func", declared), "__name__", None)
    if isinstance(name, str):
        return name
    raise DeclarationError(
        f"the {kind} {declared!r:.60} has no name of its own: give it one with name=..., or declare a function that "
        "returns it"
    )


def slug(text: str) -> str:
    """Return ``text`` with every run of characters that no id may hold turned into one ``_``.

    A minus sign in front of a digit is kept apart as ``m``, so that ``-1`` and ``1`` stay different.
    """
    signed = re.sub(r"-(?=[\d.])", "m", text)
    return _ILLEGAL_RUN.sub("_", signed).strip("_").lstrip(".+")


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of an error message: what is known, the likely meant one first.

    >>> nearest("frest", ["forest", "logistic"])
    "did you mean 'forest'? Known: forest, logistic"
    >>> nearest("x", [])
    'there are none'
    """
    names = sorted(known)
    if not names:
        return "there are none"
    close = meant(name, names)
    return (f"did you mean {close!r}? Known: " if close else "known: ") + ", ".join(names)


def meant(name: str, known: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """The known name that was likely meant; None where none is so much like it."""
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=likeness)), None)
