"""Models that know their numbers in single precision, because a library within them does."""

from __future__ import annotations

from typing import Any

from pytest_mlexp.contracts.own_code import pickled

NETWORKS = (b"torch",)
TREES = (b"sklearn.tree", b"lightgbm", b"xgboost", b"catboost")


def holds(model: Any, libraries: tuple[bytes, ...]) -> bool:
    """Whether something within a fitted model comes from one of the libraries; so too where that cannot be seen."""
    saved = pickled(model)
    return not saved or any(library in saved for library in libraries)
