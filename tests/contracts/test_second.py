"""One second fit answers for many laws: it is there for a sound model, and gone where one of its ways does harm."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.driver import check_model
from pytest_mlexp.contracts.process import quietly
from pytest_mlexp.contracts.recognition import subject_of
from pytest_mlexp.contracts.second import second_fit
from tests.contracts.centroids import Centroids


class MovedByTheWorld(Centroids):
    def fit(self, X: Any, y: Any) -> Any:
        super().fit(X, y)
        self.means_ = self.means_ + np.random.random()  # noqa: NPY002 - the fault
        return self


class MovedByWhatFollows(Centroids):
    def fit(self, X: Any, y: Any) -> Any:
        super().fit(X, y)
        whole = X if getattr(X, "base", None) is None else X.base
        self.means_ = self.means_ + 1e-3 * len(whole)
        return self


class WritesIntoItsInputs(Centroids):
    def fit(self, X: Any, y: Any) -> Any:
        X[...] = X + 0.0
        return super().fit(X, y)


class CountsItsMembers(Centroids):
    """Sound, but has no length before it is fitted, as ensembles have none."""

    def __len__(self) -> int:
        return len(self.means_)


@pytest.mark.parametrize("broken", [MovedByTheWorld, MovedByWhatFollows, WritesIntoItsInputs])
def test_a_fit_that_is_moved_by_anything_is_no_second_one(broken: type[Any]) -> None:
    for kind, expected in ((broken, False), (Centroids, True)):
        subject = subject_of(kind(), declares={"task": "classification"})
        with quietly():
            assert (second_fit(subject, subject.data(Case())) is not None) is expected


def test_a_model_without_a_length_before_it_is_fitted_is_taken() -> None:
    records = check_model(CountsItsMembers(), laws=["refit_forgets"], declares={"task": "classification"})
    assert [(record.status, record.message) for record in records] == [("passed", "")]


def test_two_laws_share_the_second_fit() -> None:
    fits: list[int] = []

    class Counts(Centroids):
        def fit(self, X: Any, y: Any) -> Any:
            fits.append(len(X))
            return super().fit(X, y)

    laws = ["read_only_inputs", "rest_of_the_array_is_unseen", "same_seed_same_fit", "clone_is_fresh"]
    subject_of(Counts(), declares={"task": "classification"})
    alone = len(fits)
    records = check_model(Counts(), laws=laws, declares={"task": "classification"})
    assert {record.status for record in records} == {"passed"}
    assert len(fits) - alone == alone + 1
