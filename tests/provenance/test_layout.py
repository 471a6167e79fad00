"""How arrays lie in memory is part of the key of a trial, and not of the dataset's digest."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from pytest_mlexp import Dataset
from pytest_mlexp.provenance.explaining import differences
from pytest_mlexp.provenance.provenance import Provenances

VALUES = np.arange(40.0).reshape(20, 2)


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (np.ascontiguousarray, np.asfortranarray, ["layout changed: (none) -> X Fortran order"]),
        (sparse.csr_matrix, sparse.csc_matrix, ["layout changed: X csr -> X csc"]),
        (np.ascontiguousarray, np.copy, []),
    ],
    ids=["order", "format", "same"],
)
def test_the_layout_of_arrays_counts(one: Callable[..., Any], other: Callable[..., Any], told: list[str]) -> None:
    first, second = (Dataset.from_arrays(make(VALUES), np.arange(20.0), split=0.25) for make in (one, other))
    assert first.digest == second.digest
    looking = Provenances()
    assert differences(looking._of_data(first), looking._of_data(second)) == told
