"""Laws on small units: inputs that are small, all or one column of them, say what they say in larger units."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pytest_mlexp.contracts.applies import has
from pytest_mlexp.contracts.data import Case, Data
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.laws.degenerate import alike, of_enough_rows, scored
from pytest_mlexp.contracts.laws.digits import NEEDS, else_alike, of_any_scale, plain_answers
from pytest_mlexp.contracts.subject import Subject

# A floor of 1e-12 under a variance, or of 1e-8 under a spread, is usual and lawful; so is a part of 1e-9 of the
# largest variance that is added to all.
SMALL, SMALL_COLUMN, MODERATE, LARGEST = 2.0**-16, 2.0**-14, 2.0**-7, 2.0**-2
LOST, SLACK = 0.2, 1e-5


@law("What is learnt in one unit is learnt in a unit that is larger by far.", needs=(*NEEDS, "learns"))
def small_units(subject: Subject, case: Case) -> None:
    case = of_enough_rows(case)
    data = of_any_scale(subject, case)
    if np.ndim(data.y) != 1:
        raise NotApplicable("it has several targets")
    plain = plain_answers(subject, data)
    any_unit = not _is_coarse(plain) and has(subject, "own_code")
    if subject.declares.task == "classification" and not any_unit:  # what asks for this scale is needed for others
        else_alike(subject, subject.data(case, scale=MODERATE), plain)

    def scaled(scale: float) -> Data:
        return subject.data(case, scale=scale)

    _judge(subject, scaled, plain, SMALL, LARGEST if any_unit else MODERATE)


@law(
    "What a column says is learnt, also where its unit makes it small beside others.",
    needs=(*NEEDS, "learns", "own_code"),
)
def small_column(subject: Subject, case: Case) -> None:
    case = of_enough_rows(case)
    data = of_any_scale(subject, case)
    if np.ndim(data.y) != 1 or data.X.shape[1] < 2:
        raise NotApplicable("it has several targets, or one column")
    told = subject.data(case, informative=0)

    def scaled(scale: float) -> Data:
        X, X_test = told.X.copy(), told.X_test.copy()
        X[:, 0] *= scale
        X_test[:, 0] *= scale
        return Data(X, told.y, X_test, told.y_test, ("one column", scale, told.key))

    plain = plain_answers(subject, told)
    if _is_coarse(plain):
        raise NotApplicable("its answers are too coarse to show a penalty")
    _judge(subject, scaled, plain, SMALL_COLUMN, LARGEST)


def _is_coarse(answers: Any) -> bool:
    """Whether answers are labels or few or rounded numbers, which hide what a penalty changes little by little."""
    if answers.dtype.kind != "f":
        return True
    return len(np.unique(answers)) < answers.size // 2 or bool(np.all(answers == np.round(answers, 2)))


def _judge(subject: Subject, scaled: Callable[[float], Data], plain: Any, small: float, largest: float) -> None:
    lost = _lost(subject, scaled(small), plain)
    if lost is not None and largest == MODERATE:  # the last question, which most models leave unanswered, spares others
        else_alike(subject, scaled(MODERATE), plain, slack=SLACK)
    scale = small
    while lost is not None and scale < largest:
        scale *= 2
        if _lost(subject, scaled(scale), plain) is not None:
            continue
        # A penalty takes over little by little, and is to be seen in larger units; a mistake need not be.
        above = min(max(MODERATE, 16 * scale), 0.5)
        else_alike(subject, scaled(above), plain, slack=min((scale / above) ** 2 / 100, SLACK))
        claim = f"inputs that are {small:.2g} of their usual size are learnt from, as those of {scale:.2g} of it are"
        raise Broken(claim, lost, y=scaled(small).y)


def _lost(subject: Subject, data: Data, plain: Any) -> str | None:
    """What is worse than in usual units, None where nothing is, or where the data are refused."""
    got = scored(subject, data)
    if got is None:
        return None
    if subject.declares.task == "classification":
        return None if alike(got, plain, LOST) else f"{got[:4]} instead of {plain[:4]}"
    before, error = (float(np.mean((answer - data.y_test) ** 2) / np.var(data.y_test)) for answer in (plain, got))
    if error < 0.1 or error < 3 * before:
        return None
    return f"a mean squared error of {error:.3g} times the variance instead of {before:.3g}"


LAWS = (small_units, small_column)
