"""The cases that a law looks at: two fixed ones by default, drawn by Hypothesis for more, shrunk where it is broken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.frames import looked_at
from pytest_mlexp.contracts.law import Broken, Law, NotApplicable
from pytest_mlexp.contracts.refusals import crash, is_refusal, told

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

Effort = Literal["fast", "thorough", "explore"]
TYPICAL = (Case(), Case(seed=1, train_rows=40, rows=17, columns=4, classes=2))
EXAMPLES = {"fast": 0, "thorough": 6, "explore": 40}
SHRINKS = 60
SHRINK_SECONDS = 2.0


def structures() -> SearchStrategy[Case]:
    """A strategy for the structure of small data; shrinks to few rows, columns and classes."""
    from hypothesis import strategies as st

    return st.builds(
        Case,
        seed=st.integers(0, 2**16),
        train_rows=st.integers(6, 60),
        rows=st.integers(1, 30),
        columns=st.integers(2, 7),
        classes=st.integers(2, 3),
    )


def look(law: Law, subject: Any, *, effort: Effort, shrink: bool = True) -> int:
    """Check a law on its cases and return on how many it was judged.

    Raises:
        Broken: it is broken, on the smallest case that was found; ``case`` says on which.
        NotApplicable: it could be judged on no case; with the first reason.
    """
    judged, reasons = 0, []
    few = min(law.cases, getattr(subject, "most_cases", law.cases))
    for case in TYPICAL[:few] if effort == "fast" else TYPICAL:
        begins = time.process_time()
        try:
            judge(law, subject, case)
            judged += 1
        except NotApplicable as reason:
            reasons.append(reason)
        except Broken as broken:
            if not shrink or time.process_time() > begins + SHRINK_SECONDS:  # a smaller case takes as long
                raise
            raise smallest(law, subject, case, broken) from broken
    if effort != "fast":
        judged += _search(law, subject, effort)
    if not judged:
        raise reasons[0]
    return judged


def judge(law: Law, subject: Any, case: Case) -> None:
    """Check a law on one case; what the block raises in the law's plain calls is a refusal or a crash as well.

    Raises:
        Broken: the law is broken, or a call of the law changed what it was given, which may be why.
        NotApplicable: the law says nothing here.
    """
    subject = looked_at(law, subject)
    try:
        _judged(law, subject, case)
    except (Broken, NotApplicable) as outcome:
        if (touched := _taken(subject)) is not None:
            raise touched from outcome
        raise
    if (touched := _taken(subject)) is not None:
        raise touched


def _judged(law: Law, subject: Any, case: Case) -> None:
    try:
        law(subject, case)
    except (Broken, NotApplicable):
        raise
    except Exception as error:
        if is_refusal(error):
            raise NotApplicable(f"refuses: {told(error)}") from error
        raise crash(error, doing="what the law does") from error


def _taken(subject: Any) -> Broken | None:
    """What a call of a law changed of what it was given, told once."""
    touched: Broken | None = getattr(subject, "touched", None)
    if touched is not None:
        subject.touched = None
    return touched


def _search(law: Law, subject: Any, effort: Effort) -> int:
    judged = 0

    def check(case: Case) -> None:
        nonlocal judged
        try:
            judge(law, subject, case)
        except NotApplicable:
            return
        judged += 1

    try:
        run_hypothesis(check, structures(), examples=EXAMPLES[effort], explore=effort == "explore", key=law.name)
    except Broken as broken:
        raise smallest(law, subject, TYPICAL[0], broken) from broken
    return judged


def smallest(law: Law, subject: Any, case: Case, broken: Broken) -> Broken:
    """The law broken in the same way on the smallest case that Hypothesis finds in a short time."""
    best = [(_size(case), case, broken)]
    left, begins = SHRINKS, 0.0

    def check(candidate: Case) -> None:
        nonlocal left, begins
        begins = begins or time.process_time()
        left -= 1
        if left < 0 or time.process_time() > begins + SHRINK_SECONDS:
            return
        try:
            judge(law, subject, candidate)
        except NotApplicable:
            return
        except Broken as found:
            if found.crash != broken.crash:
                return
            best.append((_size(candidate), candidate, found))
            raise

    with _whatever_hypothesis_says():
        run_hypothesis(check, structures(), examples=20, explore=False, key=law.name)
    _, case, found = min(best, key=lambda entry: entry[0])
    found.case = case
    return found


def _size(case: Case) -> tuple[int, int, int]:
    return case.train_rows + case.rows, case.columns + case.classes, case.seed


@contextmanager
def _whatever_hypothesis_says() -> Iterator[None]:
    """What was found is kept already; an error about flaky or slow checks adds nothing to it."""
    try:
        yield
    except Exception:  # noqa: BLE001 - as said
        return


def run_hypothesis(check: Callable[[Any], None], strategy: Any, *, examples: int, explore: bool, key: str) -> None:
    """Run a check on examples: the same ones each time, or, to explore, new ones with failing ones kept."""
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis.database import DirectoryBasedExampleDatabase

    def law_of(example: Any) -> None:
        check(example)

    law_of.__qualname__ = law_of.__name__ = key  # examples are kept, and drawn, by name
    chosen = settings(
        max_examples=examples,
        derandomize=not explore,
        database=DirectoryBasedExampleDatabase(".hypothesis/examples") if explore else None,
        deadline=None,
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.reuse, Phase.generate, Phase.shrink] if explore else [Phase.generate, Phase.shrink],
    )
    drawn: Any = given(strategy)
    chosen(drawn(law_of))()
