"""All laws, cheap ones first."""

from __future__ import annotations

import functools
from importlib import import_module

from pytest_mlexp.contracts.law import Law

# The modules of contracts.laws; the settings of the process first: a model that changes them has not done so yet.
FIRST = "global_settings"
MODULES = (
    *(
        "shape",
        "batch",
        "purity",
        "labels",
        "uncertain",
        "values",
        "whole",
        "gaps",
        "categories",
        "inputs",
        "randomness",
    ),
    *("history", "encodings", "units"),
    *("params", "nested", "refit", "copies", "learning", "many", "targets", "ends", "incremental", "weights"),
    *("degenerate", "digits", "small", "growth", "processes"),
    *("further", "scoring", "rare", "seeds", "two_classes", "margins", "steps", "mixed", "ordered", "dates"),
    *("columns", "blends", "quantiles", "influence", "classes"),
)


@functools.cache
def model_laws() -> tuple[Law, ...]:
    """The laws of models."""
    modules = [import_module(f"pytest_mlexp.contracts.laws.{name}") for name in MODULES]
    laws: list[Law] = [found for module in modules for found in module.LAWS]
    return tuple(sorted(laws, key=lambda found: found.name != FIRST))
