"""Laws on learning batch by batch: batches add up, whatever their size and whatever is asked between them."""

from __future__ import annotations

import inspect
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.fitted import Answers
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.labels import check_probabilities
from pytest_mlexp.contracts.laws.learning import quality_of
from pytest_mlexp.contracts.laws.refit import other_targets
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject
from pytest_mlexp.execution.seeding import seeded

Parts = list[tuple[Any, Any]]


@law("partial_fit adds to what was learnt, and fit starts anew.", needs=("partial_fit", "trained", "numeric"))
def partial_fit_accumulates(subject: Subject, case: Case) -> None:
    data = _disagreeing(subject.data(replace(case, train_rows=max(case.train_rows, 40)), clear=True))
    half = len(data) // 2
    parts = [(data.X[:half], data.y[:half]), (data.X[half:], data.y[half:])]
    both, last = _partially(subject, parts, data), _partially(subject, parts[1:], data)
    got, want = subject.answers(both, data.X_test), subject.answers(last, data.X_test)
    if all(np.array_equal(got[name], want[name]) for name in got):
        raise Broken(
            "partial_fit on a first and then a second batch differs from partial_fit on the second alone",
            "both answer exactly alike: the first batch is forgotten",
            X=data.X,
            y=data.y,
        )
    at_once = subject.answers(_partially(subject, [(data.X, data.y)], data), data.X_test)
    if subject.declares.task == "classification":
        _remembers_classes(subject, data, at_once)
    _counts_rows(subject, data, at_once)
    _weighs_batches_by_size(subject, data, at_once, halves=got)
    if not subject.declares.nondeterministic and not subject.declares.warm_start:
        plain = subject.data(case)
        again = subject.answers(subject.train(both, plain.X, plain.y), plain.X_test)
        fresh = subject.expected(plain)
        same(again, fresh, "fit after partial_fit is a fit from nothing", tolerance=1e-7, X=plain.X, y=plain.y)


def _disagreeing(data: Data) -> Data:
    """The data, of numbers with targets that no model goes through, so that it matters how batches weigh."""
    if data.y.dtype.kind != "f":
        return data
    return replace(data, y=data.y + other_targets(data.y) / 2, key=("disagreeing", data.key))


def _remembers_classes(subject: Subject, data: Data, at_once: Answers) -> None:
    """Batches by class: what came first is still known after the last, for whoever learns in one pass."""
    labels = np.unique(data.y)
    if subject.declares.poor_score or quality_of(at_once["predict"], data.y_test, classification=True) < 0.8:
        return  # one pass is not enough for this model
    fewer = data.y != labels[-1]
    parts = [(data.X, data.y), (data.X[fewer], data.y[fewer]), (data.X, data.y), (data.X[fewer], data.y[fewer])]
    model = _partially(subject, parts, data)
    answer = subject.answers(model, data.X_test, methods=("predict",))["predict"]
    if quality_of(answer, data.y_test, classification=True) < 0.5:
        raise Broken(
            "after batches with and without a class, all classes are told apart", f"{answer}", X=data.X, y=data.y
        )
    classes = getattr(model, "classes_", labels)
    if len(classes) != len(labels):
        raise Broken(f"classes given to the first partial_fit are known: {labels}", f"{classes}", X=data.X, y=data.y)


def _counts_rows(subject: Subject, data: Data, at_once: Answers) -> None:
    """A model to which the order of batches is all the same adds up rows: batches of any size give what one gives."""
    if not _adds_up(subject, data, [(data.X[:6], data.y[:6]), (data.X[6:], data.y[6:])], at_once):
        # The same inputs in each batch, for whoever takes their mean and scale from the first.
        y = np.roll(data.y, 1, axis=0)
        _adds_up(subject, data, [(data.X, data.y), (np.tile(data.X, (3, 1)), np.concatenate([y] * 3))], None)


def _adds_up(subject: Subject, data: Data, parts: Parts, at_once: Answers | None) -> bool:
    """Whether the order of batches is all the same, and if so, check that they give what one of all rows gives."""
    one, other = (subject.answers(_partially(subject, order, data), data.X_test) for order in (parts, parts[::-1]))
    try:
        same(other, one, "", tolerance=1e-7)
    except Broken:
        return False
    if at_once is None:
        whole = np.concatenate([X for X, _ in parts]), np.concatenate([y for _, y in parts])
        at_once = subject.answers(_partially(subject, [whole], data), data.X_test)
    claim = f"batches of {[len(X) for X, _ in parts]} rows give what one batch of all gives"
    same(one, at_once, claim, tolerance=1e-5, X=data.X)
    return True


def _weighs_batches_by_size(subject: Subject, data: Data, at_once: Answers, *, halves: Answers) -> None:
    """A model to which two halves are what one batch of all is adds up rows: so it does with a short last batch."""
    try:
        same(halves, at_once, "", tolerance=1e-4)
    except Broken:
        return
    cut = len(data) - 6
    short = _partially(subject, [(data.X[:cut], data.y[:cut]), (data.X[cut:], data.y[cut:])], data)
    claim = f"a batch of {cut} rows and one of 6 give what one batch of all gives, as two halves do"
    same(subject.answers(short, data.X_test), at_once, claim, tolerance=1e-3, X=data.X, y=data.y)


@law(
    "Predicting between batches changes nothing of what is learnt.",
    needs=("partial_fit", "trained", "numeric", "deterministic"),
)
def predicting_between_batches(subject: Subject, case: Case) -> None:
    data = subject.data(replace(case, train_rows=max(case.train_rows, 40)), clear=True)
    third = len(data) // 3
    cuts = (0, third, 2 * third, len(data))
    parts = [(data.X[a:b], data.y[a:b]) for a, b in pairwise(cuts)]
    silent = _partially(subject, parts, data)
    asked = _partially(subject, parts, data, asking=True)
    got, want = subject.answers(asked, data.X_test), subject.answers(silent, data.X_test)
    claim = "a model that is asked between its batches learns what one learns that is not"
    same(got, want, claim, tolerance=1e-9, X=data.X, y=data.y)


def _partially(subject: Subject, parts: Parts, data: Data, *, asking: bool = False, classes: Any = None) -> Any:
    """A new model that was given these batches, and, if wanted, asked about the rows of each after it."""
    model = subject.build()
    takes = "classes" in inspect.signature(model.partial_fit).parameters
    for number, (X, y) in enumerate(parts):
        known = np.unique(data.y) if classes is None else classes
        first = {"classes": known} if takes and number == 0 else {}
        with seeded(0):
            try:
                with subject.watched("partial_fit", X, y, *first.values()):
                    model.partial_fit(X, y, **first)
            except ValueError as error:
                if number:
                    raise Broken("a later batch of known labels is taken", f"ValueError: {error}", X=X, y=y) from error
                raise NotApplicable(f"partial_fit refuses its data: {error}") from error
        if asking:
            subject.answers(model, X, methods=subject.methods(model))
    return model


@law(
    "Classes given to partial_fit may stand in any order, and may have no rows yet.",
    needs=("partial_fit", "trained", "numeric", "classifier"),
)
def classes_in_any_order(subject: Subject, case: Case) -> None:
    if "classes" not in inspect.signature(subject.build().partial_fit).parameters:
        raise NotApplicable("its partial_fit takes no classes")
    data = subject.data(replace(case, train_rows=max(case.train_rows, 40)), clear=True)
    labels = np.unique(data.y)
    plain, other = (
        _partially(subject, [(data.X, data.y)], data, classes=order) for order in (labels, np.roll(labels, 1))
    )
    got, want = subject.answers(other, data.X_test), subject.answers(plain, data.X_test)
    if not subject.declares.nondeterministic:
        claim = "classes given in another order give the same answers, columns in the order of sorted classes_"
        same(got, want, claim, tolerance=1e-7, X=data.X, y=data.y)
    _without_rows(subject, data, labels)


def _without_rows(subject: Subject, data: Data, labels: Any) -> None:
    """A class that is known by name only: it is not the answer to every row, and probabilities are numbers."""
    seen = data.y != labels[0]
    model = _partially(subject, [(data.X[seen], data.y[seen])], data)
    what = f"rows while the class {labels[0]!r} has none yet"
    rows = data.X[seen]
    got = subject.try_ask(model, rows, doing=what)
    if isinstance(got, Refused):
        return
    if "predict_proba" in got:
        check_probabilities(got["predict_proba"], len(labels), what, rows)
    if len(labels) > 1 and (got["predict"] == labels[0]).all():
        raise Broken(f"{what} get the labels that were seen", f"all are {labels[0]!r}", X=data.X[seen], y=data.y[seen])


LAWS = (partial_fit_accumulates, predicting_between_batches, classes_in_any_order)
