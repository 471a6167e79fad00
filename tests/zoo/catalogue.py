"""All specimens of the zoo."""

from __future__ import annotations

from tests.zoo import (
    batches,
    beside,
    declared,
    degenerate,
    frames,
    instances,
    labels,
    layouts,
    learning,
    mutations,
    outputs,
    params,
    persistence,
    plain_callables,
    refits,
    regimes,
    running,
    seeds,
    several_targets,
    states,
    torch_models,
    weights,
)
from tests.zoo.specimen import Specimen

SPECIMENS: tuple[Specimen, ...] = (
    *outputs.SPECIMENS,
    *labels.SPECIMENS,
    *mutations.SPECIMENS,
    *states.SPECIMENS,
    *instances.SPECIMENS,
    *refits.SPECIMENS,
    *params.SPECIMENS,
    *seeds.SPECIMENS,
    *batches.SPECIMENS,
    *declared.SPECIMENS,
    *frames.SPECIMENS,
    *layouts.SPECIMENS,
    *degenerate.SPECIMENS,
    *weights.SPECIMENS,
    *persistence.SPECIMENS,
    *running.SPECIMENS,
    *learning.SPECIMENS,
    *plain_callables.SPECIMENS,
    *torch_models.SPECIMENS,
    *regimes.SPECIMENS,
    *beside.SPECIMENS,
    *several_targets.SPECIMENS,
)
