from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.errors import DataError, DeclarationError
from pytest_mlexp.execution.outcome import Outcome
from pytest_mlexp.execution.store import Got, OutcomeStore, Sought
from pytest_mlexp.gates.judge import judge
from pytest_mlexp.records import Evaluation, to_dict

if TYPE_CHECKING:
    from tests.conftest import Toy


def fail(*_: Any) -> Any:
    raise RuntimeError("no convergence")


def test_a_trial_is_fitted_once_for_all_evaluators(toy: Toy) -> None:
    toy.experiment.evaluator(lambda y_pred: 0.0, name="second", maximize="second")
    toy.experiment.evaluator(lambda y_pred: 0.0, name="third", maximize="third")
    flow = toy.flow()
    for cell in (*toy.cells(), *toy.cells()):
        flow.evaluate(cell)
    assert toy.fits == ["half"] * 2  # one a split
    assert [record.cell for record in toy.records] == [cell.id for cell in toy.cells()]


def test_a_model_that_raises_is_not_fitted_again_and_every_cell_is_recorded(toy: Toy) -> None:
    toy.add("broken", fail, fail)
    toy.experiment.evaluator(lambda y_pred: 0.0, name="second", maximize="second")
    flow = toy.flow()
    for name in ("hits", "second"):
        for _ in range(2):
            with pytest.raises(RuntimeError, match="no convergence"):
                flow.evaluate(toy.cell(f"broken-numbers_from_zero-{name}"))
    assert toy.fits == ["broken"]
    assert [record.error for record in toy.records] == ["RuntimeError: no convergence"] * 2
    assert all("in fail" in (record.traceback or "") for record in toy.records)
    assert all(record.dataset.digest for record in toy.records)


def test_a_cell_whose_evaluator_raises_tells_of_its_trials(toy: Toy) -> None:
    @toy.experiment.evaluator(maximize="nothing")
    def nothing(y_pred: Any) -> float:
        raise ValueError("no score")

    with pytest.raises(ValueError, match="no score"):
        toy.flow().evaluate(toy.cell("half-numbers_from_zero-nothing"))
    assert [trial.trial.rpartition("-")[2] for trial in toy.records[-1].trials] == ["fold1", "fold2"]


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
        toy.experiment.evaluator(lambda y_score: 0.0, name=name, maximize=name)
    flow = toy.flow()
    for name in ("a", "b", "c"):
        with pytest.raises(Exception, match="asks for y_score"):
            flow.evaluate(toy.cell(f"large-numbers_from_zero-{name}"))
    assert len(built) == 1


def test_data_that_has_no_digest_fails_its_cells_before_any_fit(toy: Toy) -> None:
    toy.experiment.dataset(lambda: Dataset.from_records([object()] * 4, split=0.5), name="opaque")
    flow = toy.flow()
    for _ in range(2):
        with pytest.raises(DataError, match="object of type builtins"):
            flow.evaluate(toy.cell("half-opaque"))
    assert toy.fits == []
    assert [record.error is None for record in toy.records] == [False]


def test_a_model_that_changes_its_inputs_changes_neither_digest_nor_other_models(toy: Toy) -> None:
    records = [{"a": number} for number in range(8)]
    toy.experiment.dataset(lambda: Dataset.from_records(records, split=([0, 1, 2, 3], [4, 5, 6, 7])), name="dicts")
    toy.experiment.evaluator(lambda y_pred: float(sum(y_pred)), name="sum", maximize="total")
    toy.experiment.model(lambda: lambda X: [item.pop("a") for item in X], name="greedy")
    toy.experiment.model(lambda: lambda X: [item["a"] for item in X], name="modest")
    flow = toy.flow()
    totals = [flow.evaluate(toy.cell(f"{name}-dicts-sum"))["total"] for name in ("greedy", "modest")]
    assert totals == [22.0, 22.0]
    assert toy.records[0].dataset.digest == toy.records[1].dataset.digest


def test_a_file_that_cannot_be_made_is_a_note_beside_the_numbers(toy: Toy) -> None:
    class Odd(list[Any]):
        def __iter__(self) -> Any:
            raise RuntimeError("look, do not touch")

    toy.experiment.model(lambda: lambda X: Odd([1] * len(X)), name="odd")
    toy.experiment.evaluator(lambda y_pred: float(len(y_pred)), name="count", maximize="n")
    assert toy.flow().evaluate(toy.cell("odd-numbers_from_zero-count"))["n"] == 6
    (note,) = toy.records[0].notes
    assert note.startswith("predictions.parquet could not be made: RuntimeError: look")
    assert toy.records[0].metrics["n"].mean == 6


def test_tensors_go_the_whole_way_as_arrays(toy: Toy) -> None:
    torch = pytest.importorskip("torch")
    net = torch.nn.Linear(1, 1)
    toy.experiment.model(lambda: lambda X: net(torch.from_numpy(X).float()), name="net")
    toy.experiment.evaluator(lambda y_pred: float(y_pred.shape[1]), name="width", maximize="w")
    assert toy.flow().evaluate(toy.cell("net-numbers_from_zero-width"))["w"] == 1
    assert (toy.records[0].notes, len(toy.files[0])) == ((), 1)


def test_an_error_that_is_no_text_is_recorded_all_the_same(toy: Toy) -> None:
    def broken(_: Any) -> Any:
        raise ValueError("file \udcff")

    toy.experiment.model(lambda: broken, name="broken")
    with pytest.raises(ValueError, match="file"):
        toy.flow().evaluate(toy.cell("broken"))
    assert json.dumps(to_dict(toy.records[0]), ensure_ascii=False).encode()


def test_probabilities_of_several_outputs_are_kept(toy: Toy) -> None:
    from sklearn.ensemble import RandomForestClassifier

    X = np.arange(12.0).reshape(-1, 1)
    Y = np.column_stack([X[:, 0] > 5, X[:, 0] > 3]).astype(int)
    toy.experiment.dataset(
        lambda: Dataset.from_arrays(X, Y, split=([0, 3, 5, 7, 9, 11], [1, 2, 4, 6, 8, 10])), name="two"
    )
    toy.experiment.model(RandomForestClassifier(5, random_state=0), name="forest")
    toy.experiment.evaluator(lambda y_proba: float(len(y_proba)), name="outputs", maximize="n")
    assert toy.flow().evaluate(toy.cell("forest-two-outputs"))["n"] == 2
    predictions = pd.read_parquet(io.BytesIO(toy.files[0]["predictions.parquet"]))
    assert len(predictions) == 6
    assert [len(row) for row in predictions["y_proba"]] == [2] * 6


def test_a_gate_that_cannot_be_measured_fails_and_loses_no_numbers(toy: Toy) -> None:
    frame = pd.DataFrame({"x": np.arange(12.0), "side": ["low"] * 6 + ["high"] * 6, "y": [0] * 6 + [1] * 6})
    toy.experiment.dataset(lambda: Dataset.from_frame(frame, target="y", split=([0, 6], [1, 2, 7, 8])), name="sided")
    toy.experiment.model(lambda: lambda X: (X["x"] > 5).astype(int), name="above")

    @toy.experiment.evaluator(maximize="balanced")
    def both(y_true: Any, y_pred: Any) -> float:
        if len(set(y_true)) < 2:
            raise ValueError("only one class")
        return float(np.mean(y_true == y_pred))

    toy.experiment.gate("balanced", at_least=0.0, slices="side", on="sided")
    cell = toy.cell("above-sided-both")
    evaluation = toy.flow().evaluate(cell)
    (record,) = toy.records
    assert (record.error, record.metrics["balanced"].mean) == (None, 1.0)
    (note,) = record.notes
    assert note == "gate 'balanced at_least=0.0 on=sided slices=side' could not be measured: ValueError: only one class"
    (verdict,) = judge(evaluation, cell.gates)
    assert (verdict.status, bool(verdict)) == ("missing", False)
    assert "could not be measured" in verdict.reason


class Earlier(OutcomeStore):
    """A store in which another session left everything."""

    def get(self, sought: Sought | str, compute: Callable[[], Outcome]) -> Got:
        return replace(super().get(sought, compute), reused=True)


@pytest.mark.parametrize(("store", "seeds"), [(OutcomeStore, ((), ())), (Earlier, ((0,), (7, 8)))])
def test_timings_know_which_of_them_an_earlier_session_took(
    toy: Toy, store: type[OutcomeStore], seeds: tuple[tuple[int, ...], ...]
) -> None:
    toy.experiment.gate("fit_seconds", max_relative_drop=0.5)
    flow, cell = toy.flow(store()), toy.cells()[0]
    found = flow.evaluate(cell), flow.again(cell, (7, 8))
    assert tuple(one.contributions["fit_seconds"].reused for one in found) == seeds
