"""Laws on models that learn how to put others together: what they learn is no worse than a plain mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_mlexp.contracts.data import Array, Case, Data
from pytest_mlexp.contracts.fitted import as_array
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

ROWS, NOISE, WORSE = 160, 1.0, 1.25


@law(
    "A learnt blend of models is no worse than their mean.",
    needs=("trained", "learns", "generated", "regressor", "own_code"),
)
def learnt_blends_are_no_worse_than_means(subject: Subject, case: Case) -> None:
    """A blend that is learnt from answers to training rows goes to the part that knows these by heart."""
    data = subject.data(case)
    if subject.declares.targets > 1:
        raise NotApplicable("it has several targets")
    if not _has_a_blender(subject.fitted(data), data):
        raise NotApplicable("it holds no model of what others answer")
    noisy = _noisy(subject, case)
    model = subject.tried(noisy, doing="a fit on noisy targets")
    if isinstance(model, Refused):
        raise NotApplicable(f"refuses noisy targets: {model}")
    blend = subject.answers(model, noisy.X_test, methods=("predict",))["predict"]
    answers = [found for part in _parts(model) if (found := _answer(part, noisy)) is not None]
    if len(answers) < 2 or blend.shape != noisy.y_test.shape:
        raise NotApplicable("it holds no two models that answer its rows")
    error, of_mean = (float(np.mean((got - noisy.y_test) ** 2)) for got in (blend, np.mean(answers, axis=0)))
    if error > WORSE * of_mean:
        claim = "what is blended of models that learn noisy targets is about as good as their mean, or better"
        raise Broken(claim, f"a squared error of {error / of_mean:.3g} times that of the mean", X=noisy.X, y=noisy.y)


def _noisy(subject: Subject, case: Case) -> Data:
    data = subject.data(replace(case, train_rows=ROWS, rows=2 * ROWS))
    size, generator = NOISE * float(np.std(data.y)), np.random.default_rng(case.seed)
    y, y_test = (part + size * np.clip(generator.normal(size=part.shape), -2, 2) for part in (data.y, data.y_test))
    if subject.declares.positive_target:
        low = min(y.min(), y_test.min(), 0.0)
        y, y_test = y - low + 0.1, y_test - low + 0.1
    return replace(data, y=y, y_test=y_test, key=("noisy", data.key))


def _parts(model: Any) -> Iterator[Any]:
    """Fitted models that a model keeps, one of each kind."""
    kinds = set()
    params = set(map(id, model.get_params().values())) if callable(getattr(model, "get_params", None)) else set()
    for part in (found for value in vars(model).values() for found in _members(value)):
        if callable(getattr(part, "predict", None)) and id(part) not in params and _kind(part) not in kinds:
            kinds.add(_kind(part))
            yield part


def _has_a_blender(model: Any, data: Data) -> bool:
    """Whether one of its models was fitted on as many columns as there are others, which are two or more."""
    parts = list(_parts(model))
    widths = [getattr(part, "n_features_in_", None) for part in parts]
    others = sum(width == data.X.shape[1] for width in widths)
    return 2 <= others < data.X.shape[1] and any(width == others for width in widths)


def _kind(part: Any) -> type:
    """The class of a model, of a pipeline that of its last step."""
    steps = getattr(part, "steps", None)
    return type(steps[-1][1]) if steps else type(part)


def _members(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for member in value:
            yield from _members(member)
    else:
        yield value


def _answer(part: Any, data: Data) -> Array | None:
    """What a part answers to the test rows; None where it is asked something else, or in another unit."""
    try:
        found = as_array(part.predict(data.X_test))
    except Exception:  # noqa: BLE001 - it is for other rows
        return None
    if found.shape != data.y_test.shape or found.dtype.kind != "f":
        return None
    off = float(np.mean((found - data.y_test) ** 2)) / float(np.var(data.y_test))
    return found if off < 2 else None


LAWS = (learnt_blends_are_no_worse_than_means,)
