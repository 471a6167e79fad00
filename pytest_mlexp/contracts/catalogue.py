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

# Of laws that are broken together the first of these is the likeliest cause, before any other in its usual place:
# hands on what the caller gave, a crash, an answer that is another the next time, state that is shared or lost,
# frames that are matched by their index, and then what one row owes to the others.
BASIC = (
    *("inputs_unchanged", "prediction_shape", "global_settings", "repeated_predict", "repeatable"),
    *("instances_do_not_share", "copies_answer_alike", "same_seed_same_fit", "frame_index"),
    *("params_are_honest", "params_survive_fit", "refit_forgets"),
    *("batch_vs_rows", "chunks", "large_batch", "row_order", "batch_mates"),
)

# Broken where a check of what comes in was not written, which no fault elsewhere explains.
APART = (
    *("refused_before_fit", "wrong_width", "different_lengths", "weights_of_wrong_length", "reordered_columns"),
    *("odd_values_at_predict", "odd_values_at_fit", "fit_returns_self"),
)


@functools.cache
def model_laws() -> tuple[Law, ...]:
    """The laws of models."""
    modules = [import_module(f"pytest_mlexp.contracts.laws.{name}") for name in MODULES]
    laws: list[Law] = [found for module in modules for found in module.LAWS]
    return tuple(sorted(laws, key=lambda found: found.name != FIRST))
