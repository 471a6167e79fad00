"""Laws on ``score``: it is higher where predictions are better, and weights and order mean what they say."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from pytest_mlexp.blocks.splitting import row_count, take
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.refit import other_targets
from pytest_mlexp.contracts.refusals import is_refusal, told
from pytest_mlexp.contracts.subject import Subject

NEAR = 1e-6


@law(
    "A score is higher where predictions are right, whatever the order of rows; weights of zero leave rows out.",
    needs=("score", "trained"),
    cases=2,
)
def score_tells_quality(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    if getattr(type(subject.fit_of(data).model).score, "__module__", "").startswith("sklearn."):
        raise NotApplicable("its score is scikit-learn's own")
    model = subject.fitted(data)
    X, y, rows = data.X_test, data.y_test, row_count(data.X_test, what="X")
    if not isinstance(y, np.ndarray):
        raise NotApplicable("its targets are no array")
    answer = subject.answers(model, X, methods=("predict",))["predict"]
    if answer.shape != y.shape:
        raise NotApplicable("its predictions have another form than its targets")
    plain, perfect = _score(model, X, y), _score(model, X, answer)
    if perfect < plain - NEAR * abs(plain):
        raise Broken("targets that are predicted exactly score best", f"{perfect:.6g} beside {plain:.6g}", X=X, y=y)
    back = np.arange(rows)[::-1]
    turned = _score(model, take(X, back), y[back])
    _alike(turned, plain, "rows in the reverse order score alike", X=X, y=y)
    _alike(_score(model, X, y), plain, "a second call scores alike", X=X, y=y)
    if subject.declares.task == "regression":
        others = other_targets(y)
        _not_turned_round(others, answer, _score(model, X, others))
    if "sample_weight" in inspect.signature(model.score).parameters and rows > 6:
        some = np.arange(rows) % 3 != 0
        with subject.watched("score", X, y, weights := np.where(some, 2.0, 0.0)):
            weighted = _score(model, X, y, sample_weight=weights)
        claim = "rows whose weight is zero are left out of the score"
        _alike(weighted, _score(model, take(X, np.flatnonzero(some)), y[some]), claim, X=X, y=y, sample_weight=weights)


def _score(model: Any, X: Any, y: Any, **weights: Any) -> float:
    try:
        return float(model.score(X, y, **weights))
    except Exception as error:
        if is_refusal(error, accidents=True):
            raise NotApplicable(f"refuses to score these rows: {told(error)}") from error
        raise


def _alike(got: float, want: float, claim: str, **data: Any) -> None:
    both_nan = np.isnan(got) and np.isnan(want)
    if not both_nan and not abs(got - want) <= NEAR * (1 + abs(want)):
        raise Broken(claim, f"{got:.9g} instead of {want:.9g}", **data)


def _not_turned_round(y: Any, answer: Any, score: float) -> None:
    """R² takes targets first: with predictions in their place it divides by another variance."""
    from sklearn.metrics import r2_score

    right, turned = r2_score(y, answer), r2_score(answer, y)
    if abs(score - turned) < 1e-9 < NEAR < abs(score - right):
        raise Broken("the score is R² of predictions against targets", f"{score:.6g}, which is R² the other way round")


LAWS = (score_tells_quality,)
