"""All laws, cheap ones first."""

from __future__ import annotations

import functools

from pytest_mlexp.contracts.law import Law


@functools.cache
def model_laws() -> tuple[Law, ...]:
    """The laws of models."""
    from pytest_mlexp.contracts.laws import (
        batch,
        categories,
        copies,
        degenerate,
        growth,
        incremental,
        inputs,
        labels,
        learning,
        params,
        processes,
        purity,
        randomness,
        refit,
        shape,
        values,
        weights,
    )

    modules = (
        shape,
        batch,
        purity,
        labels,
        values,
        categories,
        inputs,
        randomness,
        params,
        refit,
        copies,
        learning,
        incremental,
        weights,
        degenerate,
        growth,
        processes,
    )
    # The settings of the process first: a model that changes them has not done so yet.
    laws = [found for module in modules for found in module.LAWS]
    return tuple(sorted(laws, key=lambda found: found is not randomness.global_settings))
