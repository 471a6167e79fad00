"""All laws, cheap ones first."""

from __future__ import annotations

import functools

from pytest_mlexp.contracts.law import Law


@functools.cache
def model_laws() -> tuple[Law, ...]:
    """The laws of models."""
    from pytest_mlexp.contracts import (
        laws_batch,
        laws_degenerate,
        laws_growth,
        laws_input,
        laws_labels,
        laws_learning,
        laws_params,
        laws_processes,
        laws_purity,
        laws_random,
        laws_refit,
        laws_shape,
        laws_values,
        laws_weights,
    )

    modules = (
        laws_shape,
        laws_batch,
        laws_purity,
        laws_labels,
        laws_values,
        laws_input,
        laws_random,
        laws_params,
        laws_refit,
        laws_learning,
        laws_weights,
        laws_degenerate,
        laws_growth,
        laws_processes,
    )
    # The settings of the process first: a model that changes them has not done so yet.
    laws = [found for module in modules for found in module.LAWS]
    return tuple(sorted(laws, key=lambda found: found is not laws_random.global_settings))
