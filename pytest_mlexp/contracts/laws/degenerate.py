"""Laws on data at the edge: they work, or are refused clearly."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.fitted import Answers
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.labels import check_probabilities
from pytest_mlexp.contracts.laws.rare import one_row_of_the_last
from pytest_mlexp.contracts.refusals import Refused, is_untrue
from pytest_mlexp.contracts.subject import Subject

NEEDS = ("trained", "numeric")
ENOUGH_ROWS = 24
ROUNDING = 1e-9  # of the size of answers that are all equal


def _works_or_refuses(subject: Subject, data: Data, what: str) -> Answers | None:
    """Fit and predict; check what comes out; None where it was refused."""
    doing = f"a fit on {what}"
    model = subject.try_fit(data.X, data.y, doing=doing) if data.key is None else subject.tried(data, doing=doing)
    if isinstance(model, Refused):
        if is_untrue(model.error, data.X, data.y) and _takes_ordinary(subject):
            raise Broken(f"whoever refuses {what} for NaN or infinity names what is in them", str(model), X=data.X)
        return None
    return _answers(subject, model, data, what)


def _takes_ordinary(subject: Subject) -> bool:
    """Whether it is fitted on ordinary data: what it makes of negative numbers, say, is not at fault then."""
    with suppress(Broken, NotApplicable):
        return subject.fit_of(subject.data(Case())).model is not None
    return False


def _answers(subject: Subject, model: Any, data: Data, what: str) -> Answers | None:
    """What a model fitted on the data answers, checked; None where it refuses to."""
    # A model of one input, or of categories, may know nothing beyond what it saw.
    narrow = subject.declares.columns == 1 or subject.declares.categorical or subject.declares.spread < 1
    X = data.X[:9] if narrow else data.X_test
    got = subject.try_ask(model, X, doing=f"after a fit on {what}")
    if isinstance(got, Refused):
        return None
    _check(subject, got, data, X, what)
    classes, proba = getattr(model, "classes_", None), got.get("predict_proba")
    if isinstance(classes, np.ndarray) and proba is not None and proba.shape[1:] != classes.shape:
        claim = f"after a fit on {what}, predict_proba has a column for each of classes_ {classes!r:.60}"
        raise Broken(claim, f"shape {proba.shape}", X=data.X, y=data.y)
    return got  # type: ignore[no-any-return]


def _check(subject: Subject, got: Answers, data: Data, X: Any, what: str) -> None:
    for method, answer in got.items():
        if answer.shape[:1] != (len(X),):
            raise Broken(
                f"after a fit on {what}, {method} answers every row", f"shape {answer.shape}", X=data.X, y=data.y
            )
        if answer.dtype.kind == "f" and not np.isfinite(answer).all() and (method == "predict" or len(data.X) > 1):
            some = answer.ravel()[~np.isfinite(answer.ravel())][:3]
            raise Broken(f"after a fit on {what}, {method} is finite", f"{some}", X=data.X, y=data.y)
    answer = got["predict"]
    if answer.ndim != np.asarray(data.y).ndim:
        raise Broken(f"after a fit on {what}, predict has the shape of y", f"shape {answer.shape}", X=data.X, y=data.y)
    if subject.declares.task != "classification":
        return
    known = set(np.asarray(data.y).ravel().tolist())
    if not set(answer.ravel().tolist()) <= known:
        raise Broken(f"after a fit on {what}, labels are training labels", f"{answer[:4]}", X=data.X, y=data.y)
    proba = got.get("predict_proba")
    if proba is not None and len(known) > 1:
        check_probabilities(proba, len(known), f"rows after a fit on {what}", data.X)


@law("One training row works or is refused.", needs=NEEDS)
def one_training_row(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    for rows in (1, 2):
        _works_or_refuses(subject, data.first(rows), f"{rows} rows")


@law("One input column works or is refused.", needs=NEEDS)
def one_column(subject: Subject, case: Case) -> None:
    data = subject.data(replace(case, columns=1, classes=2))
    _works_or_refuses(subject, data, "one column")


@law("Constant columns work or are refused.", needs=NEEDS)
def constant_columns(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    if data.X.shape[1] < 2:
        raise NotApplicable("there is one column only")
    if not _works_on_both(subject, data):
        what = "constant columns, of numbers and of 0, and one that stands there twice"
        _works_or_refuses(subject, _with_constants(subject, data), what)


def _with_constants(subject: Subject, data: Data) -> Data:
    X, X_test = data.X.copy(), data.X_test.copy()
    one, other = (1.0, 0.0) if subject.declares.categorical else (0.7, 3.3)  # sums of these are rounded
    for part in (X, X_test):
        part[:, 0], part[:, -1] = one, part[:, 1]
        part[:, 2:3], part[:, 3:-1] = other, 0.0
    return Data(X, data.y, X_test, None)


def _repeated(data: Data) -> Data:
    rows = np.arange(len(data)) % 6
    return Data(data.X[rows], data.y[rows], data.X_test, None, data.key and ("repeated", data.key))


def _works_on_both(subject: Subject, data: Data) -> bool:
    """Whether it works on rows that are repeated and have constant columns, as it then does on either."""
    if data.X.shape[1] < 2:
        return False
    both = replace(_repeated(_with_constants(subject, data)), key=("repeated, with constants", data.key))
    with suppress(Broken):
        return _works_or_refuses(subject, both, "both") is not None
    return False


@law("One class, or one value of the target, works or is refused.", needs=NEEDS)
def one_class(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    classifies = subject.declares.task == "classification"
    for value in (data.y[0], data.y[np.argmax(data.y != data.y[0])]) if classifies else data.y[:1]:
        y = np.repeat(np.asarray([value]), len(data.y), axis=0)
        constant, what = Data(data.X, y, data.X_test, None), f"one target value {value!r}"
        model = subject.try_fit(constant.X, y, doing=f"a fit on {what}")
        if isinstance(model, Refused) or _answers(subject, model, constant, what) is None:
            continue
        if classifies or subject.declares.poor_score:
            continue
        # A model may know nothing far from what it saw.
        off = float(np.max(np.abs(subject.answers(model, data.X[:4], methods=("predict",))["predict"] - value)))
        if off > 2 * max(1.0, float(np.max(np.abs(value)))):
            raise Broken(
                f"a target that is always {value!r} is predicted", f"predictions off by {off:.3g}", X=data.X, y=y
            )


@law("Heavy imbalance, down to a class with one row, works or is refused.", needs=(*NEEDS, "classifier"))
def imbalance(subject: Subject, case: Case) -> None:
    _works_or_refuses(subject, one_row_of_the_last(subject, case), "a class with one row")
    if not subject.declares.poor_score:
        _finds_the_rare_class(subject, replace(case, train_rows=240, classes=2))


def _finds_the_rare_class(subject: Subject, case: Case) -> None:
    data = subject.data(case, clear=True)
    rare = np.flatnonzero(data.y == data.y.min())[:12]
    rows = np.sort(np.concatenate([np.flatnonzero(data.y == data.y.max()), rare]))
    got = _works_or_refuses(subject, Data(data.X[rows], data.y[rows], data.X_test, None), "a class of 12 in 172 rows")
    if got is not None and not (got["predict"] == data.y.min()).any():
        claim = "a class that has 12 of 172 rows, and lies apart from the other, is predicted where it lies"
        raise Broken(claim, "it is never predicted", X=data.X[rows], y=data.y[rows])


@law("Duplicated rows work or are refused.", needs=NEEDS)
def duplicates(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    if len(np.unique(data.y[:6])) > 1 and not _works_on_both(subject, data):
        _works_or_refuses(subject, _repeated(data), "6 rows, each many times")


@law("Huge and tiny scales of the inputs work or are refused.", needs=NEEDS)
def scales(subject: Subject, case: Case) -> None:
    if subject.declares.categorical:
        return
    for scale in (1e6, 1e-6):
        _works_or_refuses(subject, _scaled(subject, case, scale), f"inputs of the size of {scale:g}")
    _works_or_refuses(subject, subject.data(case, shift=1e4), "inputs around 10000")


def _scaled(subject: Subject, case: Case, scale: float) -> Data:
    """Data of another scale; of a regression the targets of large inputs go the other way."""
    other = {} if subject.declares.task == "classification" or scale < 1 else {"target_scale": 1 / scale}
    return subject.data(case, scale=scale, **other)


@law("A model to which moderate scales and shifts are all the same does not lose its way in large ones.", needs=NEEDS)
def far_away(subject: Subject, case: Case) -> None:
    if subject.declares.categorical or subject.declares.nondeterministic or subject.declares.spread < 1:
        raise NotApplicable("its data have one scale")
    case = of_enough_rows(case)
    plain = scored(subject, subject.data(case))
    if plain is None:
        raise NotApplicable("refuses the data of this law")
    steps_out = [("scale", 1e4, 1e9), ("shift", 64.0, 1e4)]
    if subject.declares.task == "classification":
        # Of regressions this is not asked: trees take numbers closer than 1e-7 for equal, and priors have a scale.
        steps_out = [("scale", 1e4, 1e6), ("scale", 1e6, 1e9), ("shift", 64.0, 1e4), ("scale", 0.01, 1e-6)]
    for name, near, far in steps_out:
        # Far scales may take a model long, but for those that another law asks in any case.
        if far < 1e9 and _is_as(subject, subject.data(case, **{name: far}), plain):
            continue
        step = scored(subject, subject.data(case, **{name: near}))
        if not alike(step, plain, 1e-3 if subject.declares.task == "classification" else 1e-6):
            continue
        got = scored(subject, subject.data(case, **{name: far}))
        if got is not None and not alike(got, plain, 0.2):
            raise Broken(
                f"inputs with a {name} of {far:g} are answered like others, as those with {near} are, or refused",
                f"{got[:4]} instead of {plain[:4]}",
            )


def _is_as(subject: Subject, data: Data, plain: Any) -> bool:
    with suppress(Broken):  # another law judges that
        return alike(scored(subject, data), plain, 0.2)
    return False


def scored(subject: Subject, data: Data) -> Any:
    """The scores or numbers of a model fitted on these data; None where it refuses them."""
    model = subject.tried(data, doing="a fit on another scale")
    if isinstance(model, Refused):
        return None
    method = next(m for m in ("predict_proba", "decision_function", "predict") if hasattr(model, m))
    got = subject.try_ask(model, data.X_test, doing="another scale", methods=(method,))
    return None if isinstance(got, Refused) else got[method]


def alike(one: Any, other: Any, slack: float) -> bool:
    """Whether labels differ in a share of at most ``slack``, or numbers by that share of their spread."""
    if one is None or one.shape != other.shape:
        return False
    if other.dtype.kind != "f":
        return float(np.mean(one != other)) <= slack
    spread = max(float(np.std(other)), ROUNDING * float(np.mean(np.abs(other))))
    return float(np.mean(np.abs(one - other))) <= slack * spread


def of_enough_rows(case: Case) -> Case:
    """The case with as many test rows as it takes for their spread to say something, and for no single jump to."""
    return replace(case, rows=max(case.rows, ENOUGH_ROWS))


@law("More columns than rows work or are refused.", needs=NEEDS)
def wide_data(subject: Subject, case: Case) -> None:
    data = subject.data(replace(case, train_rows=12, columns=30, classes=2))
    _works_or_refuses(subject, data, "12 rows of 30 columns")


@law("No rows at all are refused, or give no predictions.", needs=("numeric",))
def no_rows(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    got = subject.try_ask(model, data.X_test[:0], doing="a batch without rows")
    if not isinstance(got, Refused) and any(len(answer) for answer in got.values()):
        raise Broken("no rows give no predictions", f"{ {n: a.shape for n, a in got.items()} }")


LAWS = (
    one_training_row,
    one_column,
    constant_columns,
    one_class,
    imbalance,
    duplicates,
    scales,
    wide_data,
    far_away,
    no_rows,
)
