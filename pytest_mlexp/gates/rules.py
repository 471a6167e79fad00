"""Gates as a team declares them."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pytest_mlexp.errors import DeclarationError


@dataclass(frozen=True)
class Gate:
    """A rule on one metric; prints as it is written: ``roc_auc at_least=0.8``."""

    metric: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        bounds = {"at_least": self.at_least, "at_most": self.at_most}
        given = {name: bound for name, bound in bounds.items() if bound is not None}
        if not given:
            raise DeclarationError(f"the gate on {self.metric!r} has no bound: give at_least= or at_most=")
        for name, bound in given.items():
            if not _is_finite(bound):
                raise DeclarationError(f"{name}= of the gate on {self.metric!r} must be a finite number, not {bound!r}")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise DeclarationError(
                f"the gate on {self.metric!r} can never pass: at_least={self.at_least} exceeds at_most={self.at_most}"
            )

    def __str__(self) -> str:
        parts = [
            f"{name}={bound}"
            for name, bound in (("at_least", self.at_least), ("at_most", self.at_most))
            if bound is not None
        ]
        return " ".join([self.metric, *parts])


def _is_finite(bound: object) -> bool:
    return isinstance(bound, int | float) and not isinstance(bound, bool) and math.isfinite(bound)
