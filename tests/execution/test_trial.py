from __future__ import annotations

import random
import subprocess
import sys
import traceback
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.blocks.model import declare_model
from pytest_mlexp.errors import ModelError
from pytest_mlexp.execution.outcome import METHODS, Outcome
from pytest_mlexp.execution.seeding import seeded
from pytest_mlexp.execution.trial import Conditions, offered_methods, run_trial, weights_argument
from pytest_mlexp.matrix import Trial

if TYPE_CHECKING:
    from collections.abc import Callable

X = np.arange(8.0).reshape(-1, 1)
DATA = Dataset.from_arrays(X, (X[:, 0] > 3).astype(int), split=([0, 1, 6, 7], [2, 3, 4, 5]))


def run(model: Any, data: Dataset = DATA, **conditions: Any) -> Outcome:
    return run_trial(trial_of(lambda: model), data, Conditions(**conditions))


def trial_of(factory: Callable[..., Any], *, seed: int = 0) -> Trial:
    (variant,) = declare_model(factory, name="m", params=None)
    return Trial("e", variant, "numbers", "cpu", seed, "holdout")


def raised(outcome: Outcome) -> BaseException:
    assert outcome.failure is not None
    return outcome.failure.error


def test_a_model_is_fitted_on_the_train_part_and_predicts_the_test_part() -> None:
    outcome = run(LogisticRegression())
    expected = LogisticRegression().fit(X[[0, 1, 6, 7]], [0, 0, 1, 1]).predict(X[2:6])
    assert outcome.responses["predict"].tolist() == expected.tolist()
    assert outcome.classes.tolist() == [0, 1]
    assert outcome.fit_seconds > 0
    assert outcome.predict_seconds > 0
    assert outcome.model is None


def test_a_plain_callable_is_not_trained() -> None:
    outcome = run(lambda inputs: [float(row[0]) for row in inputs])
    assert outcome.responses["predict"] == [2.0, 3.0, 4.0, 5.0]
    assert (outcome.fit_seconds, outcome.classes) == (0.0, None)


def test_a_dataset_without_targets_is_fitted_without() -> None:
    class Centre:
        def fit(self, X: Any) -> None:
            self.centre = X.mean()

        def predict(self, X: Any) -> Any:
            return X[:, 0] - self.centre

    outcome = run(Centre(), Dataset.from_arrays(X, None, split=([0, 1], [2, 3])))
    assert outcome.responses["predict"].tolist() == [1.5, 2.5]


def test_only_what_evaluators_want_is_asked_of_the_model() -> None:
    wanted = frozenset({("predict_proba",), ("decision_function", "predict_proba")})
    assert set(run(LogisticRegression(), wanted=wanted).responses) == {"predict", "predict_proba", "decision_function"}
    assert set(run(LogisticRegression()).responses) == {"predict"}


@pytest.mark.parametrize("takes", [True, False])
def test_sample_weights_reach_a_fit_that_takes_them(takes: bool) -> None:
    seen: list[Any] = []

    class Weighted:
        def fit(self, X: Any, y: Any, sample_weight: Any = None) -> None:
            seen.append(sample_weight)

        def predict(self, X: Any) -> Any:
            return X

    class Plain(Weighted):
        def fit(self, X: Any, y: Any) -> None:  # type: ignore[override]
            seen.append(None)

    data = Dataset.from_arrays(X, X[:, 0], split=([1, 2], [3]), sample_weight=np.arange(8.0))
    run(Weighted() if takes else Plain(), data)
    assert [None if weights is None else weights.tolist() for weights in seen] == [[1.0, 2.0] if takes else None]


def test_the_parameters_of_an_estimator_are_kept_as_text() -> None:
    parameters = run(make_pipeline(StandardScaler(), LogisticRegression(C=2.5))).parameters
    assert parameters["logisticregression__C"] == "2.5"
    assert parameters["logisticregression"] == "LogisticRegression"


def test_parameters_that_cannot_be_read_stop_no_trial() -> None:
    class Odd:
        def predict(self, X: Any) -> Any:
            return X

        def get_params(self) -> Any:
            raise RuntimeError("no")

    outcome = run(Odd())
    assert (outcome.failure, outcome.parameters) == (None, {})


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda X: X[:-1, 0], "gave 3 predictions for the 4 examples of 'numbers' \\(holdout\\)"),
        (lambda X: 1.0, "gave 1.0 for the 4 examples"),
        (lambda X: None, "gave None for the 4 examples"),
    ],
)
def test_an_answer_that_is_not_one_an_example_is_refused(answer: Any, words: str) -> None:
    error = raised(run(answer))
    assert isinstance(error, ModelError)
    with pytest.raises(ModelError, match=words):
        raise error


@pytest.mark.parametrize("error", [ValueError("no"), MemoryError(), RecursionError(), AssertionError("no")])
def test_whatever_a_model_raises_becomes_the_failure(error: BaseException) -> None:
    def broken(_: Any) -> Any:
        raise error

    assert raised(run(broken)) is error


def test_the_traceback_of_a_failure_begins_in_the_teams_code() -> None:
    def broken(_: Any) -> Any:
        raise ValueError("not today")

    failure = run(broken).failure
    assert failure is not None
    assert [frame.name for frame in traceback.extract_tb(failure.origin)] == ["broken"]
    assert "trial.py" not in failure.text.replace(__file__, "")


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_is_no_failure_of_the_model(interrupt: type[BaseException]) -> None:
    def interrupted(_: Any) -> Any:
        raise interrupt

    with pytest.raises(interrupt):
        run(interrupted)


def test_every_generator_is_seeded_by_the_trial_and_left_as_found() -> None:
    def draw(_: Any) -> list[float]:
        return [random.random(), np.random.random(), 0.0, 0.0]  # noqa: NPY002

    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    expected = (random.random(), np.random.random())  # noqa: NPY002
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    drawn = [run_trial(trial_of(lambda: draw, seed=seed), DATA, Conditions()) for seed in (1, 1, 2)]
    first, again, other = (outcome.responses["predict"] for outcome in drawn)
    assert first == again
    assert first[0] != other[0]
    assert first[1] != other[1]
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002


LATE = """
from tests.execution.test_trial import DATA, trial_of
from pytest_mlexp.execution.seeding import seeded
from pytest_mlexp.execution.trial import Conditions, run_trial
import sys

class Late:
    def fit(self, X, y):
        import torch
        self.drawn = float(torch.rand(1))
    def predict(self, X):
        return [self.drawn] * len(X)

assert "torch" not in sys.modules
print(run_trial(trial_of(lambda device: Late(), seed=3), DATA, Conditions()).responses["predict"][0])
"""


def test_a_model_for_a_device_that_imports_torch_only_in_fit_is_seeded() -> None:
    torch = pytest.importorskip("torch")
    drawn = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=True).stdout
    with seeded(3):
        assert float(drawn) == float(torch.rand(1))


def test_the_methods_of_a_model_are_known_before_a_fit() -> None:
    assert offered_methods(trial_of(LogisticRegression)) == frozenset(METHODS)
    assert offered_methods(trial_of(lambda: len)) == frozenset({"predict"})


def test_a_stacking_model_tells_its_methods_only_once_fitted() -> None:
    from sklearn.ensemble import StackingClassifier

    def stacking() -> Any:
        return StackingClassifier([("a", LogisticRegression())], cv=2)

    assert offered_methods(trial_of(stacking)) is None
    assert "predict_proba" in run(stacking(), wanted=frozenset({("predict_proba",)})).responses


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (LogisticRegression(), "sample_weight"),
        (make_pipeline(StandardScaler(), LogisticRegression()), "logisticregression__sample_weight"),
        (
            make_pipeline(StandardScaler(), make_pipeline(LogisticRegression())),
            "pipeline__logisticregression__sample_weight",
        ),
        (GridSearchCV(LogisticRegression(), {}), "sample_weight"),
        (GridSearchCV(make_pipeline(LogisticRegression()), {}), "logisticregression__sample_weight"),
        (make_pipeline(StandardScaler(), KNeighborsClassifier()), None),
        (len, None),
    ],
    ids=["plain", "pipeline", "nested", "search", "search_pipeline", "none", "callable"],
)
def test_weights_find_their_way_into_pipelines_and_searches(model: Any, expected: str | None) -> None:
    assert weights_argument(model) == expected


def test_a_pipeline_is_weighted_like_its_last_step() -> None:
    data = Dataset.from_arrays(
        X, (X[:, 0] > 3).astype(int), split=([0, 1, 6, 7], [2, 3, 4, 5]), sample_weight=[9.0, *[1] * 7]
    )
    wanted = frozenset({("predict_proba",)})
    plain, piped = (
        run(model, data, wanted=wanted) for model in (LogisticRegression(), make_pipeline(LogisticRegression()))
    )
    np.testing.assert_array_equal(plain.responses["predict_proba"], piped.responses["predict_proba"])
    assert plain.notes == piped.notes == ()


def test_weights_that_no_fit_takes_are_told() -> None:
    data = Dataset.from_arrays(X, X[:, 0] > 3, split=([0, 7], [2, 3]), sample_weight=np.ones(8))
    assert run(KNeighborsClassifier(1), data).notes == (
        "fit takes no sample weights, those of 'numbers' were not used",
    )
    assert run(lambda rows: rows, data).notes == ()


def test_sparse_predictions_are_counted_by_rows() -> None:
    from scipy.sparse import csr_matrix

    assert run(lambda rows: csr_matrix(rows)).failure is None  # noqa: PLW0108 - a class is no model
    assert isinstance(raised(run(lambda rows: csr_matrix(rows[1:]))), ModelError)
