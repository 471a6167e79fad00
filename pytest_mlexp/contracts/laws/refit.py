"""Laws on fitting again and beside each other: a fit knows its own data only."""

from __future__ import annotations

import copy
from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_mlexp.blocks.splitting import take
from pytest_mlexp.contracts.applies import has
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.copying import copies_of
from pytest_mlexp.contracts.data import Case, Data, is_texts
from pytest_mlexp.contracts.fitted import Answers
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.encodings import kind_of
from pytest_mlexp.contracts.own_code import state_size
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.second import second_fit
from pytest_mlexp.contracts.subject import Subject

TOLERANCE = 1e-7
WORDS = ("x", "y", "z", "zz")
SAME = "the same inputs"
WEIGHTED = ", and with weights"
LARGER = "more rows of a hundred times the scale with one class more"
LEAST_GROWTH = 8


@law("A refit forgets the previous fit: its width, scale, labels, sign and names.", needs=("trained", "deterministic"))
def refit_forgets(subject: Subject, case: Case) -> None:
    if subject.declares.warm_start:
        raise NotApplicable("warm_start is set: a fit goes on from the one before")
    data = subject.data(case)
    finals = [data, _of_another_regime(subject, case, data)]
    if not has(subject, "own_code"):
        finals = finals[:1]
    # Several chains, since what the first fit leaves behind may hide what a later one would.
    for chain, final in zip(_chains(subject, case, data), finals, strict=False):
        want = subject.expected(final)
        try:
            subject.settled |= {(name, final.key) for name in _refit(subject, chain, final, want)}
        except Broken:
            for what, earlier in chain.items():
                _refit(subject, {what: earlier}, final, want)
            raise


def _of_another_regime(subject: Subject, case: Case, data: Data) -> Data:
    """What a model may treat on a path of its own, after what it treats on another: two classes, or whole numbers."""
    if subject.declares.given:
        return data
    if subject.declares.task == "classification":
        return subject.data(replace(case, classes=2))
    return Data(data.X, _positive(data.y), data.X_test, None, ("positive targets", data.key))


def _positive(y: Any) -> Any:
    """Targets of about the same differences, as whole numbers above zero."""
    return np.rint(4 * (y - y.min(axis=0))) + 1.0


def _refit(subject: Subject, chain: dict[str, Data], data: Data, want: Answers) -> set[str]:
    """Fit one model on all of a chain in turn, then on the data, and compare; the laws that this obeys as well."""
    never, told = subject.build(), next(iter(chain)) if len(chain) == 1 else "other data"
    model = _copied(never)
    model = subject.build() if model is None else model
    second = second_fit(subject, data) if next(reversed(chain)).startswith(SAME) else None
    got: Any = None
    apart = second is not None
    for what, one in chain.items():
        weights = {"sample_weight": 1.0 + np.arange(len(one)) % 3} if what.endswith(WEIGHTED) else {}
        fitted, got = subject.try_fit(one.X, one.y, doing=f"a first fit on {what}", model=model, **weights), None
        if not isinstance(fitted, Refused):
            same_rows = what.startswith(SAME)
            got = subject.try_ask(model, one.X_test, doing="its own rows", methods=None if same_rows else ("predict",))
            got = None if isinstance(got, Refused) or not same_rows else got
        apart = apart and second is not None and _answers_still(subject, [second.model], want, data)
    copies = _copies(model) if got is not None else []
    again = subject.answers(subject.train(model, data.X, data.y), data.X_test)
    claim = f"after a fit on {told}, another fit gives what a first one gives"
    same_fit(subject, again, want, claim, X=data.X, y=data.y)
    kept = {
        "instances_do_not_share": apart and not _answers_at_all(subject, never, data),
        "copies_are_apart": bool(copies) and _answers_still(subject, copies, got, data),
        "refit_does_not_grow": bool(copies) and not _grew(subject, model, data),
    }
    return {name for name, seen in kept.items() if seen}


def _copies(model: Any) -> list[Any]:
    with suppress(Broken):
        return list(copies_of(model).values())
    return []


def _answers_still(subject: Subject, models: list[Any], before: Answers, data: Data) -> bool:
    """Whether models that nobody touched score as they did before another was fitted."""
    scores = tuple(before)[-1:]
    with suppress(Broken):
        for model in models:
            same({**before, **subject.answers(model, data.X_test, methods=scores)}, before, "", tolerance=1e-9)
        return True
    return False


def _answers_at_all(subject: Subject, never: Any, data: Data) -> bool:
    """Whether a model answers that was never fitted, and should not."""
    with suppress(Broken):
        if subject.declares.requires_fit:
            still_unfitted(subject, never, data, "")
        return False
    return True


def _grew(subject: Subject, model: Any, data: Data) -> bool:
    """Whether a model that was fitted several times is larger than one that was fitted once."""
    return state_size(model) - state_size(subject.fitted(data)) >= LEAST_GROWTH


def _chains(subject: Subject, case: Case, data: Data) -> list[dict[str, Data]]:
    """Data to be forgotten, chain by chain."""
    targets, kind = other_targets(data.y), "other targets"
    if subject.declares.task == "regression" and isinstance(data.y, np.ndarray):
        targets, kind = _positive(targets), "positive whole targets"
    same = {f"{SAME}, {kind}": Data(data.X, targets, data.X_test, None)}
    if subject.declares.given:
        X = _changed(data.X)
        return [same] if X is None else [{"other inputs": Data(X, data.y, take(X, range(3)), None)}, same]
    sign = 1 if subject.declares.positive_target else -1
    rows, more = max(case.train_rows - 9, 6), case.train_rows + 13
    less = replace(case, train_rows=rows, seed=case.seed + 2)
    greater = replace(case, train_rows=more, classes=case.classes + 1, seed=case.seed + 4)
    wide = replace(case, train_rows=more, classes=case.classes + 1, columns=case.columns + 2)
    narrow = replace(case, columns=max(case.columns - 1, 2), classes=2, seed=case.seed + 1)
    small = "fewer rows of a hundredth of the scale with other labels"
    if has(subject, "sample_weight"):
        small += WEIGHTED
    first = {small: subject.data(less, scale=0.01, target_scale=0.01, labels=(5, 6, 8, 9))}
    larger, what = subject.data(greater, scale=100.0, shift=7.0, target_scale=100.0 * sign), LARGER
    if isinstance(data.X, np.ndarray):
        larger, what = larger.framed(), f"a frame with names, of {LARGER}"
    second = {
        "narrower data with fewer classes": _of_several_targets(subject, subject.data(narrow, labels=(7, 9))),
        "wider data with more classes, another scale and sign": subject.data(
            wide, scale=50.0, shift=7.0, target_scale=20.0 * sign, labels=WORDS
        ),
        what: larger,
    }
    if hasattr(data.X, "columns"):  # other words first: of what comes first, a code or a place may be kept
        first = {"other words and numbers": Data(_changed(data.X), data.y, _changed(data.X_test), None), **first}
    if isinstance(data.X, np.ndarray):
        bad = np.full((len(data), data.X.shape[1] + 1), np.nan)
        second["nothing but NaN, which may be refused"] = Data(bad, data.y, data.X_test, None)
    return [{**first, **same}, second]


def _of_several_targets(subject: Subject, data: Data) -> Data:
    """The data with a second target, where the model takes several and usually gets one."""
    several = has(subject, "multi_output") and subject.declares.task == "regression" and np.ndim(data.y) == 1
    return replace(data, y=np.column_stack([data.y, data.y[::-1]])) if several else data


def _changed(X: Any) -> Any:
    """Rows of other words, or of another scale; None where there is nothing to change."""
    if is_texts(X):
        return [f"{text} zebra{i % 5} quagga" for i, text in enumerate(X)]
    if hasattr(X, "columns"):
        return X.assign(**{name: _changed_column(X[name]) for name in X.columns})
    return 10 * X + 1 if isinstance(X, np.ndarray) and X.dtype.kind == "f" else None


def _changed_column(column: Any) -> Any:
    """A column of another scale, of later times, or of words some of which are known and come in another order."""
    import pandas as pd

    kind = kind_of(column)
    if kind == "floats":
        return 10 * column + 1
    if kind in ("times", "times of a zone"):
        return column + pd.Timedelta(days=400)
    if kind not in ("words", "categories"):
        return column
    # New words before the last one, so that whoever numbers words by their first sight ends in another order.
    renamed = {word: f"!{word}" for word in sorted(set(column.dropna()))[:-1]}
    if kind == "words":
        return column.replace(renamed)
    return column.cat.rename_categories(renamed)


def other_targets(y: Any) -> Any:
    """The targets of other rows."""
    return take(y, np.roll(np.arange(len(y)), 1))


@law("Two instances share no state: fitting or setting one leaves the other alone.", needs=("trained",))
def instances_do_not_share(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    if ("instances_do_not_share", data.key) in subject.settled:
        return
    again, never = second_fit(subject, data), subject.build()
    other = _copied(never)
    other = subject.build() if other is None else other
    one = subject.fresh(data) if again is None else again.model
    first = subject.answers(one, data.X_test)
    second = _of_the_same_shape(subject, case, data)
    subject.try_fit(second.X, second.y, doing="fitting a second instance on other data", model=other)
    subject.try_ask(other, second.X_test, doing="its own rows", methods=("predict",))
    got = subject.answers(one, data.X_test)
    same(got, first, "fitting one instance changes no answer of another", tolerance=1e-9, X=data.X_test)
    if subject.declares.requires_fit:
        still_unfitted(subject, never, data, "an instance that was never fitted, beside others that were,")


def _of_the_same_shape(subject: Subject, case: Case, data: Data) -> Data:
    """Other data of the same shape: state of another shape is the easier to tell from one's own."""
    if subject.declares.given:
        return Data(data.X, other_targets(data.y), data.X_test, None)
    return subject.data(replace(case, seed=case.seed + 3), scale=3.0, shift=1.0, labels=(1, 2, 0, 3))


def _copied(model: Any) -> Any:
    try:
        return copy.deepcopy(model)
    except Exception:  # noqa: BLE001 - another law judges that
        return None


def still_unfitted(subject: Subject, model: Any, data: Data, what: str) -> None:
    """Check that a model answers nothing.

    Raises:
        Broken: it answers.
    """
    try:
        answer = subject.ask(model, "predict", data.X_test)
    except Exception as error:  # noqa: BLE001 - which error it is, another law judges
        del error
        return
    raise Broken(f"{what} does not answer", f"it answers {answer!r:.100}", X=data.X_test)


def same_fit(subject: Subject, got: Answers, want: Answers, claim: str, **data: Any) -> None:
    """Check that two fits on the same data answer alike.

    Raises:
        Broken: they do not.
    """
    same(got, want, claim, tolerance=max(TOLERANCE, subject.declares.tolerance / 10), **data)


LAWS = (refit_forgets, instances_do_not_share)
