"""When two sets of answers are the same: numbers within a stated tolerance, labels away from ties."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pytest_mlexp.contracts.law import Broken

Array = npt.NDArray[Any]
SINGLE = 1e-4
TIE = 1e-6
LEAST = 0.01  # a probability that differs by 1e-8 is the same
SHOWN = 4


def same(got: dict[str, Array], want: dict[str, Array], claim: str, *, tolerance: float, **data: Any) -> None:
    """Check that two sets of answers, by method, are the same.

    Numbers may differ by ``tolerance`` relative to their own size and to the typical size of the answer.
    Labels are compared only in rows whose two best scores differ by more than that.

    Raises:
        Broken: they are not; ``claim`` says what was expected.
    """
    for method, wanted in want.items():
        given = got.get(method)
        if given is None:
            raise Broken(claim, f"there is no {method} any more", **data)
        if given.shape != wanted.shape:
            raise Broken(claim, f"{method} has shape {given.shape} instead of {wanted.shape}", **data)
        off = differs(given, wanted, tolerance=tolerance, floor=LEAST if method == "predict_proba" else 0.0)
        if off.any() and method == "predict" and wanted.dtype.kind not in "fc":
            off = off & ~tied(want, len(wanted), tolerance=tolerance).reshape(-1, *[1] * (wanted.ndim - 1))
        if off.any():
            raise Broken(claim, _shown(method, given, wanted, off), **data)


def differs(given: Array, wanted: Array, *, tolerance: float, floor: float = 0.0) -> npt.NDArray[np.bool_]:
    """Which entries differ by more than the tolerance; NaN is the same as NaN, ``floor`` is the least size."""
    if given.dtype.kind not in "fc" and wanted.dtype.kind not in "fc":
        return np.asarray(given != wanted, dtype=bool).reshape(given.shape)
    if given.dtype.kind not in "biufc" or wanted.dtype.kind not in "biufc":
        return np.asarray([a != b for a, b in zip(given.ravel(), wanted.ravel(), strict=True)]).reshape(given.shape)
    if given.dtype.itemsize < 8 or wanted.dtype.itemsize < 8:
        tolerance = max(tolerance, SINGLE)
    one, other = given.astype(float), wanted.astype(float)
    alike = (one == other) | (np.isnan(one) & np.isnan(other))
    if alike.all():
        return np.zeros(alike.shape, dtype=bool)
    finite = np.isfinite(one) & np.isfinite(other)
    with np.errstate(all="ignore"):
        if (alike | (finite & (np.abs(one - other) <= tolerance * np.abs(other)))).all():
            return np.zeros(alike.shape, dtype=bool)
        size = np.abs(other) + typical(other) + floor
        off = np.abs(one - other) > tolerance * size
    return np.asarray(np.where(finite, off, ~alike), dtype=bool)


def typical(values: Array) -> float:
    """The typical size of an answer's numbers; 0 where there is none."""
    known = np.abs(values[np.isfinite(values)])
    return float(np.median(known)) if known.size else 0.0


def tied(answers: dict[str, Array], rows: int, *, tolerance: float) -> npt.NDArray[np.bool_]:
    """Which rows have two best scores that are too close to tell which is larger."""
    close = np.zeros(rows, dtype=bool)
    for method in ("predict_proba", "decision_function"):
        scores = answers.get(method)
        if scores is None or scores.dtype.kind not in "fc" or len(scores) != rows:
            continue
        slack = max(10 * tolerance, TIE)
        if scores.ndim == 1:
            close |= np.abs(scores) <= slack * max(typical(scores), 1e-12)
        elif scores.ndim == 2 and scores.shape[1] > 1:
            best = np.sort(scores, axis=1)
            with np.errstate(all="ignore"):
                close |= ~((best[:, -1] - best[:, -2]) > slack * np.maximum(np.abs(best[:, -1]), 1e-12))
    return close


def gap(given: Array, wanted: Array) -> float:
    """The mean difference of two answers: of numbers absolute, of labels the share that differs."""
    if given.dtype.kind in "biuf" and wanted.dtype.kind == "f":
        return float(np.mean(np.abs(given.astype(float) - wanted.astype(float))))
    return float(np.mean(given != wanted))


def _shown(method: str, given: Array, wanted: Array, off: npt.NDArray[np.bool_]) -> str:
    rows = np.flatnonzero(off.reshape(len(off), -1).any(axis=1))
    some = rows[:SHOWN]
    more = f" and {len(rows) - SHOWN} rows more" if len(rows) > SHOWN else ""
    one, other = (np.array2string(values[some], precision=9, separator=", ") for values in (given, wanted))
    return f"{method} of rows {some.tolist()}{more} is {one} instead of {other}"
