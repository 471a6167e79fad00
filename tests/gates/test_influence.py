from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn import metrics

from pytest_mlexp.gates.influence import Answers, contributions, of_runs

RNG = np.random.default_rng(7)
N = 400
TRUTH = RNG.integers(0, 2, N)
SCORE = np.clip(TRUTH * 0.4 + RNG.random(N) * 0.6, 0.01, 0.99)
GUESS = (SCORE > 0.5).astype(int)
PROBA = np.column_stack([1 - SCORE, SCORE])
LABEL = RNG.choice(list("abc"), N, p=[0.6, 0.3, 0.1])
NAMED = np.where(RNG.random(N) < 0.7, LABEL, RNG.choice(list("abc"), N))
REAL = RNG.normal(3.0, 1.0, N)
ESTIMATE = REAL + RNG.normal(0.2, 0.5, N)
WEIGHTS = RNG.random(N) + 0.5

Metric = Callable[..., Any]


def binary(rows: Any = slice(None)) -> Answers:
    return Answers(TRUTH[rows], GUESS[rows], PROBA[rows], SCORE[rows], classes=np.array([0, 1]))


def several(rows: Any = slice(None)) -> Answers:
    return Answers(LABEL[rows], NAMED[rows])


def real(rows: Any = slice(None)) -> Answers:
    return Answers(REAL[rows], ESTIMATE[rows])


CASES: list[tuple[str, Callable[..., Answers], Callable[[Answers], float]]] = [
    ("accuracy", binary, lambda a: metrics.accuracy_score(a.y_true, a.y_pred)),
    ("f1", binary, lambda a: metrics.f1_score(a.y_true, a.y_pred)),
    ("precision", binary, lambda a: metrics.precision_score(a.y_true, a.y_pred)),
    ("recall", binary, lambda a: metrics.recall_score(a.y_true, a.y_pred)),
    ("roc_auc", binary, lambda a: metrics.roc_auc_score(a.y_true, a.y_score)),
    ("log_loss", binary, lambda a: metrics.log_loss(a.y_true, a.y_proba)),
    ("neg_log_loss", binary, lambda a: -metrics.log_loss(a.y_true, a.y_proba)),
    ("brier_score_loss", binary, lambda a: metrics.brier_score_loss(a.y_true, a.y_score)),
    ("f1_macro", several, lambda a: metrics.f1_score(a.y_true, a.y_pred, average="macro")),
    ("f1_weighted", several, lambda a: metrics.f1_score(a.y_true, a.y_pred, average="weighted")),
    ("f1_micro", several, lambda a: metrics.f1_score(a.y_true, a.y_pred, average="micro")),
    ("balanced_accuracy", several, lambda a: metrics.balanced_accuracy_score(a.y_true, a.y_pred)),
    ("mae", real, lambda a: metrics.mean_absolute_error(a.y_true, a.y_pred)),
    ("mean_squared_error", real, lambda a: metrics.mean_squared_error(a.y_true, a.y_pred)),
    ("rmse", real, lambda a: metrics.root_mean_squared_error(a.y_true, a.y_pred)),
    ("r2", real, lambda a: metrics.r2_score(a.y_true, a.y_pred)),
]
IDS = [case[0] for case in CASES]


@pytest.mark.parametrize(("name", "answers", "metric"), CASES, ids=IDS)
def test_contributions_have_the_metric_as_their_mean(name: str, answers: Any, metric: Any) -> None:
    vector = contributions(name, answers(), metric(answers()))
    assert vector is not None
    assert vector.shape == (N,)
    assert vector.mean() == pytest.approx(metric(answers()), rel=1e-9)


@pytest.mark.parametrize(("name", "answers", "metric"), CASES, ids=IDS)
def test_their_spread_is_the_standard_error_of_the_metric(name: str, answers: Any, metric: Any) -> None:
    vector = contributions(name, answers(), metric(answers()))
    assert vector is not None
    without = [metric(answers(np.arange(N) != row)) for row in range(N)]
    jackknife = np.sqrt((N - 1) * np.var(without))
    assert vector.std(ddof=1) / np.sqrt(N) == pytest.approx(jackknife, rel=0.03)


def test_auc_is_that_of_delong_also_with_ties() -> None:
    score = np.round(SCORE, 1)
    answers = Answers(TRUTH, y_score=score)
    vector = contributions("roc_auc", answers, metrics.roc_auc_score(TRUTH, score))
    assert vector is not None
    up, down = score[TRUTH == 1], score[TRUTH == 0]
    wins = (up[:, None] > down).astype(float) + (up[:, None] == down) / 2
    delong = wins.mean(axis=1).var(ddof=1) / up.size + wins.mean(axis=0).var(ddof=1) / down.size
    assert vector.var(ddof=1) / N == pytest.approx(delong, rel=0.01)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("accuracy", metrics.accuracy_score(TRUTH, GUESS, sample_weight=WEIGHTS)),
        ("f1", metrics.f1_score(TRUTH, GUESS, sample_weight=WEIGHTS)),
        ("log_loss", metrics.log_loss(TRUTH, PROBA, sample_weight=WEIGHTS)),
    ],
)
def test_sample_weights_are_in(name: str, value: float) -> None:
    vector = contributions(name, Answers(TRUTH, GUESS, PROBA, SCORE, WEIGHTS), value)
    assert vector is not None
    assert vector.mean() == pytest.approx(value)


# 20 of each class, 18 of each right: every average of the recall has the same value.
EVEN = Answers(np.repeat([0, 1], 20), np.r_[np.ones(2), np.zeros(18), np.zeros(2), np.ones(18)].astype(int))


def test_where_averages_coincide_the_name_or_scikit_learn_decides() -> None:
    right = (EVEN.y_true == EVEN.y_pred).astype(float)
    for name, average in (("balanced_accuracy", None), ("recall_macro", None), ("recall_score", "macro")):
        vector = contributions(name, EVEN, 0.9, average=average)
        assert vector is not None
        np.testing.assert_allclose(vector, right, atol=1e-12)
    binary = contributions("recall_score", EVEN, 0.9, average="binary")
    assert binary is not None
    assert set(binary[EVEN.y_true == 0].round(12)) == {0.9}


def test_balanced_accuracy_knows_only_classes_of_the_truth() -> None:
    other = Answers(EVEN.y_true, np.where(np.arange(40) == 0, 2, EVEN.y_pred))
    assert contributions("balanced_accuracy", other, 0.9) is not None


def test_all_runs_of_a_cell_are_reduced_in_one_way() -> None:
    uneven = Answers(EVEN.y_true, np.where(np.arange(40) < 5, 1, EVEN.y_pred))
    value = metrics.recall_score(uneven.y_true, uneven.y_pred, average="macro")
    both = of_runs("recall", [(EVEN, 0.9), (uneven, value)])
    assert both is not None
    assert set(both[0].round(12)) == {0.0, 1.0}


def test_a_metric_of_the_same_name_and_another_meaning_is_not_taken_for_it() -> None:
    assert contributions("accuracy", binary(), 0.123) is None


def test_what_is_not_known_or_does_not_fit_has_no_contributions() -> None:
    assert contributions("bleu", binary(), 0.5) is None
    assert contributions("rmse", Answers(REAL, np.column_stack([REAL, REAL])), 0.0) is None
    assert contributions("log_loss", Answers(LABEL, y_proba=PROBA), 0.5) is None
    assert contributions("roc_auc", Answers(np.ones(N), y_score=SCORE), 0.5) is None
    labels = np.column_stack([TRUTH, GUESS])
    assert contributions("accuracy", Answers(labels, labels), 1.0) is None


def test_a_perfect_fit_has_no_noise() -> None:
    vector = contributions("rmse", Answers(REAL, REAL), 0.0)
    assert vector is not None
    assert not vector.any()
