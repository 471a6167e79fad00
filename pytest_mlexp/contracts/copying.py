"""Copies of a fitted model, one of each kind."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any

from pytest_mlexp.contracts.law import Broken


def copies_of(model: Any) -> dict[str, Any]:
    """A copy of each kind.

    Raises:
        Broken: there can be none.
    """
    ways: dict[str, Callable[[Any], Any]] = {"copy.deepcopy": copy.deepcopy, "pickle": _saved_and_loaded}
    found = {}
    for what, copied in ways.items():
        try:
            found[what] = copied(model)
        except Exception as error:
            raise Broken(
                f"a fitted model can be saved and loaded ({what})", f"{type(error).__name__}: {error}"
            ) from error
    return found


def _saved_and_loaded(model: Any) -> Any:
    """Through pickle as joblib uses it, where the class can be found by its name; else through cloudpickle."""
    import pickle

    import cloudpickle

    kind = type(model)
    found = getattr(sys.modules.get(kind.__module__), kind.__qualname__, None) is kind
    save = pickle.dumps if found and kind.__module__ != "__main__" else cloudpickle.dumps
    return pickle.loads(save(model))  # noqa: S301 - made a moment ago
