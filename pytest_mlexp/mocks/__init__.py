"""Datasets, models and evaluators for a team's own tests: good ones, and ones that are broken on purpose.

=====================  =================================================================================
``mocks.datasets``     small data sets that can be learnt, and ``like(schema)`` for data like the team's
``mocks.models``       models that do one thing, well or wrongly, whatever they are given
``mocks.evaluators``   metrics that are right, and metrics that are wrong in one way
=====================  =================================================================================
"""

from __future__ import annotations

from pytest_mlexp.mocks import datasets, evaluators, models

__all__ = ["datasets", "evaluators", "models"]
