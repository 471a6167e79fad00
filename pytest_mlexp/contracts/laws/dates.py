"""Laws on dates in frames: a model that learns from them copes with those that are missing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from pytest_mlexp.contracts.data import Array, Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.learning import ENOUGH, MEASURE, WELL, quality_of
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

ROWS, EVERY = 120, 9
WHEN = "when"


@law("A date that is missing is no date long ago.", needs=("frame", "trained", "learns", "generated"))
def missing_dates(subject: Subject, case: Case) -> None:
    data = _told_by_dates(subject, case)
    try:
        model = subject.try_fit(data.X, data.y, doing="a fit with dates")
        plain = None if isinstance(model, Refused) else _predicted(subject, model, data.X_test)
    except Broken as broken:
        raise NotApplicable("it does not take columns of dates") from broken
    classifies, task = subject.declares.task == "classification", subject.declares.task or "regression"
    if plain is None or quality_of(plain, data.y_test, classification=classifies) < WELL:
        raise NotApplicable("it does not learn from dates")
    gone = _without_some(data.X_test)
    got = subject.try_ask(model, gone, doing="rows with missing dates", methods=("predict",))
    if not isinstance(got, Refused) and not classifies:
        low, high = float(data.y.min()), float(data.y.max())
        if got["predict"].min() < 2 * low - high or got["predict"].max() > 2 * high - low:
            claim = "rows with missing dates are refused, or predicted somewhere near the training targets"
            raise Broken(claim, f"{got['predict'].min():.3g} to {got['predict'].max():.3g}", X=gone)
    again = subject.try_fit(_without_some(data.X), data.y, doing="a fit with missing dates")
    if not isinstance(again, Refused):
        found = quality_of(_predicted(subject, again, data.X_test), data.y_test, classification=classifies)
        if found < ENOUGH[task]:
            claim = f"dates are learnt from also where one in {EVERY} is missing, or these are refused"
            raise Broken(claim, f"a {MEASURE[task]} of {found:.2f}", X=_without_some(data.X), y=data.y)


def _predicted(subject: Subject, model: Any, X: Any) -> Array:
    return subject.answers(model, X, methods=("predict",))["predict"]


def _told_by_dates(subject: Subject, case: Case) -> Data:
    """Frames with a column of days, which alone tells the target."""
    import pandas as pd

    data = subject.data(replace(case, train_rows=ROWS, rows=60, classes=2))
    classifies, parts = subject.declares.task == "classification", []
    for seed, X in enumerate((data.X, data.X_test)):
        days = np.random.default_rng(case.seed + seed).permutation(len(X)) * (1400 // len(X))
        y: Array = np.where(days > 700, "late", "early") if classifies else days / 100.0 + 1
        parts.append((X.assign(**{WHEN: pd.Timestamp("2020-03-01") + pd.to_timedelta(days, unit="D")}), y))
    return Data(*parts[0], *parts[1])


def _without_some(X: Any) -> Any:
    return X.assign(**{WHEN: X[WHEN].mask(np.arange(len(X)) % EVERY == 1)})


LAWS = (missing_dates,)
