"""A fitted model that many laws share, and its answers as arrays."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Answers = dict[str, Array]


class Fit:
    """A fitted model, of which everyone gets a copy.

    Attributes:
        model: the model itself, to look at only, unless it :meth:`is_kept`.
        X: the very inputs that ``fit`` was given.
        y: the very targets.
        returned: what ``fit`` returned.
    """

    def __init__(self, model: Any, X: Any, y: Any, returned: Any = None) -> None:
        self.model = model
        self.X = X
        self.y = y
        self.returned = returned
        self._saved: bytes | None = None
        self._spare: Any = None

    def is_kept(self) -> bool:
        """Whether what comes back from :meth:`again` does not depend on what happens to the model from now on."""
        if self._saved is None:
            self._saved, self._spare = _saved(self.model)
        return bool(self._saved)

    def again(self) -> Any:
        """The model as it was right after the fit; None where it cannot be copied."""
        try:
            # Many copies are made of one model, and loading is quicker than copying.
            if not self.is_kept():
                return copy.deepcopy(self.model)
            spare, self._spare = self._spare, None
            return pickle.loads(self._saved or b"") if spare is None else spare  # noqa: S301 - made here
        except Exception:  # noqa: BLE001 - a model that cannot be copied is fitted again each time
            return None


def _saved(model: Any) -> tuple[bytes, Any]:
    """The bytes of a model and the first model loaded from them; none where copying goes another way than saving."""
    if hasattr(model, "__deepcopy__"):
        return b"", None
    try:
        saved = pickle.dumps(model, protocol=pickle.HIGHEST_PROTOCOL)
        return saved, pickle.loads(saved)  # noqa: S301 - made a moment ago
    except Exception:  # noqa: BLE001 - as said
        return b"", None


def as_array(answer: Any) -> Array:
    """An answer as an array; sequences of texts and the like become object arrays of one item a row."""
    if isinstance(answer, np.ndarray):
        return answer.copy()
    if hasattr(answer, "detach"):
        return np.array(answer.detach().cpu().numpy())
    if hasattr(answer, "to_numpy"):
        return np.array(answer.to_numpy())
    if isinstance(answer, list | tuple):
        try:
            plain = np.array(answer)
        except ValueError:
            plain = np.empty(0)
        if len(plain) == len(answer) and plain.dtype.kind in "biuf":
            return plain
        items = np.empty(len(answer), dtype=object)
        items[:] = answer
        return items
    return np.asarray(answer)
