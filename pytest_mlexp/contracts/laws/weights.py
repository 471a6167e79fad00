"""Laws on sample weights: they mean what they say."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
    if ("unit_weights", data.key) in subject.settled:
        return
    ones = np.ones(len(data))
    before = digest_of(ones)
    model = subject.train(subject.build(), data.X, data.y, sample_weight=ones)
    if digest_of(ones) != before:
        raise Broken("fit leaves the weights as they are", "it changed them", sample_weight=ones)
    want, got = subject.expected(data), subject.answers(model, data.X_test)
    with _unless_by_chance(subject, case):
        same(got, want, "weights of one give what no weights give", tolerance=1e-4, X=data.X, y=data.y)


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


@law("The weight of a row is how often it counts.", needs=NEEDS)
def weights_are_counts(subject: Subject, case: Case) -> None:
    if (reason := _counting(subject)) is not None:
        raise NotApplicable(reason)
    # A row of weight 3 stands there twice, with half of it each time: what is lost of a fraction is missed.
    data = _noisy(subject, case)
    counts = np.array((1, 3))[(np.arange(len(data)) // 3) % 2]
    rows, weights = np.repeat(np.arange(len(data)), 2), np.repeat(counts / 2, 2)
    weighted = subject.try_fit(data.X[rows], data.y[rows], doing="a weighted fit", sample_weight=weights)
    if isinstance(weighted, Refused):
        raise NotApplicable(f"refuses weights: {weighted}")
    rows = np.repeat(np.arange(len(data)), counts)
    repeated = subject.train(subject.build(), data.X[rows], data.y[rows])
    with _unless_by_chance(subject, case):
        claim = "weights of 0.5 and 1.5 give the model of rows repeated as often as their weights add up to"
        _near(subject, (weighted, repeated), data, claim)


def _noisy(subject: Subject, case: Case) -> Data:
    """Rows that disagree, so that it matters which of them weigh more."""
    data = subject.data(replace(case, classes=2, train_rows=max(case.train_rows, 40)))
    y = data.y.copy()
    odd = np.arange(len(y)) % 8 == 3
    y[odd] = np.where(y[odd] == y.min(), y.max(), y.min()) if subject.declares.task == "classification" else y[odd] * 3
    return Data(data.X, y, data.X_test, data.y_test, ("noisy", data.key))


def _near(subject: Subject, models: tuple[Any, Any], data: Data, claim: str) -> None:
    """Check that the first model is about the second, measured by how far one without weights is from it."""
    method = next(m for m in ("predict_proba", "decision_function", "predict") if m in subject.methods(models[0]))
    one, two = (subject.answers(m, data.X_test, methods=(method,))[method] for m in models)
    if one.dtype.kind != "f" or two.dtype.kind != "f":
        return
    if one.shape != two.shape:
        raise Broken(claim, f"{method} has shape {one.shape} instead of {two.shape}", X=data.X, y=data.y)
    off, least = float(np.mean(np.abs(one - two))), 1e-3 * float(np.mean(np.abs(two)))
    if off <= least:
        return
    effect = float(np.mean(np.abs(subject.expected(data, methods=(method,))[method] - two)))
    if off > FAR * effect + least:
        seen = f"{method} differs by {off:.3g} on average; without weights it differs by {effect:.3g}"
        raise Broken(claim, seen, X=data.X, y=data.y)


def _counting(subject: Subject) -> str | None:
    """Why repeated rows may change a correct model: folds, or counting rows on purpose."""
    if subject.declares.nondeterministic:
        return "two fits may differ"
    model = subject.build()
    params = model.get_params() if hasattr(model, "get_params") else {}
    counting = ("cv", "n_splits", "validation_fraction", "early_stopping", "min_child_samples", "max_samples")
    for name in params:
        if name.rpartition("__")[2] in counting:
            return f"the parameter {name} counts or splits rows"
    return None


@contextmanager
def _unless_by_chance(subject: Subject, case: Case) -> Iterator[None]:
    """Accuse no model that another seed makes another model of."""
    try:
        yield
    except Broken:
        if (reason := _by_chance(subject, case)) is not None:
            raise NotApplicable(reason) from None
        raise


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


@law("Rows of no weight are absent, of however many classes.", needs=NEEDS)
def no_weight_is_absent(subject: Subject, case: Case) -> None:
    _without_weight(subject, case, times=1)


@law("Rows of no weight are absent, however far they lie.", needs=(*NEEDS, "generated"), thorough=True)
def no_weight_far_away(subject: Subject, case: Case) -> None:
    _without_weight(subject, case, times=30)


def _without_weight(subject: Subject, case: Case, *, times: int) -> None:
    if times > 1 and subject.declares.categorical:
        raise NotApplicable("it takes categories only")
    if (reason := _counting(subject)) is not None:
        raise NotApplicable(reason)
    data = subject.data(case)
    beside, weights = _beside_absent(subject, data, times=times)
    model = _of_a_list(subject, beside, weights) if times == 1 else None
    if model is None:
        model = subject.try_fit(beside.X, beside.y, doing="a fit with rows of no weight", sample_weight=weights)
    if isinstance(model, Refused):
        raise NotApplicable(f"refuses rows of no weight: {model}")
    with _unless_by_chance(subject, case):
        if times == 1:
            _near(subject, (model, subject.fitted(data)), beside, "rows of no weight give the model without them")
            with suppress(Broken):
                same(subject.answers(model, data.X_test), subject.expected(data), "", tolerance=1e-4)
                subject.settled.add(("unit_weights", data.key))
        else:
            _as_without(subject, model, data, beside)


def _as_without(subject: Subject, model: Any, data: Data, beside: Data) -> None:
    method = next(m for m in ("predict_proba", "decision_function", "predict") if m in subject.methods(model))
    for asked in (data.X_test, data.X_test * 20):
        got, want = (
            subject.try_ask(one, asked, doing="ordinary and far rows", methods=(method,))
            for one in (model, subject.fitted(data))
        )
        if isinstance(got, Refused) or isinstance(want, Refused) or want[method].dtype.kind != "f":
            continue
        one, two = got[method], want[method]
        if one.shape != two.shape or float(np.mean(np.abs(one - two))) > NEAR * float(np.std(two)) + 1e-6:
            claim = "rows of no weight give the model that there is without them"
            raise Broken(claim, f"{method} gives {one[:2]} instead of {two[:2]}", X=beside.X, y=beside.y)


def _beside_absent(subject: Subject, data: Data, *, times: int) -> tuple[Data, Any]:
    """The training rows, and before the first and amid the others rows of no weight that say something else."""
    rows = np.sort(np.concatenate([np.arange(len(data)), np.arange(0, len(data), 2)]))
    absent = np.append(False, rows[1:] == rows[:-1])
    absent[:2] = absent[1::-1]
    X, y = data.X[rows], data.y[rows]
    X[absent] = X[absent] * times
    if subject.declares.task == "classification":
        labels, codes = np.unique(data.y, return_inverse=True)
        y[absent] = np.roll(labels, 1)[codes[rows]][absent]
    else:
        y[absent] = y[absent][::-1] * 3
    return Data(X, y, data.X_test, None, ("beside absent rows", times, data.key)), np.where(absent, 0.0, 1.0)


def _of_a_list(subject: Subject, data: Data, weights: Any) -> Any:
    """A model that was given the weights as a list of integers; None where it takes none."""
    with suppress(Exception):
        return subject.train(subject.build(), data.X, data.y, sample_weight=weights.astype(int).tolist())
    return None


LAWS = (
    no_weight_is_absent,
    unit_weights,
    heavy_rows_decide,
    weights_are_counts,
    weights_of_batches,
    no_weight_far_away,
    weights_of_wrong_length,
)
