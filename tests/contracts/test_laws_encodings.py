"""Laws on how values are held: each finds its fault and spares the sound twin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from pytest_mlexp.contracts.driver import check_model
from pytest_mlexp.contracts.laws.encodings import kind_of
from tests.zoo.encodings import SPECIMENS
from tests.zoo.specimen import Specimen


@pytest.mark.parametrize("specimen", SPECIMENS, ids=lambda specimen: specimen.name)
def test_a_fault_is_found_by_its_law_and_its_twin_spared(specimen: Specimen) -> None:
    (fault,) = check_model(specimen.broken(), laws=[specimen.law], declares=specimen.declares)
    assert fault.status == "failed", fault.message
    (twin,) = check_model(specimen.healthy(), laws=[specimen.law], declares=specimen.declares)
    assert twin.status in ("passed", "not_applicable"), twin.message


def _pipeline(encoder: Any, model: Any) -> Any:
    numbers = make_column_selector(dtype_include=["number", "bool"])
    words = make_column_selector(dtype_exclude=["number", "bool"])
    return make_pipeline(make_column_transformer((SimpleImputer(), numbers), (encoder, words)), model)


PIPELINES = {
    "words-ignored": _pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge()),
    "words-after-the-last": _pipeline(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=99), DecisionTreeRegressor(random_state=0)
    ),
    "words-dropped-first": _pipeline(OneHotEncoder(handle_unknown="ignore", drop="first"), Ridge()),
    "words-refused": _pipeline(OneHotEncoder(), LogisticRegression()),
}


@pytest.mark.parametrize("name", PIPELINES)
def test_pipelines_of_scikit_learn_are_spared(name: str) -> None:
    laws = ["column_types", "unseen_is_no_other", "categories_by_value", "history_free", "refit_forgets"]
    records = check_model(PIPELINES[name], laws=laws, declares={"requires_frame": True, "allows_nan": True})
    assert not [record.message for record in records if record.status == "failed"]


def test_a_regression_that_is_held_back_by_its_penalty_is_spared() -> None:
    (record,) = check_model(SVR(C=0.01), laws=["target_units"])
    assert record.status == "passed", record.message


class Days:
    """Days since 2020, by a count that is another in each unit of time."""

    def __init__(self, *, careful: bool) -> None:
        self.careful = careful

    def fit(self, X: Any, y: Any) -> Days:
        self.level = float(np.mean(y))
        return self

    def predict(self, X: Any) -> Any:
        times = X["when"].astype("datetime64[us]") if self.careful else X["when"]
        return self.level + times.astype("int64").to_numpy() / 8.64e10


def times(seed: int, rows: int) -> tuple[pd.DataFrame, Any]:
    days = np.random.default_rng(seed).integers(0, 500, rows)
    return pd.DataFrame({"when": pd.Timestamp("2020-01-01") + pd.to_timedelta(days, unit="D")}), days / 10.0


@pytest.mark.parametrize("careful", [True, False])
def test_times_mean_the_same_in_every_unit(careful: bool) -> None:
    declares = {"data": times, "task": "regression", "requires_frame": True}
    (record,) = check_model(Days(careful=careful), laws=["column_types"], declares=declares)
    assert record.status == ("passed" if careful else "failed"), record.message


def test_kinds_of_columns() -> None:
    columns = {
        "floats": [0.5, np.nan],
        "integers": [1, 2],
        "booleans": [True, False],
        "words": ["a", None],
        "categories": pd.Categorical(["a", "b"]),
        "times": pd.to_datetime(["2020-01-01", "2020-01-02"]),
        "times of a zone": pd.to_datetime(["2020-01-01", "2020-01-02"], utc=True),
        "else": [b"a", object()],
    }
    assert [kind_of(pd.Series(values)) for values in columns.values()] == list(columns)
