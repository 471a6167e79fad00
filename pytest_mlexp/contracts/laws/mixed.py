"""Laws on frames of numbers and words: each row is coded by what was learnt, not by the rows beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_mlexp.blocks.splitting import take
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.batch import joined
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

FAR = 1000.0


@law("Rows of a frame are answered alike in batches that lack some of the words.", needs=("frame",))
def words_of_the_batch(subject: Subject, case: Case) -> None:
    _alike_in_parts(subject, subject.data(case))
    told = _told_by_place(subject, case)  # what says nothing is not looked at by trees
    if told is not None and not isinstance(subject.tried(told, doing="a fit on what words say"), Refused):
        _alike_in_parts(subject, told)


def _alike_in_parts(subject: Subject, data: Data) -> None:
    words = [name for name in data.X_test.columns if data.X_test[name].dtype.kind not in "biuf"]
    if not words:
        raise NotApplicable("no column holds words")
    model = subject.fitted(data)
    whole = subject.expected(data, model)
    for name in words:
        order = np.argsort(data.X_test[name].astype(str).to_numpy(), kind="stable")
        values = data.X_test[name].astype(str).to_numpy()[order]
        starts = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
        parts = np.split(order, starts[1:])
        got = joined([subject.answers(model, take(data.X_test, part)) for part in parts])
        want = {method: answer[order] for method, answer in whole.items()}
        claim = f"rows of one word in {name!r} alone are answered as beside rows of the others"
        same(got, want, claim, tolerance=subject.declares.tolerance, X=data.X_test)


def _told_by_place(subject: Subject, case: Case) -> Data | None:
    """Rows whose words alone tell the target; None where there are no such words."""
    data = subject.data(replace(case, train_rows=max(case.train_rows, 90)))
    if not subject.trains or subject.declares.given or "place" not in data.X.columns:
        return None
    codes = [np.unique(part["place"].astype(str), return_inverse=True)[1] for part in (data.X, data.X_test)]
    if subject.declares.task == "classification":
        y, y_test = (np.array(["yes", "no"])[np.minimum(code, 1)] for code in codes)
    else:
        y, y_test = (np.array([1.0, 9.0, 4.0])[code] for code in codes)
    return replace(data, y=y, y_test=y_test, key=("told by place", data.key))


@law(
    "A word never seen is answered near the targets, however far from zero these are.",
    needs=("frame", "regressor", "learns"),
)
def unseen_words_stay_in_range(subject: Subject, case: Case) -> None:
    told = _told_by_place(subject, case)
    if told is None or np.ndim(told.y) != 1:
        raise NotApplicable("no column holds words, or it has several targets")
    data = replace(told, y=told.y + FAR, key=("far", told.key))
    model = subject.tried(data, doing="a fit on targets far from zero")
    got = model
    if not isinstance(model, Refused):
        X = data.X_test.assign(place="nowhere near")
        got = subject.try_ask(model, X, doing="words never seen", methods=("predict",))
    if isinstance(got, Refused):
        raise NotApplicable(f"refuses the data of this law: {got}")
    low, high = float(data.y.min()), float(data.y.max())
    answer = got["predict"]
    if answer.dtype.kind == "f" and not (2 * low - high < np.median(answer) < 2 * high - low):
        claim = f"rows with a word never seen are refused, or predicted somewhere near targets of {low:g} to {high:g}"
        raise Broken(claim, f"about {np.median(answer):.3g}", X=X)


LAWS = (words_of_the_batch, unseen_words_stay_in_range)
