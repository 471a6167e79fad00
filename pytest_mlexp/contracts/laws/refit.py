"""Laws on fitting again and beside each other: a fit knows its own data only."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_mlexp.blocks.splitting import take
from pytest_mlexp.contracts.applies import facts_of
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data, is_texts, names_of
from pytest_mlexp.contracts.fitted import Answers
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

TOLERANCE = 1e-7
WORDS = ("x", "y", "z", "zz")
WEIGHTED = ", and with weights"


@law("A refit forgets the previous fit: its width, scale, labels, sign and names.", needs=("trained", "deterministic"))
def refit_forgets(subject: Subject, case: Case) -> None:
    if subject.declares.warm_start:
        raise NotApplicable("warm_start is set: a fit goes on from the one before")
    data = subject.data(case)
    want = subject.expected(data)
    # Several chains, since what the first fit leaves behind may hide what a later one would.
    for chain in _chains(subject, case, data):
        try:
            _refit(subject, chain, data, want)
        except Broken:
            for what, earlier in chain.items():
                _refit(subject, {what: earlier}, data, want)
            raise


def _refit(subject: Subject, chain: dict[str, Data], data: Data, want: Answers) -> None:
    """Fit one model on all of a chain in turn, then on the data, and compare."""
    model, told = subject.build(), next(iter(chain)) if len(chain) == 1 else "other data"
    for what, one in chain.items():
        weights = {"sample_weight": 1.0 + np.arange(len(one)) % 3} if what.endswith(WEIGHTED) else {}
        fitted = subject.try_fit(one.X, one.y, doing=f"a first fit on {what}", model=model, **weights)
        if not isinstance(fitted, Refused):
            methods = None if one.X_test is data.X_test else ("predict",)
            subject.try_ask(model, one.X_test, doing="its own rows", methods=methods)
    got = subject.answers(subject.train(model, data.X, data.y), data.X_test)
    claim = f"after a fit on {told}, another fit gives what a first one gives"
    same_fit(subject, got, want, claim, X=data.X, y=data.y)


def _chains(subject: Subject, case: Case, data: Data) -> list[dict[str, Data]]:
    """Data to be forgotten, chain by chain."""
    same = {"the same inputs, other targets": Data(data.X, other_targets(data.y), data.X_test, None)}
    if subject.declares.given:
        X = _changed(data.X)
        return [same] if X is None else [{"other inputs": Data(X, data.y, take(X, range(3)), None)}, same]
    sign = 1 if subject.declares.positive_target else -1
    rows, more = max(case.train_rows - 9, 6), case.train_rows + 13
    less = replace(case, train_rows=rows, seed=case.seed + 2)
    greater = replace(case, train_rows=more, classes=case.classes + 1, seed=case.seed + 4)
    wide = replace(case, train_rows=more, classes=case.classes + 1, columns=case.columns + 2)
    narrow = replace(case, columns=max(case.columns - 1, 2), classes=2, seed=case.seed + 1)
    small = "fewer rows of a hundredth of the scale with other labels"
    if facts_of(subject)["sample_weight"]:
        small += WEIGHTED
    first = {small: subject.data(less, scale=0.01, target_scale=0.01, labels=(5, 6, 8, 9))}
    second = {
        "narrower data with fewer classes": subject.data(narrow, labels=(7, 9)),
        "wider data with more classes, another scale and sign": subject.data(
            wide, scale=50.0, shift=7.0, target_scale=20.0 * sign, labels=WORDS
        ),
        "more rows of a hundred times the scale with one class more": subject.data(
            greater, scale=100.0, shift=7.0, target_scale=100.0 * sign
        ),
    }
    if isinstance(data.X, np.ndarray):
        first["a frame with names"] = _named(data)
        bad = np.full((len(data), data.X.shape[1] + 1), np.nan)
        second["nothing but NaN, which may be refused"] = Data(bad, data.y, data.X_test, None)
    return [{**first, **same}, second]


def _changed(X: Any) -> Any:
    """Rows of other words, or of another scale; None where there is nothing to change."""
    if is_texts(X):
        return [f"{text} zebra{i % 5} quagga" for i, text in enumerate(X)]
    if hasattr(X, "select_dtypes"):
        return X.assign(**{name: 10 * X[name] + 1 for name in X.select_dtypes("float")})
    return 10 * X + 1 if isinstance(X, np.ndarray) and X.dtype.kind == "f" else None


def other_targets(y: Any) -> Any:
    """The targets of other rows."""
    return take(y, np.roll(np.arange(len(y)), 1))


def _named(data: Data) -> Data:
    import pandas as pd

    frames = [pd.DataFrame(X, columns=names_of(X.shape[1])) for X in (data.X * 2, data.X_test)]
    return Data(frames[0], data.y, frames[1], data.y_test)


@law("Two instances share no state: fitting or setting one leaves the other alone.", needs=("trained",))
def instances_do_not_share(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    one, never = subject.build(), subject.build()
    other = _copied(never)
    other = subject.build() if other is None else other
    subject.train(one, data.X, data.y)
    first = subject.answers(one, data.X_test)
    second = _of_the_same_shape(subject, case, data)
    subject.try_fit(second.X, second.y, doing="fitting a second instance on other data", model=other)
    subject.try_ask(other, second.X_test, doing="its own rows", methods=("predict",))
    got = subject.answers(one, data.X_test)
    same(got, first, "fitting one instance changes no answer of another", tolerance=1e-9, X=data.X_test)
    if subject.declares.requires_fit:
        still_unfitted(subject, never, data, "an instance that was never fitted, beside others that were,")


def _of_the_same_shape(subject: Subject, case: Case, data: Data) -> Data:
    """Other data of the same shape: state of another shape is the easier to tell from one's own."""
    if subject.declares.given:
        return Data(data.X, other_targets(data.y), data.X_test, None)
    return subject.data(replace(case, seed=case.seed + 3), scale=3.0, shift=1.0, labels=(1, 2, 0, 3))


def _copied(model: Any) -> Any:
    try:
        return copy.deepcopy(model)
    except Exception:  # noqa: BLE001 - another law judges that
        return None


def still_unfitted(subject: Subject, model: Any, data: Data, what: str) -> None:
    """Check that a model answers nothing.

    Raises:
        Broken: it answers.
    """
    try:
        answer = subject.ask(model, "predict", data.X_test)
    except Exception as error:  # noqa: BLE001 - which error it is, another law judges
        del error
        return
    raise Broken(f"{what} does not answer", f"it answers {answer!r:.100}", X=data.X_test)


def same_fit(subject: Subject, got: Answers, want: Answers, claim: str, **data: Any) -> None:
    """Check that two fits on the same data answer alike.

    Raises:
        Broken: they do not.
    """
    same(got, want, claim, tolerance=max(TOLERANCE, subject.declares.tolerance / 10), **data)


LAWS = (refit_forgets, instances_do_not_share)
