from __future__ import annotations

from typing import Any

import pytest

from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.gates.judge import judge
from pytest_mlexp.gates.rules import Gate
from pytest_mlexp.records import Evaluation

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("values", "gate", "status"),
    [
        ((0.8,), Gate("a", at_least=0.8), "pass"),
        ((0.79,), Gate("a", at_least=0.8), "breach"),
        ((0.9,), Gate("a", at_most=0.8), "breach"),
        ((0.9, 0.7), Gate("a", at_least=0.8), "pass"),
        ((0.9, NAN), Gate("a", at_least=0.0), "not_finite"),
        ((INF,), Gate("a", at_least=0.0), "not_finite"),
        ((), Gate("a", at_least=0.0), "not_finite"),
        ((1.0,), Gate("b", at_least=0.0), "missing"),
    ],
)
@pytest.mark.filterwarnings("ignore:Mean of empty slice", "ignore:invalid value")
def test_verdicts(values: tuple[float, ...], gate: Gate, status: str) -> None:
    (verdict,) = judge(Evaluation({"a": values}), [gate])
    assert verdict.status == status
    assert bool(verdict) == (status == "pass")


@pytest.mark.parametrize("bounds", [{}, {"at_least": NAN}, {"at_least": "high"}, {"at_least": 2.0, "at_most": 1.0}])
def test_a_gate_without_a_usable_bound_is_refused(bounds: dict[str, Any]) -> None:
    with pytest.raises(DeclarationError, match="gate on 'a'"):
        Gate("a", **bounds)
