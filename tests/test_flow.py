from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.errors import DataError, DeclarationError
from pytest_mlexp.records import Evaluation

if TYPE_CHECKING:
    from tests.conftest import Toy


def fail(*_: Any) -> Any:
    raise RuntimeError("no convergence")


def test_a_trial_is_fitted_once_for_all_evaluators(toy: Toy) -> None:
    toy.experiment.evaluator(lambda y_pred: 0.0, name="second", maximize="m")
    toy.experiment.evaluator(lambda y_pred: 0.0, name="third", maximize="m")
    flow = toy.flow()
    for cell in (*toy.cells(), *toy.cells()):
        flow.evaluate(cell)
    assert toy.fits == ["half"] * 2  # one a split
    assert [record.cell for record in toy.records] == [cell.id for cell in toy.cells()]


def test_a_model_that_raises_is_not_fitted_again_and_every_cell_is_recorded(toy: Toy) -> None:
    toy.add("broken", fail, fail)
    toy.experiment.evaluator(lambda y_pred: 0.0, name="second", maximize="m")
    flow = toy.flow()
    for name in ("hits", "second"):
        for _ in range(2):
            with pytest.raises(RuntimeError, match="no convergence"):
                flow.evaluate(toy.cell(f"broken-numbers_from_zero-{name}"))
    assert toy.fits == ["broken"]
    assert [record.error for record in toy.records] == ["RuntimeError: no convergence"] * 2
    assert all("in fail" in (record.traceback or "") for record in toy.records)
    assert all(record.dataset.digest for record in toy.records)


def test_a_record_holds_what_the_cell_left(toy: Toy) -> None:
    flow = toy.flow()
    flow.evaluate(toy.cell("half"))
    (record,) = toy.records
    assert (record.model, record.dataset.name, record.evaluator) == ("half", "numbers_from_zero", "hits")
    assert (record.dataset.version, record.dataset.rows) == ("1", 12)
    assert (record.seeds, record.splits) == ((0, 0), ("fold1", "fold2"))
    assert record.metrics["accuracy"].values == (1.0, 1.0)
    assert len(record.fit_seconds) == len(record.predict_seconds) == 2
    assert set(record.fingerprints) == {"model", "evaluator"}
    assert record.started <= record.ended


def test_predictions_and_tables_are_kept_as_files(toy: Toy) -> None:
    @toy.experiment.evaluator(minimize="wrong")
    def mistakes(y_true: Any, y_pred: Any) -> Evaluation:
        wrong = (y_true != y_pred).astype(float)
        table = pd.DataFrame({"truth": y_true, "guess": y_pred})
        return Evaluation({"wrong": wrong.sum()}, scores={"wrong": wrong}, tables={"confusion": table})

    toy.flow().evaluate(toy.cell("half-numbers_from_zero-mistakes"))
    (files,) = toy.files
    predictions = pd.read_parquet(io.BytesIO(files["predictions.parquet"]))
    assert predictions["example"].tolist() == [1, 3, 5, 7, 9, 11, 0, 2, 4, 6, 8, 10]
    assert (predictions["y_true"] == predictions["y_pred"]).all()
    assert predictions["score_wrong"].sum() == 0
    table = pd.read_csv(io.BytesIO(files["tables/confusion.csv"]))
    assert table["trial"].tolist() == [0] * 6 + [1] * 6


def test_files_are_not_made_where_nothing_is_kept(toy: Toy) -> None:
    toy.flow(keep_files=False).evaluate(toy.cell("half"))
    assert toy.files == [{}]


def test_a_broken_loader_runs_once_and_fails_only_its_own_cells(toy: Toy) -> None:
    calls: list[int] = []

    @toy.experiment.dataset
    def gone() -> Dataset:
        calls.append(1)
        raise FileNotFoundError("telco.csv")

    flow = toy.flow()
    for _ in range(2):
        with pytest.raises(FileNotFoundError):
            flow.evaluate(toy.cell("half-gone"))
    assert flow.evaluate(toy.cell("half-numbers"))["accuracy"] == 1.0
    assert len(calls) == 1
    assert (toy.records[0].dataset.name, toy.records[0].dataset.digest) == ("gone", None)


def test_a_dataset_function_must_return_a_dataset(toy: Toy) -> None:
    toy.experiment.dataset(lambda: np.zeros(3), name="bare")
    with pytest.raises(DataError, match="function of dataset 'bare' returned ndarray: return a Dataset"):
        toy.flow().evaluate(toy.cell("half-bare"))


def test_datasets_are_loaded_with_seeded_generators(toy: Toy) -> None:
    @toy.experiment.dataset
    def drawn() -> Dataset:
        X = np.random.random((6, 1))  # noqa: NPY002
        return Dataset.from_arrays(X, np.zeros(6), split=0.5)

    for _ in range(2):
        toy.flow().evaluate(toy.cell("half-drawn"))
    assert toy.records[0].dataset.digest == toy.records[1].dataset.digest


def test_another_models_evaluation_serves_as_reference(toy: Toy) -> None:
    toy.add("always_small", lambda X, y: None, lambda X: np.zeros(len(X), dtype=int))
    evaluation = toy.flow().evaluate(toy.cell("half"))
    assert evaluation["accuracy"] - evaluation.reference("always_small")["accuracy"] == 0.5
    with pytest.raises(DeclarationError, match="did you mean 'always_small'"):
        evaluation.reference("always_smal")


def test_a_reference_to_a_model_that_ignores_devices_is_the_one_on_the_cpu(toy: Toy) -> None:
    toy.experiment.model(lambda device: lambda X: (X[:, 0] > 0).astype(int), name="moved")
    cell = next(c for c in toy.cells() if c.variant.name == "moved")
    flow = toy.flow()
    evaluation = flow.evaluate(cell)
    evaluation.reference("half")
    assert [record.cell for record in toy.records] == [
        "moved-numbers_from_zero-hits-cpu",
        "half-numbers_from_zero-hits-cpu",
    ]


def test_an_interrupt_passes_through_unrecorded_and_what_ran_stays(toy: Toy) -> None:
    def interrupt(*_: Any) -> Any:
        raise KeyboardInterrupt

    toy.add("slow", interrupt, interrupt)
    flow = toy.flow()
    flow.evaluate(toy.cell("half"))
    with pytest.raises(KeyboardInterrupt):
        flow.evaluate(toy.cell("slow"))
    assert [record.model for record in toy.records] == ["half"]


def test_models_are_looked_at_once_before_their_fits(toy: Toy) -> None:
    built: list[int] = []

    @toy.experiment.model
    def large() -> Any:
        built.append(1)
        return lambda X: X[:, 0]

    for name in ("a", "b", "c"):
        toy.experiment.evaluator(lambda y_score: 0.0, name=name, maximize="m")
    flow = toy.flow()
    for name in ("a", "b", "c"):
        with pytest.raises(Exception, match="asks for y_score"):
            flow.evaluate(toy.cell(f"large-numbers_from_zero-{name}"))
    assert len(built) == 1
