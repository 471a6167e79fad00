"""Models that know their numbers in single precision, because a library within them does."""

from __future__ import annotations

import io
import sys
from itertools import chain
from typing import Any

from pytest_mlexp.contracts.own_code import pickled

TREES = (b"sklearn.tree", b"lightgbm", b"xgboost", b"catboost")
SAVED = b"torch._utils"  # within what torch.save writes
DOUBLE = 8  # bytes


def holds_trees(model: Any) -> bool:
    """Whether trees of a library are within a fitted model; so too where that cannot be seen."""
    saved = pickled(model)
    return not saved or any(library in saved for library in TREES)


def holds_network(model: Any) -> bool:
    """Whether torch computes in single precision within a fitted model; so too where that cannot be seen.

    It does where the model keeps, however deep, a tensor of less than double precision, a module, or the bytes of
    saved ones. A name or a text with the word in it says nothing.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    import cloudpickle

    class Seen(Exception):  # noqa: N818 - it ends the search
        pass

    class Search(cloudpickle.Pickler):  # type: ignore[misc]
        def persistent_id(self, part: Any) -> None:
            """Look at everything that is pickled."""
            if _is_single(part, torch):
                raise Seen

    try:
        Search(io.BytesIO()).dump(model)
    except Exception:  # noqa: BLE001 - seen, or not to be pickled
        return True
    return False


def _is_single(part: Any, torch: Any) -> bool:
    if isinstance(part, bytes | bytearray):
        return SAVED in part
    if isinstance(part, torch.nn.Module):
        kept = [tensor for tensor in chain(part.parameters(), part.buffers()) if tensor.is_floating_point()]
        return not kept or any(_is_single(tensor, torch) for tensor in kept)
    return isinstance(part, torch.Tensor) and part.is_floating_point() and part.element_size() < DOUBLE
