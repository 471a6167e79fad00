from __future__ import annotations

from fnmatch import fnmatch
from typing import Any

import numpy as np
import pytest

from pytest_mlexp.errors import DeclarationError
from pytest_mlexp.gates.rules import Gate, declare, loosened

NAN = float("nan")
ALL, MARGIN = {"primary": False}, {"informs": "margin"}


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"at_least": 0.8}, "auc at_least=0.8"),
        ({"at_least": 0.8, "max_drop": 0.01}, "auc at_least=0.8 max_drop=0.01"),
        ({"max_relative_drop": 0.02, "on": ["forest", "telco"]}, "auc max_relative_drop=0.02 on=forest,telco"),
        ({"max_drop": 0, "slices": "region", "inconclusive": "fail"}, "auc max_drop=0 slices=region inconclusive=fail"),
        ({"max_drop": 0.01, "primary": True, "new": "fail"}, "auc max_drop=0.01 primary=True new=fail"),
    ],
)
def test_a_gate_prints_as_it_is_written(options: dict[str, Any], text: str) -> None:
    assert str(Gate("auc", **options)) == text


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, "no rule"),
        ({"at_least": NAN}, "at_least= must be a finite number"),
        ({"at_most": True}, "at_most= must be a finite number"),
        ({"max_drop": "1%"}, "max_drop= must be a finite number"),
        ({"max_drop": -0.01}, "must not be negative"),
        ({"at_least": 2.0, "at_most": 1.0}, "can never pass"),
        ({"max_drop": 0.1, "inconclusive": "skip"}, "inconclusive= must be one of 'pass', 'fail'"),
        ({"max_drop": 0.1, "new": True}, "new= must be one of"),
        ({"max_drop": 0.1, "primary": False, "inconclusive": "fail"}, "leave it or inconclusive='fail' out"),
        ({"max_drop": 0.1, "primary": False, "new": "fail"}, "leave it or new='fail' out"),
        ({"max_drop": 0.1, "primary": "yes"}, "primary= must be one of"),
    ],
)
def test_what_nothing_can_meet_is_refused_when_it_is_declared(options: dict[str, Any], named: str) -> None:
    with pytest.raises(DeclarationError, match=named):
        Gate("auc", **options)


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(DeclarationError, match="did you mean 'max_drop'"):
        declare("auc", {"max_dorp": 0.1})


@pytest.mark.parametrize(("option", "meant"), [("dataset", "on="), ("model", "on="), ("column", "slices=")])
def test_an_option_by_another_name_is_told_its_own(option: str, meant: str) -> None:
    with pytest.raises(DeclarationError, match=f"no option '{option}': {meant} is meant. Known: at_least"):
        declare("m", {"at_least": 0.5, option: "digits"})


def test_a_ready_gate_takes_no_options() -> None:
    with pytest.raises(DeclarationError, match="has its own options: leave out on"):
        declare(Gate("auc", max_drop=0.1), {"on": "forest"})


def test_gates_join_and_print_as_they_are_written() -> None:
    both = Gate("auc", at_least=0.8) & Gate("loss", max_drop=0.1)
    assert str(both & Gate("loss", at_most=1.0)) == "auc at_least=0.8 & loss max_drop=0.1 & loss at_most=1.0"
    assert tuple(declare(both, {})) == (Gate("auc", at_least=0.8), Gate("loss", max_drop=0.1))


@pytest.mark.parametrize(
    ("gate", "baseline", "margin"),
    [
        (Gate("m", max_drop=0.01), 0.9, 0.01),
        (Gate("m", max_relative_drop=0.02), 0.5, 0.01),
        (Gate("m", max_relative_drop=0.02), -0.5, 0.01),
        (Gate("m", max_relative_drop=0.02), 0.0, 0.0),
        (Gate("m", max_drop=0.01, max_relative_drop=0.5), 0.9, 0.01),
        (Gate("m", max_drop=1.0, max_relative_drop=0.5), 0.9, 0.45),
    ],
)
def test_margins_also_of_zero_and_negative_baselines(gate: Gate, baseline: float, margin: float) -> None:
    assert gate.margin(baseline) == pytest.approx(margin)


@pytest.mark.parametrize(
    ("accepted", "declared", "reason"),
    [
        ({"at_least": 0.8}, [{"at_least": 0.8}], None),
        ({"at_least": 0.8}, [{"at_least": 0.9}], None),
        ({"at_least": 0.8}, [{"at_least": 0.7}], "at_least=0.8 was accepted, now it is 0.7"),
        ({"at_most": 0.8}, [{"at_most": 0.9}], "at_most=0.8 was accepted, now it is 0.9"),
        ({"max_drop": 0.01}, [{"max_drop": 0.005}], None),
        ({"max_drop": 0.01}, [{"max_drop": 0.02}], "max_drop=0.01 was accepted, now it is 0.02"),
        ({"max_drop": 0.01}, [{"max_drop": 0.02}, {"max_drop": 0.03}], "max_drop=0.01 was accepted, now it is 0.02"),
        ({"max_drop": 0.01}, [], "max_drop=0.01 was accepted, now it is gone"),
        ({"max_drop": 0.01}, [{"max_relative_drop": 0.01}], "max_drop=0.01 was accepted, now it is gone"),
        ({"max_drop": 0.01, "new": "fail"}, [{"max_drop": 0.01}], "new=fail was accepted, now it is gone"),
        ({"max_drop": 0.01, "new": "fail"}, [{"max_drop": 0.02, "new": "fail"}, {"max_drop": 0.01}], "new=fail"),
        ({"max_drop": 0.01}, [{"max_drop": 0.01, **MARGIN}], "max_drop=0.01 could fail *, now it only informs"),
        ({"max_drop": 0.01, **MARGIN}, [{"max_drop": 0.01}], None),
        ({"max_drop": 0.01, **MARGIN}, [{"max_drop": 0.02}], "max_drop=0.01 was accepted, now it is 0.02"),
        # what only informs does not make up for what failed, whatever stands beside it
        ({"max_drop": 0.01}, [{"max_drop": 0.01, **ALL}, {"max_drop": 0.5, "primary": True}], "now it only informs"),
        ({"max_drop": 0.01}, [{"max_drop": 0.1, **MARGIN}, {"max_drop": 0.5}], "now it is 0.5"),
        ({"at_least": 0.8}, [{"at_least": 0.8, **ALL}, {"max_drop": 0.01}], "at_least=0.8 could fail *, now it only"),
        # a bound fails where its margin informs
        ({"at_least": 0.9, "max_drop": 0.02, **MARGIN}, [{"at_least": 0.9, "max_drop": 0.02, **ALL}], "at_least=0.9 *"),
        ({"at_least": 0.9}, [{"at_least": 0.9, "max_drop": 0.02, **MARGIN}], None),
        # rules may move from one gate to another as long as they can fail
        ({"at_least": 0.8, "max_drop": 0.01}, [{"at_least": 0.8}, {"max_drop": 0.01}], None),
        ({"at_least": 0.8, "max_drop": 0.01}, [{"at_least": 0.7}], "at_least=0.8 *now it is 0.7; max_drop=0.01 *gone"),
    ],
)
def test_a_gate_that_asks_for_less_is_seen(accepted: Any, declared: Any, reason: str | None) -> None:
    found = loosened(accepted, declared)
    assert found is None if reason is None else fnmatch(str(found), f"*{reason}*")


def test_a_number_of_numpys_is_one_like_any_other() -> None:
    gate = Gate("a", at_least=np.float32(0.5), max_drop=np.float64(0.25))  # type: ignore[arg-type]
    assert str(gate) == "a at_least=0.5 max_drop=0.25"
