"""Laws on parameters that are quantiles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.refusals import Refused
from pytest_mlexp.contracts.subject import Subject

QUANTILES = ("quantile", "quantile_level", "q", "tau")


@law("A larger quantile is predicted larger.", needs=("trained", "generated", "regressor", "set_params"))
def quantiles_rise(subject: Subject, case: Case) -> None:
    params = subject.build().get_params()
    name = next((name for name in QUANTILES if isinstance(params.get(name), float)), None)
    if name is None or subject.declares.targets > 1:
        raise NotApplicable("it has no parameter that is a quantile")
    data = subject.data(replace(case, train_rows=120))
    noise = np.random.default_rng(case.seed).normal(size=len(data.y))
    y = np.abs(data.y + 2 * np.std(data.y) * noise) + 0.1
    found = []
    for level in (0.2, 0.8):
        model = subject.try_fit(data.X, y, doing=f"{name}={level}", model=subject.build().set_params(**{name: level}))
        if isinstance(model, Refused):
            raise NotApplicable(f"refuses {name}={level}: {model}")
        found.append(float(np.mean(y <= subject.answers(model, data.X, methods=("predict",))["predict"])))
    if found[0] > 0.6 and found[1] < 0.4:
        claim = f"with {name}=0.2 about a fifth of the targets lie below what is predicted, with {name}=0.8 four fifths"
        raise Broken(claim, f"{found[0]:.0%} and {found[1]:.0%} do", X=data.X, y=y)


LAWS = (quantiles_rise,)
