"""Laws on whole numbers: as integers, booleans or floats they are the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.values import SINGLE, ordinary
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject


def whole_rows(subject: Subject, case: Case) -> Data:
    """Data of whole numbers.

    Raises:
        NotApplicable: they lie too far apart for the model, or its own data are others.
    """
    if subject.declares.spread < 1:
        raise NotApplicable("whole numbers lie too far apart for it")
    data = subject.data(case, whole=True)
    if subject.declares.given and not (_are_whole(data.X) and _are_whole(data.X_test)):
        raise NotApplicable("its data are no whole numbers")
    return data


def _are_whole(X: Any) -> bool:
    return isinstance(X, np.ndarray) and X.dtype.kind in "biuf" and bool(np.all(np.rint(X) == X))


@law("Whole numbers mean the same as integers, small integers, booleans and floats.", needs=("numeric",))
def whole_numbers(subject: Subject, case: Case) -> None:
    data = whole_rows(subject, case)
    model = subject.fitted(data)
    X = data.X_test / max(1.0, float(np.abs(data.X_test).max()))
    forms = []
    for dtype, most in ((np.int32, 100000), (np.uint8, 250), (bool, 1)):
        signed = X if dtype not in (bool, np.uint8) else np.abs(X)
        forms.append(np.rint(signed * (3 if subject.declares.categorical else most)).astype(dtype))
    floats = np.concatenate([form.astype(float) for form in forms])
    every = subject.try_ask(model, floats, doing="whole numbers")
    for number, form in enumerate(forms):
        if isinstance(every, Refused):
            want = subject.try_ask(model, form.astype(float), doing="whole numbers")
        else:
            want = {name: answer[number * len(X) : (number + 1) * len(X)] for name, answer in every.items()}
        if isinstance(want, Refused):
            continue
        dtype = form.dtype
        got = subject.try_ask(model, form, doing=f"rows as {dtype}")
        if not isinstance(got, Refused):
            claim = f"{dtype} rows are answered like floats of the same numbers"
            same(got, want, claim, tolerance=SINGLE, X=form)


@law("Trained on whole numbers, it is the model of the same numbers as floats.", needs=("numeric", "trained"))
def whole_numbers_at_fit(subject: Subject, case: Case) -> None:
    if subject.declares.nondeterministic:
        raise NotApplicable("two fits may differ")
    data = whole_rows(subject, case)
    X, y = _narrowed(data.X), data.y
    whole_targets = subject.declares.task == "regression" and _are_whole(y)
    forms = {"inputs and targets": (X, _narrowed(y)), "targets": (data.X, _narrowed(y))} if whole_targets else {}
    forms |= {"inputs": (X, y)}
    for what, (rows, targets) in forms.items():
        if _as_floats(subject, data, (rows, targets), what) and what == "inputs and targets":
            return


def _as_floats(subject: Subject, data: Data, given: tuple[Any, Any], what: str) -> bool:
    """Whether integers were taken, and then meant what floats mean; of both kinds at once, they may not."""
    model = subject.try_fit(*given, doing=f"a fit on {what} as integers")
    if isinstance(model, Refused):
        return False
    claim = f"trained on integer {what} it answers like trained on floats"
    got, want = subject.asked(model, data.X_test), ordinary(subject, data)
    try:
        same(got, want, claim, tolerance=1e-5, X=given[0], y=given[1])
        if given[0].dtype.kind in "iu":  # as rows of a table that was trained on come
            rows = data.X_test.astype(given[0].dtype)
            if np.array_equal(rows, data.X_test):
                same(subject.asked(model, rows), want, f"{claim}, asked about integers", tolerance=1e-5, X=rows)
    except Broken:
        if " and " not in what:
            raise
        return False
    return True


def _narrowed(numbers: Any) -> Any:
    """Whole numbers in as few bytes as hold them, as tables from files have them: sums and squares are larger."""
    least = np.min_scalar_type(int(numbers.max())), np.min_scalar_type(int(numbers.min()))
    return numbers.astype(np.promote_types(*least))


LAWS = (whole_numbers, whole_numbers_at_fit)
