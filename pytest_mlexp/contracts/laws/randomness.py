"""Laws on chance and on the process: seeds decide, and nothing global is left changed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from pytest_mlexp.blocks.splitting import take
from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case, Data, is_texts
from pytest_mlexp.contracts.fitted import as_array
from pytest_mlexp.contracts.law import Broken, law
from pytest_mlexp.contracts.process import states, stocks
from pytest_mlexp.contracts.second import second_fit
from pytest_mlexp.contracts.settings import restored, settings, told_difference
from pytest_mlexp.contracts.subject import Subject
from pytest_mlexp.execution.seeding import seeded


@law("The same seed and the same data give the same fit.", needs=("trained", "deterministic"))
def same_seed_same_fit(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    if second_fit(subject, data) is not None:
        return
    got, want = subject.answers(subject.fresh(data), data.X_test), subject.expected(data)
    same(got, want, "two fits with the same seed on the same data answer alike", tolerance=1e-9, X=data.X_test)


@law("With a seed given, the global generators are not depended on.", needs=("trained", "seed", "deterministic"))
def seed_decides(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    if second_fit(subject, data) is not None:
        return
    got, want = _answers_from(subject, data, 11), subject.expected(data)
    claim = "a model with a seed answers alike, whatever numpy's and Python's global generators were set to"
    same(got, want, claim, tolerance=1e-9, X=data.X_test)


def _answers_from(subject: Subject, data: Data, seed: int) -> dict[str, Any]:
    with seeded(seed):
        model = subject.build()
    with seeded(seed):
        model.fit(data.X, data.y)
        return {m: as_array(getattr(model, m)(data.X_test)) for m in subject.main_methods(model)}


@law("Global random state is never reset, whether a seed is given or not.")
def global_random_state(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    model = subject.fitted(data)
    steps: dict[str, Callable[[], Any]] = {"building": subject.raw}
    second = second_fit(subject, data)
    if subject.trains and not (second and second.quiet):
        unfitted = iter([subject.build(), subject.build()])
        steps["fitting"] = lambda: next(unfitted).fit(data.X, data.y)
    if subject.trains and subject.seeds:
        steps["fitting without a seed"] = lambda: subject.raw().fit(data.X, data.y)
    steps |= {method: partial(subject.ask, model, method, data.X_test) for method in subject.methods(model)}
    if second and second.quiet and _reset_by(lambda: [step() for step in steps.values()]) is None:
        return
    for what, step in steps.items():
        if (generator := _reset_by(step)) is not None:
            raise Broken(
                "a generator that starts in two different states ends in two different states",
                f"{what} put {generator}'s global generator into one fixed state",
                X=data.X_test,
            )


def _reset_by(step: Callable[[], Any]) -> str | None:
    """The global generator that a step puts into one fixed state, wherever it starts from."""
    ends = []
    for seed in (21, 22):
        with seeded(seed):
            before = stocks()
            step()
            ends.append(states())
            if stocks() == before:
                return None  # a few numbers were drawn at most
    return next((generator for generator, first in ends[0].items() if first == ends[1].get(generator)), None)


@law("Settings of the process and of libraries are left as they were: environment, folder, warnings, numpy, pandas ...")
def global_settings(subject: Subject, case: Case) -> None:
    data = subject.data(case)
    before = settings()
    with restored(before):
        # Not the first fit is judged, in which libraries set what they set once: it says that nothing need be judged.
        first = subject.settings.get(data.key)
        quiet = first is not None and first[0] == first[1]
        model = subject.fitted(data) if quiet else subject.fresh(data)
        _left(before, settings(), "building and fitting")
        subject.answers(model, data.X_test)
        _left(before, settings(), "predicting")
        if subject.trains:
            _refused(subject, model, data)
            _left(before, settings(), "refusing")


def _refused(subject: Subject, model: Any, data: Data) -> None:
    """Ask for what is refused, on which way a setting may not be put back; other laws judge the error."""
    with suppress(Exception):
        subject.ask(model, "predict", take(data.X_test, [0]) if is_texts(data.X) else data.X_test[:0])
    with suppress(Exception):
        subject.build().fit(data.X, data.y[:-1])


def _left(before: dict[str, Any], after: dict[str, Any], doing: str) -> None:
    for name, value in before.items():
        if value != after.get(name):
            was, became = told_difference(value, after.get(name))
            claim = f"{doing} leaves settings of the process and of its libraries as they were"
            raise Broken(claim, f"{name} changed from {was!r:.120} to {became!r:.120}")


LAWS = (same_seed_same_fit, seed_decides, global_random_state, global_settings)
