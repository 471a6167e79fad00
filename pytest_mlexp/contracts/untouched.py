"""Whether what a model was given is what it was: inputs, targets and weights are the caller's own."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_mlexp.blocks.digest import digest_of
from pytest_mlexp.contracts.data import copied, is_texts
from pytest_mlexp.errors import DataError


def remembered(value: Any) -> Any:
    """What has to be known of a value to tell later whether it was changed."""
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        return value.dtype, value.shape, value.flags.writeable, value.tobytes()
    return list(value) if is_texts(value) else copied(value)


def changed(value: Any, before: Any) -> bool:
    """Whether a value is another than when it was remembered: its numbers, types, names or index."""
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        return bool(remembered(value) != before)
    return not identical(before, value)


def identical(one: Any, other: Any) -> bool:
    """Whether two of the same kind hold the same, columns, index and types included; True where nobody can tell."""
    if hasattr(one, "iloc"):
        labels = one.index.equals(other.index) and (one.ndim == 1 or one.columns.equals(other.columns))
        return bool(labels and one.equals(other))
    if isinstance(one, list) and is_texts(one):
        return bool(one == other)
    try:
        return digest_of(one) == digest_of(other)
    except DataError:
        return True
