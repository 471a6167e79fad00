"""What code reads of other code that changes no result otherwise: docstrings, hints, the order of methods, names.

Where a trial reaches code that reads one of them, that counts in everything which the trial reaches.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_READERS = {
    "docs": r"\b(__doc__|getdoc|docopt|getcomments|getsource\w*|\w*json_schema)\b",
    "hints": r"\b(__annotations__|__annotate__|get_type_hints|get_annotations|getfullargspec|signature|getsource\w*"
    r"|singledispatch\w*|jit)\b",
    "order": r"\b(vars|__dict__|__init_subclass__|__set_name__|__prepare__|getsource\w*|getmembers_static)\b",
    "names": r"\b(__name__|__module__|__qualname__|__file__|__package__|__path__|__spec__|getmodule|getfile)\b",
}
# Libraries that read the hints of functions which are given to them.
_READ_HINTS = frozenset(
    ("beartype", "cattrs", "fastapi", "injector", "jsonargparse", "pandera", "pydantic", "typeguard", "typer", "tyro")
)


def read_by(texts: Iterable[str], packages: frozenset[str]) -> frozenset[str]:
    """What of ``docs``, ``hints``, ``order`` and ``names`` some of the texts, or of the libraries, may read."""
    all_of_it = "\n".join(texts)
    found = {kind for kind, pattern in _READERS.items() if re.search(pattern, all_of_it)}
    return frozenset(found | ({"hints"} if packages & _READ_HINTS else set()))
