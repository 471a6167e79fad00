"""Laws on the transformers inside a model: what is learnt from is what is asked about later."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pytest_mlexp.contracts.compare import same
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.fitted import as_array
from pytest_mlexp.contracts.law import NotApplicable, law
from pytest_mlexp.contracts.own_code import homes_of, own_module
from pytest_mlexp.contracts.process import reseed
from pytest_mlexp.contracts.subject import Subject


@law("A transformer's fit_transform gives what its fit and then its transform give.", needs=("get_params", "trained"))
def steps_transform_alike(subject: Subject, case: Case) -> None:
    from sklearn.base import clone

    data = subject.data(case)
    judged = 0
    for name, step in _transformers(subject.build()):
        try:
            found = []
            for fit in (_at_once, _in_two):
                reseed()
                found.append(np.asarray(as_array(fit(clone(step), data.X, data.y)), dtype=float))
        except (TypeError, ValueError):
            continue  # it is for other columns than all
        judged += 1
        claim = f"{name}.fit_transform(X, y) gives what {name}.fit(X, y).transform(X) gives"
        same({name: found[0]}, {name: found[1]}, claim, tolerance=1e-5, X=data.X)
    if not judged:
        raise NotApplicable("it has no transformers of its own")


def _transformers(model: Any) -> Iterator[tuple[str, Any]]:
    """Transformers among the parameters, at any depth, whose code belongs to no library."""
    homes = homes_of(model)
    for name, part in model.get_params(deep=True).items():
        if hasattr(part, "fit_transform") and hasattr(part, "transform") and own_module(type(part).__module__, homes):
            yield name, part


def _at_once(step: Any, X: Any, y: Any) -> Any:
    return step.fit_transform(X, y)


def _in_two(step: Any, X: Any, y: Any) -> Any:
    return step.fit(X, y).transform(X)


LAWS = (steps_transform_alike,)
