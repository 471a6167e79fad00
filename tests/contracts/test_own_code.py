"""What counts as a model's own code: a team's package also where it is installed, but no library."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_mlexp.contracts import own_code
from pytest_mlexp.contracts.applies import reason_against
from pytest_mlexp.contracts.catalogue import model_laws
from pytest_mlexp.contracts.driver import check_law, check_model
from pytest_mlexp.contracts.process import quietly
from pytest_mlexp.contracts.recognition import subject_of

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


OF_OWN_CODE = [law.name for law in model_laws() if "own_code" in law.needs]


def test_laws_on_own_code_say_of_a_library_that_they_do_not_apply() -> None:
    from sklearn.linear_model import Ridge

    asked = ["threads_answer_alike", "level_of_targets", "work_is_bounded", "wide_fits_are_stable"]
    assert set(asked) < set(OF_OWN_CODE)
    records = check_model(Ridge(), laws=asked)
    assert {(record.status, record.message) for record in records} == {
        ("not_applicable", "nothing but code of libraries runs in it")
    }


def test_whether_code_is_its_own_is_found_out_once_and_without_a_fit_of_a_library(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sklearn.linear_model import Ridge

    fits = []
    monkeypatch.setattr(Ridge, "fit", lambda self, X, y: fits.append((X, y)))
    with quietly():
        subject = subject_of(Ridge())
        fits.clear()
        assert all(reason_against(law, subject) for law in model_laws() if "own_code" in law.needs)
    assert fits == []


def test_a_model_that_crashes_on_ordinary_data_is_told_by_the_law_itself() -> None:
    class Crashes:
        def fit(self, X: Any, y: Any) -> Any:
            raise ZeroDivisionError

        def predict(self, X: Any) -> Any:
            return X

    (record,) = check_model(Crashes(), laws=["threads_answer_alike"], declares={"task": "regression"})
    assert record.status == "failed"
    assert "ZeroDivisionError" in record.message


def test_one_law_of_one_case_is_obeyed_where_it_does_not_apply() -> None:
    from sklearn.linear_model import Ridge

    check_law("probabilities", Ridge())
    check_law("threads_answer_alike", Ridge())


def test_no_law_decides_by_itself_whose_code_runs() -> None:
    folder = Path(own_code.__file__).parent / "laws"
    assert [path.name for path in folder.glob("*.py") if "runs_own_code" in path.read_text()] == []
