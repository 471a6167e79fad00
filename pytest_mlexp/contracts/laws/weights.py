"""Laws on sample weights: they mean what they say."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_mlexp.blocks.digest import digest_of
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.learning import quality
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import SEEDS, Subject

NEEDS = ("sample_weight", "trained", "numeric")
FAR = 0.35
NEAR = 0.1


@law("Weights of one are no weights, and weights are not changed.", needs=NEEDS)
def unit_weights(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    ones = np.ones(len(data))
    before = digest_of(ones)
    model = subject.train(subject.build(), data.X, data.y, sample_weight=ones)
    if digest_of(ones) != before:
        raise Broken("fit leaves the weights as they are", "it changed them", sample_weight=ones)
    want, got = subject.expected(data), subject.answers(model, data.X_test)
    try:
        same(got, want, "weights of one give what no weights give", tolerance=1e-4, X=data.X, y=data.y)
    except Broken:
        if (reason := _by_chance(subject, case)) is not None:
            raise NotApplicable(reason) from None
        raise


@law("Rows of hardly any weight hardly matter, whatever the index of the weights.", needs=(*NEEDS, "learns"))
def heavy_rows_decide(subject: Subject, case: Case) -> None:
    data, (X, y, weights) = _two_truths(subject, case)
    model = _by_index(subject, X, y, weights)
    if model is None:
        model = subject.train(subject.build(), X, y, sample_weight=weights)
    found = quality(subject, model, data)
    if found < 0.6:
        if quality(subject, subject.fitted(data), data) < 0.8:
            raise NotApplicable("does not learn this problem well enough without weights")
        raise Broken(
            "rows with a weight of 1 decide against more rows with a weight of 0.001, whatever their index",
            f"a quality of {found:.2f} on rows that follow the heavy ones",
            X=X,
            y=y,
            sample_weight=weights,
        )


def _two_truths(subject: Subject, case: Case) -> tuple[Data, tuple[Any, Any, Any]]:
    """Rows, and each of them three times: once true and of weight one, twice with the opposite and hardly any."""
    rows = replace(case, classes=2, train_rows=max(case.train_rows, 45), rows=max(case.rows, 18))
    data = subject.data(rows, clear=True)
    wrong = np.arange(3 * len(data)) % 3 != 1
    X, y = np.repeat(data.X, 3, axis=0), np.repeat(data.y, 3, axis=0)
    if subject.declares.task == "classification":
        y[wrong] = np.where(y[wrong] == y.min(), y.max(), y.min())
    else:
        y[wrong] = (y.max(axis=0) + y.min(axis=0)) - y[wrong]
    return data, (X, y, np.where(wrong, 1e-3, 1.0))


def _by_index(subject: Subject, X: Any, y: Any, weights: Any) -> Any:
    """A model that was given the weights as a Series whose index is in another order; None where it takes none."""
    import pandas as pd

    series = pd.Series(weights, index=np.roll(np.arange(len(weights)), 1))
    with suppress(Exception):
        return subject.train(subject.build(), X, y, sample_weight=series)
    return None


@law("A weight of two is a row that stands there twice, and a weight of zero one that does not.", needs=NEEDS)
def weights_are_counts(subject: Subject, case: Case) -> None:
    if (reason := _stochastic(subject, case)) is not None:
        raise NotApplicable(reason)
    # A row of weight 3 stands there twice, with half of it each time: what is lost of a fraction is missed.
    # Zeros and ones are of three classes, and come as a list where that is taken.
    for values, times, classes in (((0, 1), 1, 3), ((1, 3), 2, 2)):
        data = _noisy(subject, case, classes=classes)
        counts = np.array(values)[(np.arange(len(data)) // 3) % 2]
        rows, weights = np.repeat(np.arange(len(data)), times), np.repeat(counts / times, times)
        weighted = _of_a_list(subject, data, counts) if times == 1 else None
        if weighted is None:
            weighted = subject.try_fit(data.X[rows], data.y[rows], doing="a weighted fit", sample_weight=weights)
        if not isinstance(weighted, Refused):
            rows = np.repeat(np.arange(len(data)), counts)
            repeated = subject.train(subject.build(), data.X[rows], data.y[rows])
            _near(subject, (weighted, repeated), data, np.unique(weights).tolist())


def _of_a_list(subject: Subject, data: Data, counts: Any) -> Any:
    """A model that was given the weights as a list of integers; None where it takes none."""
    with suppress(Exception):
        return subject.train(subject.build(), data.X, data.y, sample_weight=counts.tolist())
    return None


def _noisy(subject: Subject, case: Case, *, classes: int = 2) -> Data:
    """Rows that disagree, so that it matters which of them weigh more."""
    data = subject.data(replace(case, classes=classes, train_rows=max(case.train_rows, 40)))
    y = data.y.copy()
    odd = np.arange(len(y)) % 8 == 3
    y[odd] = np.where(y[odd] == y.min(), y.max(), y.min()) if subject.declares.task == "classification" else y[odd] * 3
    return Data(data.X, y, data.X_test, data.y_test, ("noisy", data.key))


def _near(subject: Subject, models: tuple[Any, Any], data: Data, values: Sequence[float]) -> None:
    method = next(m for m in ("predict_proba", "decision_function", "predict") if m in subject.methods(models[0]))
    one, two = (subject.answers(m, data.X_test, methods=(method,))[method] for m in models)
    plain = subject.expected(data, methods=(method,))[method]
    if one.shape != two.shape or one.dtype.kind != "f":
        return
    effect, off = float(np.mean(np.abs(plain - two))), float(np.mean(np.abs(one - two)))
    if off > FAR * effect + 1e-3 * float(np.mean(np.abs(two))):
        raise Broken(
            f"weights {tuple(values)} give the model of rows that are repeated as often as their weights add up to",
            f"{method} differs by {off:.3g} on average; without weights it differs by {effect:.3g}",
            X=data.X,
            y=data.y,
        )


def _stochastic(subject: Subject, case: Case) -> str | None:
    """Why repeated rows may change a correct model: chance, folds, or counting rows on purpose."""
    model = subject.build()
    params = model.get_params() if hasattr(model, "get_params") else {}
    counting = ("cv", "n_splits", "validation_fraction", "early_stopping", "min_child_samples", "max_samples")
    for name in params:
        if name.rpartition("__")[2] in counting:
            return f"the parameter {name} counts or splits rows"
    return _by_chance(subject, case)


def _by_chance(subject: Subject, case: Case) -> str | None:
    """Why two fits may differ that see the same data in another way; found out once a case."""
    if case not in subject.chance:
        subject.chance[case] = _chance(subject, case)
    return subject.chance[case]


def _chance(subject: Subject, case: Case) -> str | None:
    if subject.declares.nondeterministic:
        return "two fits may differ"
    model, data = subject.build(), _noisy(subject, case)
    params = model.get_params() if hasattr(model, "get_params") else {}
    seeds = [name for name in params if name.rpartition("__")[2] in SEEDS]
    if not seeds:
        return None
    other = subject.train(model.set_params(**dict.fromkeys(seeds, 1)), data.X, data.y)
    try:
        want = subject.expected(data)
        same(subject.answers(other, data.X_test), want, "", tolerance=1e-9)
    except Broken:
        return "another seed gives another model"
    return None


@law("Weights of a batch mean what weights of a fit mean.", needs=("partial_fit", "trained", "numeric", "learns"))
def weights_of_batches(subject: Subject, case: Case) -> None:
    model = subject.build()
    taken = inspect.signature(model.partial_fit).parameters
    if "sample_weight" not in taken:
        raise NotApplicable("its partial_fit takes no sample_weight")
    data, (X, y, weights) = _two_truths(subject, case)
    first = {"classes": np.unique(data.y)} if "classes" in taken else {}
    with subject.watched("partial_fit", X, y, weights):
        model.partial_fit(X, y, sample_weight=weights, **first)
    found = quality(subject, model, data)
    if found < 0.6:
        if quality(subject, subject.build().partial_fit(data.X, data.y, **first), data) < 0.8:
            raise NotApplicable("one batch is not enough for it")
        claim = "rows of a batch with a weight of 1 decide against more rows with a weight of 0.001"
        raise Broken(claim, f"a quality of {found:.2f}", X=X, y=y, sample_weight=weights)


@law("Weights of another length than the rows are refused.", needs=NEEDS)
def weights_of_wrong_length(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    fitted = subject.try_fit(data.X, data.y, doing="a fit with one weight less", sample_weight=np.ones(len(data) - 1))
    if not isinstance(fitted, Refused):
        raise Broken("one weight less than rows is refused", "it was fitted", X=data.X)


@law("Rows of no weight are absent, of however many classes.", needs=(*NEEDS, "generated"))
def no_weight_is_absent(subject: Subject, case: Case) -> None:
    _without_weight(subject, case, times=1)


@law("Rows of no weight are absent, however far they lie.", needs=(*NEEDS, "generated"), thorough=True)
def no_weight_far_away(subject: Subject, case: Case) -> None:
    _without_weight(subject, case, times=30)


def _without_weight(subject: Subject, case: Case, *, times: int) -> None:
    if subject.declares.categorical or (reason := _stochastic(subject, case)) is not None:
        raise NotApplicable("it takes categories only" if subject.declares.categorical else str(reason))
    data = subject.data(case)
    more = data.X[: len(data) // 2] * times
    X, y = np.concatenate([more, data.X]), np.concatenate([data.y[::-1][: len(more)], data.y])
    weights = np.concatenate([np.zeros(len(more)), np.ones(len(data))])
    model = subject.try_fit(X, y, doing="a fit with rows of no weight", sample_weight=weights)
    if isinstance(model, Refused):
        raise NotApplicable(f"refuses rows of no weight: {model}")
    method = next(m for m in ("predict_proba", "decision_function", "predict") if m in subject.methods(model))
    for asked in (data.X_test, data.X_test * 20)[: 1 if times == 1 else 2]:
        got, want = (
            subject.try_ask(one, asked, doing="ordinary and far rows", methods=(method,))
            for one in (model, subject.fitted(data))
        )
        if isinstance(got, Refused) or isinstance(want, Refused) or want[method].dtype.kind != "f":
            continue
        one, two = got[method], want[method]
        if one.shape != two.shape or float(np.mean(np.abs(one - two))) > NEAR * float(np.std(two)) + 1e-6:
            claim = "rows of no weight give the model that there is without them"
            raise Broken(claim, f"{method} gives {one[:2]} instead of {two[:2]}", X=X, y=y, sample_weight=weights)


LAWS = (
    unit_weights,
    heavy_rows_decide,
    weights_are_counts,
    weights_of_batches,
    no_weight_is_absent,
    no_weight_far_away,
    weights_of_wrong_length,
)
