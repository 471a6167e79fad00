"""What shows, without this package, the laws that correct models of scikit-learn, LightGBM and XGBoost do break.

Run ``OMP_NUM_THREADS=1 python benchmarks/explained.py``. There is one function for each reason in ``EXPLAINED`` of
``benchmarks/contracts.py``; each returns what it saw and whether that confirms the broken law.
"""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Seen = Iterator[tuple[str, str, bool]]
rng = np.random.default_rng(0)
X = rng.normal(size=(48, 5))
y = 3.0 + X @ np.array([2.0, -1.5, 2.0, -1.5, 0.0])
codes = np.arange(48) % 3
GROUPED = X + 4.0 * np.eye(3, 5)[codes]


def kernels_of_far_rows() -> Seen:
    """Probabilities, scales, wide data: a kernel of rows far from every training row is 0, and 0 / 0 is NaN."""
    from sklearn.semi_supervised import LabelPropagation, LabelSpreading

    for model in (LabelPropagation(), LabelSpreading()):
        proba = model.fit(GROUPED, codes).predict_proba(GROUPED[:2] * 1e4)
        yield type(model).__name__, f"predict_proba of far rows: {proba[0]}", bool(np.isnan(proba).any())


def minus_one_is_unlabelled() -> Seen:
    """Labels: of classes named -7, -1 and 1, the class -1 is not learnt."""
    from sklearn.semi_supervised import LabelPropagation, LabelSpreading

    for model in (LabelPropagation(), LabelSpreading()):
        classes = model.fit(GROUPED, np.array([-7, -1, 1])[codes]).classes_
        yield type(model).__name__, f"trained on -7, -1, 1, classes_ are {classes}", -1 not in classes


def constant_targets_of_paths() -> Seen:
    """One class: a constant target makes the path of a fold empty, which is found out by an argmin."""
    from sklearn.linear_model import LarsCV, LassoLarsCV, OrthogonalMatchingPursuitCV

    for model in (LarsCV(), LassoLarsCV(), OrthogonalMatchingPursuitCV()):
        try:
            model.fit(X, np.full(48, 5.0))
            told = "it is fitted"
        except ValueError as error:
            told = f"ValueError: {error}"
        yield type(model).__name__, told, "empty sequence" in told


def quantiles_of_the_default_penalty() -> Seen:
    """Learns, every column and every row counts: the default alpha=1 shrinks every coefficient to zero."""
    from sklearn.linear_model import QuantileRegressor

    coefficients = QuantileRegressor().fit(X, y).coef_
    yield "QuantileRegressor", f"coefficients of a linear target: {coefficients}", bool(np.allclose(coefficients, 0))


def solver_of_huge_inputs() -> Seen:
    """Far away: alike at scales of 1 and 1e4; at 1e9 the solver stops early, without a warning."""
    from sklearn.linear_model import HuberRegressor

    fits = {scale: HuberRegressor().fit(X * scale, y) for scale in (1.0, 1e4, 1e9)}
    scores = {scale: float(model.score(X * scale, y)) for scale, model in fits.items()}
    told = f"R2 by scale {scores}, {fits[1e9].n_iter_} iterations at 1e9"
    yield "HuberRegressor", told, scores[1e4] > 0.99 and scores[1e9] < 0.5


def unfitted_isotonic() -> Seen:
    """Refused before fit: the error is an AttributeError about a private-looking name."""
    from sklearn.isotonic import IsotonicRegression

    try:
        told = f"it answers {IsotonicRegression().predict(X[:, 0])[:2]}"
    except Exception as error:  # noqa: BLE001 - which it is, is the question
        told = f"{type(error).__name__}: {error}"
    yield "IsotonicRegression", told, told.startswith("AttributeError")


def two_distances() -> Seen:
    """Best score is predicted: ``predict`` measures plain distances, ``predict_proba`` scaled ones."""
    from sklearn.neighbors import NearestCentroid

    scale = np.array([1.0, 30.0, 1.0, 1.0, 1.0])
    model = NearestCentroid().fit(GROUPED * scale, codes)
    rows = rng.normal(size=(300, 5)) * 3 * scale
    off = int((model.classes_[model.predict_proba(rows).argmax(axis=1)] != model.predict(rows)).sum())
    yield "NearestCentroid", f"in {off} of 300 rows the best probability is of another class than predict's", off > 0


def aggressiveness_set_later() -> Seen:
    """A parameter set later: ``C`` is read by the constructor alone."""
    from sklearn.linear_model import PassiveAggressiveRegressor

    built = PassiveAggressiveRegressor(C=1e-4, random_state=0).fit(X, y)
    later = PassiveAggressiveRegressor(random_state=0).set_params(C=1e-4).fit(X, y)
    told = f"coefficients with C=1e-4 from the constructor {built.coef_[:2]}, through set_params {later.coef_[:2]}"
    yield "PassiveAggressiveRegressor", told, not np.allclose(built.coef_, later.coef_)


def columns_by_position() -> Seen:
    """Reordered columns, wrong width: names of columns are not looked at."""
    import lightgbm
    import pandas as pd

    frame = pd.DataFrame(GROUPED, columns=list("edcba"))
    for kind, target in ((lightgbm.LGBMClassifier, codes), (lightgbm.LGBMRegressor, y)):
        model = kind(verbose=-1, n_jobs=1, min_child_samples=2).fit(frame, target)
        plain, other = model.predict(frame), model.predict(frame[list("abcde")])
        renamed = model.predict(frame.rename(columns={"e": "another"}))
        off = int(np.sum(plain != other))
        told = f"reordered columns change {off} of 48 answers; a frame with another name is answered: {renamed[:2]}"
        yield kind.__name__, told, off > 0


def booleans_as_integers() -> Seen:
    """Labels keep their type: trained on booleans it predicts 0 and 1."""
    import xgboost

    answer = xgboost.XGBClassifier(n_jobs=1, n_estimators=5).fit(GROUPED, codes == 0).predict(GROUPED)
    yield "XGBClassifier", f"trained on booleans it predicts {answer[:2]} ({answer.dtype})", answer.dtype != bool


def objective_set_by_fit() -> Seen:
    """Parameters survive a fit: ``objective`` is another one after it."""
    import xgboost

    model = xgboost.XGBClassifier(n_jobs=1, n_estimators=5)
    before = model.get_params()["objective"]
    after = model.fit(GROUPED, codes).get_params()["objective"]
    yield "XGBClassifier", f"objective was {before!r} and is {after!r}", before != after


def two_columns_for_one_class() -> Seen:
    """One class, one training row: classes_ has one entry, predict_proba two columns."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.neural_network import MLPClassifier

    kinds: list[Any] = [HistGradientBoostingClassifier, MLPClassifier]
    with contextlib.suppress(ImportError):
        from lightgbm import LGBMClassifier

        kinds.append(functools.partial(LGBMClassifier, verbose=-1, n_jobs=1))
    for kind in kinds:
        model = kind(random_state=0).fit(X, np.zeros(48, dtype=int))
        columns = model.predict_proba(X).shape[1]
        told = f"classes_ are {model.classes_}, predict_proba has {columns} columns"
        yield type(model).__name__, told, len(model.classes_) == 1 and columns == 2


def unsigned_inputs_negated() -> Seen:
    """Whole numbers at fit: the linear program holds -X, which wraps around in an unsigned type; signed ones do not."""
    from sklearn.linear_model import QuantileRegressor

    whole = np.rint(8 * (X - X.min()))
    told, wanted = {}, QuantileRegressor(alpha=0.01).fit(whole, y).coef_
    for kind in (np.int16, np.uint8):
        try:
            told[kind] = np.abs(QuantileRegressor(alpha=0.01).fit(whole.astype(kind), y).coef_ - wanted).max()
        except TypeError:  # the program has no solution any more, and None is indexed
            told[kind] = np.inf
    seen = {kind.__name__: float(off) for kind, off in told.items()}
    yield "QuantileRegressor", f"coefficients are off by {seen}", told[np.int16] < 1e-6 < told[np.uint8]


def gamma_of_rows_without_weight() -> Seen:
    """No weight is absent: the width of the kernel is taken from all rows, those of weight zero too."""
    from sklearn.svm import SVC, SVR, NuSVC, NuSVR

    far = np.concatenate([GROUPED, 1000.0 + X[:6]])
    weights = np.repeat([1.0, 0.0], [48, 6])
    for kind, targets in ((SVC, codes), (NuSVC, codes), (SVR, y), (NuSVR, y)):
        with_them = kind().fit(far, np.concatenate([targets, targets[:6]]), weights)
        gammas = with_them._gamma, kind().fit(GROUPED, targets)._gamma
        yield (
            kind.__name__,
            f"gamma is {gammas[0]:.3g} with rows of no weight, {gammas[1]:.3g} without",
            (not np.isclose(*gammas)),
        )


def priors_with_a_scale() -> Seen:
    """Small units: the priors of the precisions are absolute numbers, and inputs of 1e-6 do not outweigh them."""
    from sklearn.linear_model import BayesianRidge

    scores = [BayesianRidge().fit(X * scale, y).score(X * scale, y) for scale in (1.0, 1e-2, 1e-6)]
    yield "BayesianRidge", f"R2 of inputs times 1, 1e-2, 1e-6: {np.round(scores, 3)}", scores[1] - scores[2] > 0.5


def solver_far_from_zero() -> Seen:
    """Digits far from zero: the solver stops at once where all inputs are about 2**25, without a warning."""
    from sklearn.linear_model import PoissonRegressor, TweedieRegressor

    for kind, targets in ((PoissonRegressor, np.exp(y / 4)), (TweedieRegressor, y)):
        near, far = (kind().fit(X + shift, targets) for shift in (0.0, 2.0**25))
        told = (
            f"{near.n_iter_} iterations near zero, {far.n_iter_} far away, coefficients {np.abs(far.coef_).max():.2g}"
        )
        yield kind.__name__, told, bool(far.n_iter_ <= 1 or np.abs(far.coef_).max() < 1e-3 * np.abs(near.coef_).max())


REASONS: tuple[Callable[[], Any], ...] = (
    kernels_of_far_rows,
    minus_one_is_unlabelled,
    constant_targets_of_paths,
    quantiles_of_the_default_penalty,
    solver_of_huge_inputs,
    unfitted_isotonic,
    two_distances,
    aggressiveness_set_later,
    columns_by_position,
    booleans_as_integers,
    objective_set_by_fit,
    two_columns_for_one_class,
    unsigned_inputs_negated,
    gamma_of_rows_without_weight,
    priors_with_a_scale,
    solver_far_from_zero,
)


def main() -> None:
    """Say for each model whether its broken law is confirmed."""
    warnings.simplefilter("ignore")
    for reason in REASONS:
        print(f"{reason.__name__}: {reason.__doc__}")
        try:
            for model, told, confirmed in reason():
                print(f"    {'confirmed    ' if confirmed else 'NOT CONFIRMED'} {model}: {told}", flush=True)
        except ImportError as missing:
            print(f"    not looked at: {missing}")


if __name__ == "__main__":
    main()
