"""Specimen: a broken model with exactly one bug, and its healthy twin.

The zoo is imported as ``tests.zoo`` from the root of the repository: pytest has it on its path, and so has every
process of an editable installation. Elsewhere, ``PYTHONPATH=. python benchmarks/zoo_anchor.py``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Specimen:
    """One bug and the twin that is free of it.

    Attributes:
        name: unique in the catalogue.
        law: what the broken model breaks.
        kind: ``classifier``, ``regressor``, ``callable``, ``torch``, ``pipeline``, ``frame`` or ``text``.
        broken: makes a fresh, unfitted model with the bug; ``healthy`` the same without it.
        declares: what a check must know to be fair, such as ``requires_frame``, ``allows_nan``,
            ``positive_only``, ``binary_only``, or the ``schema`` of the data.
        demonstrate: takes a fresh model and says whether it shows the bug.
    """

    name: str
    law: str
    kind: str
    broken: Callable[[], Any]
    healthy: Callable[[], Any]
    declares: Mapping[str, Any] = field(default_factory=dict)
    demonstrate: Callable[[Any], bool] = field(kw_only=True)
