"""Easy data, and the few comparisons that the demonstrations need."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[Any]
WORDS = (("cat", "purrs", "milk"), ("dog", "barks", "bone"), ("fish", "swims", "pond"))


def blobs(rows: int = 90, *, labels: Sequence[Any] = (0, 1, 2), width: int = 4, seed: int = 0) -> tuple[Array, Array]:
    """Well separated groups, one a label, in turn."""
    rng = np.random.default_rng(seed)
    codes = np.arange(rows) % len(labels)
    centres = 4.0 * np.eye(max(width, len(labels)))[: len(labels), :width]
    return rng.normal(size=(rows, width)) + centres[codes], np.array(list(labels))[codes]


def line(rows: int = 80, *, width: int = 4, seed: int = 0) -> tuple[Array, Array]:
    """A linear target with little noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, width))
    return X, 5.0 + X @ np.arange(1.0, width + 1) + rng.normal(scale=0.05, size=rows)


def table(rows: int = 80, *, seed: int = 0) -> tuple[pd.DataFrame, Array]:
    """A frame with numbers, truth values and words, and a numeric target that needs them all."""
    rng = np.random.default_rng(seed)
    size, age = rng.normal(size=rows), rng.uniform(1, 9, size=rows)
    paid, plan = rng.random(rows) < 0.5, rng.choice(["basic", "free", "gold"], size=rows)
    frame = pd.DataFrame({"size": size, "age": age, "paid": paid, "plan": plan})
    return frame, 3 * size + age + 4 * paid + 5.0 * (plan == "gold")


def texts(rows: int = 60, *, seed: int = 0) -> tuple[list[str], Array]:
    """Sentences of three words each of which belongs to one label."""
    rng = np.random.default_rng(seed)
    codes = np.arange(rows) % len(WORDS)
    return [" ".join(rng.permutation(WORDS[code])) for code in codes], np.array(["cat", "dog", "fish"])[codes]


def differs(one: Any, other: Any, *, tolerance: float = 1e-6) -> bool:
    """Whether two predictions differ in shape or value."""
    first, second = np.asarray(one), np.asarray(other)
    if first.shape != second.shape:
        return True
    if first.dtype.kind in "fc" and second.dtype.kind in "fc":
        return not np.allclose(first, second, rtol=tolerance, atol=tolerance)
    return bool((first != second).any())


def accepts(call: Callable[..., object], *arguments: Any) -> bool:
    """Whether the call ends without an error; a ValueError is a refusal, anything else is raised."""
    try:
        call(*arguments)
    except ValueError:
        return False
    return True


def fails(call: Callable[..., object], *arguments: Any) -> bool:
    """Whether the call ends with an error that is no refusal."""
    try:
        call(*arguments)
    except ValueError:
        return False
    except Exception:  # noqa: BLE001 - any other error is what this asks for
        return True
    return False


def one_by_one(predict: Callable[[Any], Any], X: Any) -> Array:
    """Predictions of the rows taken alone."""
    rows = [X[number : number + 1] for number in range(len(X))]
    return np.concatenate([np.asarray(predict(row)) for row in rows])
