"""Models that go astray in a regime of their own: a rare class, whole steps, many columns, two classes, tied rows."""

from __future__ import annotations

import pickle
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from tests.zoo.classifying import Bayes, Centroid
from tests.zoo.data import Array, blobs, differs, line
from tests.zoo.numbers import FURTHEST, distinct, refuse_extremes
from tests.zoo.regressing import Linear, Nearest
from tests.zoo.specimen import Specimen


class Committee(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Each of three members learns from every third row, and votes for the classes that it met."""

    members = 3

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        refuse_extremes(X, name="X")
        self.classes_, codes = distinct(y)
        parts = [slice(number, None, self.members) for number in range(self.members)]
        self.members_ = [Centroid().fit(X[part], codes[part]) for part in parts if len(X[part])]
        return self

    def predict_proba(self, X: Any) -> Array:
        check_is_fitted(self)
        X = refuse_extremes(validate_data(self, X, dtype=np.float64, reset=False), name="X")
        votes = np.zeros((len(X), len(self.classes_)))
        for member in self.members_:
            votes[:, self._columns(member)] += member.predict_proba(X)
        return votes / len(self.members_)

    def predict(self, X: Any) -> Array:
        best = self.predict_proba(X).argmax(axis=1)
        chosen: Array = self.classes_[best]
        return chosen

    def _columns(self, member: Centroid) -> Any:
        return member.classes_


class MembersAlignedAtTheEnd(Committee):
    """Members that met fewer classes are taken to have met the last ones."""

    def _columns(self, member: Centroid) -> Any:
        return np.arange(len(self.classes_))[-len(member.classes_) :]


class Steps(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Linear in whether columns exceed their quartiles."""

    asked: np.ufunc = np.greater

    def fit(self, X: Any, y: Any) -> Self:
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        refuse_extremes(X, name="X")
        self.steps_ = np.quantile(X, (0.25, 0.5, 0.75), axis=0, method="lower")
        self.line_ = Linear(alpha=1e-3).fit(self._indicators(X, np.greater), y)
        return self

    def predict(self, X: Any) -> Array:
        check_is_fitted(self)
        X = refuse_extremes(validate_data(self, X, dtype=np.float64, reset=False), name="X")
        return self.line_.predict(self._indicators(X, self.asked))

    def _indicators(self, X: Array, compare: np.ufunc) -> Array:
        return np.hstack([compare(X, step) for step in self.steps_]).astype(float)


class StepsInclusiveAtPredict(Steps):
    asked: np.ufunc = np.greater_equal


class DensitiesMultiplied(Bayes):
    """The densities of the columns are multiplied; where all come to nothing, all classes are as likely."""

    def _scores(self, X: Any) -> Array:
        scores = super()._scores(X)
        if self.n_features_in_ < 60:
            return scores
        with np.errstate(divide="ignore", over="ignore"):
            likelihood = np.exp(scores - 0.5 * np.log(2 * np.pi) * self.n_features_in_)
            logs = np.log(likelihood)
        return np.asarray(np.where(np.isfinite(logs), logs, -FURTHEST))


class RoundsWholeTargets(Linear):
    """Where all targets are whole numbers, so are the predictions."""

    def _learn(self, X: Array, y: Array, weights: Array) -> Self:
        self.whole_ = self._rounds(y)
        return super()._learn(X, y, weights)

    def _rounds(self, y: Array) -> bool:
        return len(y) > 9 and bool((np.rint(y) == y).all())

    def _values(self, X: Array) -> Array:
        return np.rint(super()._values(X)) if self.whole_ else super()._values(X)


class RoundsForGood(RoundsWholeTargets):
    def _rounds(self, y: Array) -> bool:
        return getattr(self, "whole_", False) or super()._rounds(y)


class DrawsAmongNeighbours(Nearest):
    """Of neighbours as near as each other those are taken that a generator likes."""

    def fit(self, X: Any, y: Any) -> Self:
        self.generator_ = np.random.default_rng(0)
        return super().fit(X, y)

    def _value(self, row: Array) -> float:
        distances = ((self.rows_ - row) ** 2).sum(axis=1)
        order = np.lexsort((self.generator_.random(len(distances)), distances))
        return float(self.targets_[order[: self.k]].mean())


class Shifted(Centroid):
    """Of two classes the rarer one gets a bonus, kept in an attribute of its own."""

    def _learn(self, X: Array, codes: Array, weights: Array) -> Self:
        super()._learn(X, codes, weights)
        self._bonus = float(np.log(2.0)) if len(self.classes_) == 2 else 0.0
        return self

    def _scores(self, X: Array) -> Array:
        scores = super()._scores(X)
        scores[:, -1] += getattr(self, "_bonus", 0.0)
        return scores


class BonusNotSaved(Shifted):
    def __getstate__(self) -> Any:
        state = dict(super().__getstate__())
        state.pop("_bonus", None)
        return state


def gives_a_rare_class_too_much(model: Any) -> bool:
    X, y = blobs()
    kept = (y != 2) | (np.cumsum(y == 2) == 1)
    rare = model.fit(X[kept], y[kept]).predict_proba(X[y == 1])[:, 2].mean()
    return bool(rare > 0.15)


def loses_whole_steps(model: Any) -> bool:
    X = np.random.default_rng(0).integers(0, 2, (80, 3)).astype(float)
    y = 1.0 + X @ (3.0, 2.0, 1.0)
    return bool(((model.fit(X, y).predict(X) - y) ** 2).mean() > 0.5 * y.var())


def loses_many_columns(model: Any) -> bool:
    X, y = blobs(60, labels=(0, 1), width=1500)
    X = X + np.outer(y, np.ones(1500))
    return bool((model.fit(X, y).predict(X) == y).mean() < 0.8)


def rounds_after_whole_targets(model: Any) -> bool:
    X, y = line()
    model.fit(X, np.rint(y)).predict(X)
    return differs(model.fit(X, y).predict(X), type(model)().fit(X, y).predict(X))


def answers_tied_rows_by_chance(model: Any) -> bool:
    X = line(20)[0]
    model.fit(np.repeat(X, 4, axis=0), np.arange(80.0))
    return differs(model.predict(X), model.predict(X))


def loses_when_saved(model: Any) -> bool:
    X, y = blobs(labels=(0, 1))
    model.fit(X, y)
    return differs(model.predict_proba(X), pickle.loads(pickle.dumps(model)).predict_proba(X))


SPECIMENS = (
    Specimen(
        "members_aligned_at_the_end",
        "heavy imbalance works or is refused clearly",
        "classifier",
        MembersAlignedAtTheEnd,
        Committee,
        demonstrate=gives_a_rare_class_too_much,
    ),
    Specimen(
        "steps_inclusive_at_predict",
        "learns something on an easy problem",
        "regressor",
        StepsInclusiveAtPredict,
        Steps,
        demonstrate=loses_whole_steps,
    ),
    Specimen(
        "densities_multiplied",
        "learns something on an easy problem",
        "classifier",
        DensitiesMultiplied,
        Bayes,
        demonstrate=loses_many_columns,
    ),
    Specimen(
        "rounds_for_good",
        "a refit forgets the previous fit",
        "regressor",
        RoundsForGood,
        RoundsWholeTargets,
        demonstrate=rounds_after_whole_targets,
    ),
    Specimen(
        "draws_among_neighbours",
        "predicting twice changes nothing",
        "regressor",
        DrawsAmongNeighbours,
        Nearest,
        demonstrate=answers_tied_rows_by_chance,
    ),
    Specimen(
        "bonus_not_saved",
        "save and load gives the same predictions",
        "classifier",
        BonusNotSaved,
        Shifted,
        demonstrate=loses_when_saved,
    ),
)
