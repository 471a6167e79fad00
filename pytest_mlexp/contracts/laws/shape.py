"""Laws on what comes out: one prediction a row, of the right shape and type, after fitting only."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from pytest_mlexp.blocks.splitting import row_count, take
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.fitted import as_array
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.refusals import told
from pytest_mlexp.contracts.subject import Subject


@law("Ordinary data are taken, and every row gets one finite prediction of the right shape and type.", cases=2)
def prediction_shape(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    try:
        model = subject.fitted(data)
    except NotApplicable as refused:
        advice = "declare what it needs, for instance positive_only=True, requires_frame=True or data=(X, y)"
        raise Broken("ordinary data are taken", f"it {refused}; {advice}", X=data.X, y=data.y) from refused
    methods, one = subject.methods(model), take(data.X_test, [0])
    raw = {method: subject.ask(model, method, one) for method in methods}
    found = (
        (data.X_test, subject.expected(data, model, methods=methods)),
        (one, {method: as_array(answer) for method, answer in raw.items()}),
    )
    for X, answers in found:
        for method, answer in answers.items():
            _check_shape(subject, method, answer, data.y, X)
    if subject.trains:
        _check_type(raw["predict"], subject)


def _check_shape(subject: Subject, method: str, answer: Any, y: Any, X: Any) -> None:
    task, shape, trailing = subject.declares.task, tuple(answer.shape), tuple(getattr(y, "shape", (0,))[1:])
    rows = row_count(X, what="X")
    fits = shape[:1] == (rows,)
    wanted = f"({rows}, ...)"
    if method == "predict" and subject.trains and not subject.declares.given:
        fits, wanted = shape == (rows, *trailing), f"{(rows, *trailing)}"
    elif method == "predict_proba":
        fits, wanted = fits and len(shape) == 2, f"({rows}, classes)"
    if not fits:
        raise Broken(f"{method} of {rows} rows has shape {wanted}", f"shape {shape}", X=X)
    numeric = method != "predict" or (task == "regression" and subject.trains)
    if numeric and (answer.dtype.kind not in "biuf" or not np.isfinite(answer).all()):
        raise Broken(f"{method} of ordinary rows gives finite numbers", f"{answer.dtype}: {answer[:4]!r:.200}", X=X)


def _check_type(answer: Any, subject: Subject) -> None:
    if not hasattr(answer, "shape"):
        raise Broken("predict returns an array", f"{type(answer).__qualname__} {answer!r:.80}")
    if subject.declares.task == "regression" and np.asarray(answer).dtype.kind not in "fiu":
        raise Broken("a regression predicts numbers", f"dtype {np.asarray(answer).dtype}")


@law("fit returns the model itself.", needs=("fit", "get_params"))
def fit_returns_self(subject: Subject, case: Case) -> None:
    fit = subject.fit_of(subject.data(case))
    if fit.returned is not fit.model:
        raise Broken("fit returns the model, so that calls can be chained", f"{fit.returned!r:.80}")


@law("Predicting before fitting is a clear error that says so.", needs=("fit", "requires_fit"))
def refused_before_fit(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.build()
    for method in subject.methods(model):
        try:
            answer = subject.ask(model, method, data.X_test)
        except Exception as error:
            if _says_unfitted(error):
                continue
            raise Broken(
                f"{method} before fit raises NotFittedError, or says that fit is missing", told(error)
            ) from error
        raise Broken(f"{method} before fit is an error", f"it answers {answer!r:.120}", X=data.X_test)


def _says_unfitted(error: Exception) -> bool:
    from sklearn.exceptions import NotFittedError

    accident = isinstance(error, AttributeError | TypeError) and "has no attribute" in str(error)
    accident = accident or "NoneType" in str(error)
    return isinstance(error, NotFittedError) or (
        not accident and re.search(r"\b(un|not[ -])?(fit|fitted|trained)\b", str(error), re.IGNORECASE) is not None
    )


LAWS = (prediction_shape, fit_returns_self, refused_before_fit)
