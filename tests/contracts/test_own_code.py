"""What counts as a model's own code: a team's package also where it is installed, but no library."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pytest_mlexp.contracts import own_code
from pytest_mlexp.contracts.driver import check_model

SHARED = '''
"""A model of a team that has installed its package: all calls share one scratch."""

import numpy as np


class Nearest:
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.means_ = np.array([X[y == label].mean(axis=0) for label in self.classes_])
        return self

    def predict(self, X):
        self.scratch = np.asarray(X)
        far = ((self.scratch[:, None, :] - self.means_) ** 2).sum(axis=2)
        return self.classes_[far.argmin(axis=1)]
'''


@pytest.fixture
def site_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that counts as the one that packages are installed to."""
    monkeypatch.setattr(own_code, "_INSTALLED", (str(tmp_path),))
    monkeypatch.syspath_prepend(str(tmp_path))
    own_code.is_library.cache_clear()
    yield tmp_path
    own_code.is_library.cache_clear()


def test_the_installed_package_of_the_model_is_its_own_code(site_packages: Path) -> None:
    package = site_packages / "team_of_installed"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "nearest.py").write_text(SHARED)
    model = importlib.import_module("team_of_installed.nearest").Nearest
    (record,) = check_model(model, laws=["threads_answer_alike"], declares={"task": "classification"})
    assert record.status == "failed"
    assert "another thread" in record.message


def test_what_it_imports_of_others_stays_a_library(site_packages: Path) -> None:
    helper, homes = str(site_packages / "helpers" / "means.py"), frozenset({"team"})
    assert own_code.is_library(helper, homes)
    assert not own_code.is_library(str(site_packages / "team" / "model.py"), homes)
    assert not own_code.is_library(str(site_packages / "team.py"), homes)


def test_common_libraries_are_nobodys_home() -> None:
    from sklearn.linear_model import Ridge

    assert own_code.homes_of(Ridge()) == frozenset()
    assert own_code.is_library(np.__file__, frozenset())


def test_the_parts_of_a_pipeline_count() -> None:
    from sklearn.pipeline import make_pipeline

    from tests.contracts.centroids import Centroids

    assert own_code.homes_of(make_pipeline(Centroids())) == frozenset({"tests"})
