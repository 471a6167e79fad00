from __future__ import annotations

import math
from typing import Any

import pytest

from pytest_mlexp.records import CellRecord, DatasetRecord, Summary
from pytest_mlexp.reporting.leaderboard import boards, failures, table, text_table, to_frame, to_html


def cell(model: str, *values: float, maximize: bool = True, **changes: Any) -> CellRecord:
    mean = sum(values) / len(values) if values else math.nan
    summary = Summary("score", values, mean, 0.1 if len(values) > 1 else 0.0, maximize)
    given = {"experiment": "e", "dataset": DatasetRecord("d"), "evaluator": "v", "device": "cpu"}
    given |= {"metrics": {"score": summary} if values else {}, "fit_seconds": (1.0, 3.0), "predict_seconds": (0.5,)}
    return CellRecord(cell=f"{model}-d-v-cpu", model=model, **{**given, **changes})


def order(*cells: CellRecord) -> list[str]:
    ((_, group),) = boards(cells)
    return [record.model for record in group]


def test_the_best_model_comes_first_whatever_the_direction() -> None:
    assert order(cell("a", 0.1), cell("b", 0.3), cell("c", 0.2)) == ["b", "c", "a"]
    up = [cell(name, value, maximize=False) for name, value in (("a", 0.1), ("b", 0.3), ("c", 0.2))]
    assert order(*up) == ["a", "c", "b"]


def test_a_model_without_a_number_comes_last() -> None:
    assert order(cell("a", math.nan), cell("b", -math.inf), cell("c", 0.0)) == ["c", "b", "a"]
    assert order(cell("a", math.nan, maximize=False), cell("b", math.inf, maximize=False)) == ["b", "a"]


def test_equal_models_stand_in_the_order_of_their_names() -> None:
    assert order(cell("b", 0.5), cell("a", 0.5)) == ["a", "b"]


def test_a_further_metric_decides_between_models_that_are_equal_in_the_first() -> None:
    def two(model: str, second: float) -> CellRecord:
        metrics = {"a": Summary("a", (1.0,), 1.0, 0.0, True), "b": Summary("b", (second,), second, 0.0, False)}
        return cell(model, metrics=metrics)

    assert order(two("x", 2.0), two("y", 1.0)) == ["y", "x"]


def test_there_is_one_board_for_each_experiment_dataset_and_evaluator() -> None:
    cells = [cell("a", 0.5), cell("a", 0.5, evaluator="w"), cell("a", 0.5, dataset=DatasetRecord("d2"))]
    cells += [cell("a", 0.5, experiment="f"), cell("a", error="E: x")]
    assert [title for title, _ in boards(cells)] == ["e: d, v", "e: d, w", "e: d2, v", "f: d, v"]


def test_a_row_shows_mean_spread_and_mean_seconds() -> None:
    assert table([cell("a", 0.4, 0.6)]) == [
        {"model": "a", "score ↑": "0.5000 ± 0.1000", "fit s": "2.000", "predict s": "0.5000"}
    ]
    assert table([cell("a", 0.5, maximize=False)])[0]["score ↓"] == "0.5000"


def test_the_device_is_shown_where_there_are_several() -> None:
    assert [row["device"] for row in table([cell("a", 0.5), cell("a", 0.4, device="cuda:0")])] == ["cpu", "cuda:0"]


def test_the_text_table_has_a_line_for_each_model() -> None:
    lines = text_table([cell("forest", 0.9), cell("majority", 0.5)]).splitlines()
    assert lines[0].split("  ")[0] == "model"
    assert [line.split()[0] for line in lines[2:]] == ["forest", "majority"]


def test_a_frame_has_one_row_a_metric_and_one_for_a_failed_cell() -> None:
    frame = to_frame([cell("a", 0.4, 0.6), cell("b", error="E: x")])
    assert frame["model"].tolist() == ["a", "b"]
    assert frame["mean"].iloc[0] == pytest.approx(0.5)
    assert math.isnan(frame["mean"].iloc[1])
    assert frame["error"].iloc[1] == "E: x"


def test_a_notebook_shows_boards_and_problems_with_markup_escaped() -> None:
    shown = to_html([cell("a", 0.5)], ["failed: e: b-d-v-cpu: TypeError: <class 'int'>"])
    assert "<table>" in shown
    assert "<p>failed: e: b-d-v-cpu: TypeError: &lt;class" in shown


def test_failures_name_the_cell_and_the_error() -> None:
    assert failures([cell("a", 0.5), cell("b", error="E: x")]) == ["failed: e: b-d-v-cpu: E: x"]
