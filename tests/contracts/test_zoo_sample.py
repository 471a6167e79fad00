"""A sample of the zoo; ``benchmarks/contracts.py recall`` looks at all of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from pytest_mlexp.contracts.applies import reason_against
from pytest_mlexp.contracts.cases import look
from pytest_mlexp.contracts.catalogue import model_laws
from pytest_mlexp.contracts.law import Broken, NotApplicable
from pytest_mlexp.contracts.process import quietly
from pytest_mlexp.contracts.recognition import subject_of
from tests.zoo.catalogue import SPECIMENS
from tests.zoo.specimen import Specimen

SAMPLE = SPECIMENS[::15]


def broken_laws(model: Any, declares: Mapping[str, Any]) -> set[str]:
    subject = subject_of(model, declares=declares)
    found = set()
    with quietly():
        for law in model_laws():
            if law.thorough or reason_against(law, subject) is not None:
                continue
            try:
                look(law, subject, effort="fast", shrink=False)
            except NotApplicable:
                continue
            except Broken:
                found.add(law.name)
    return found


@pytest.mark.parametrize("specimen", SAMPLE, ids=lambda specimen: specimen.name)
def test_a_broken_model_breaks_a_law_and_its_twin_none(specimen: Specimen) -> None:
    assert not broken_laws(specimen.healthy(), specimen.declares)
    assert broken_laws(specimen.broken(), specimen.declares)
