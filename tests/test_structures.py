"""Nothing assumes that predictions are labels: text, rankings and sequences go the whole way."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import ndcg_score

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.execution.store import OutcomeStore
from pytest_mlexp.experiment import Experiment
from pytest_mlexp.flow import Flow
from pytest_mlexp.matrix import expand
from pytest_mlexp.records import CellRecord, Evaluation

if TYPE_CHECKING:
    from collections.abc import Mapping


def walk(experiment: Experiment) -> dict[str, tuple[Evaluation, pd.DataFrame, CellRecord]]:
    """Evaluate every cell; give its evaluation, its predictions as written, and its record, by model."""
    kept: list[tuple[CellRecord, Mapping[str, bytes]]] = []
    flow = Flow(OutcomeStore(), record=lambda record, files: kept.append((record, files)))
    evaluations = [flow.evaluate(cell) for cell in expand(experiment, ["cpu"])]
    return {
        record.model: (evaluation, pd.read_parquet(io.BytesIO(files["predictions.parquet"])), record)
        for evaluation, (record, files) in zip(evaluations, kept, strict=True)
    }


def test_text_to_text() -> None:
    reverse = Experiment("reverse")

    @reverse.dataset
    def words() -> Dataset:
        texts = ["abc", "level", "straße", "", "two words"]
        return Dataset.from_records(texts, targets=[text[::-1] for text in texts], split=([0], [1, 2, 3, 4]))

    reverse.model(lambda: lambda texts: [text[::-1] for text in texts], name="right")
    reverse.model(lambda: lambda texts: list(texts), name="lazy")  # noqa: PLW0108 - a class is no model

    @reverse.evaluator(maximize="exact")
    def match(y_true: Sequence[str], y_pred: Sequence[str]) -> Evaluation:
        hits = [float(a == b) for a, b in zip(y_true, y_pred, strict=True)]
        return Evaluation({"exact": sum(hits) / len(hits)}, scores={"exact": np.array(hits)})

    found = walk(reverse)
    assert found["right"][0]["exact"] == 1.0
    assert found["lazy"][0]["exact"] == 0.5
    predictions = found["lazy"][1]
    assert predictions["y_pred"].tolist() == ["level", "straße", "", "two words"]
    assert predictions["score_exact"].tolist() == [1.0, 0.0, 1.0, 0.0]
    assert predictions["example"].tolist() == [1, 2, 3, 4]


def test_rankings() -> None:
    search = Experiment("search")
    relevance = np.array([[3, 2, 0, 1], [0, 1, 2, 3], [1, 0, 0, 2], [2, 2, 1, 0]])

    @search.dataset
    def queries() -> Dataset:
        return Dataset.from_arrays(relevance.astype(float), relevance, split=([0, 1], [2, 3]))

    search.model(lambda: lambda X: X, name="oracle")
    search.model(lambda: lambda X: -X, name="worst")
    search.evaluator(ndcg_score, name="ndcg")

    found = walk(search)
    assert found["oracle"][0]["ndcg"] == 1.0
    assert found["worst"][0]["ndcg"] == ndcg_score(relevance[2:], -relevance[2:].astype(float))
    assert [list(row) for row in found["oracle"][1]["y_pred"]] == relevance[2:].tolist()


def test_sequences_of_unequal_length() -> None:
    tagging = Experiment("tagging", seeds=(0, 1))

    @tagging.dataset
    def sentences() -> Dataset:
        records = [
            {"tokens": ["a", "dog"], "tags": ["DET", "NOUN"]},
            {"tokens": ["run"], "tags": ["VERB"]},
            {"tokens": ["the", "big", "cat"], "tags": ["DET", "ADJ", "NOUN"]},
        ]
        return Dataset.from_records(records, target="tags", split=([0], [1, 2]))

    @tagging.model
    def all_nouns() -> Any:
        return lambda sentences: [["NOUN"] * len(sentence["tokens"]) for sentence in sentences]

    @tagging.evaluator(maximize="token_accuracy")
    def tokens(y_true: Any, y_pred: Any, X: Any) -> Evaluation:
        pairs = [(a, b) for truth, guess in zip(y_true, y_pred, strict=True) for a, b in zip(truth, guess, strict=True)]
        table = pd.DataFrame(pairs, columns=["truth", "guess"])
        assert len(X) == len(y_true)
        return Evaluation({"token_accuracy": float(np.mean([a == b for a, b in pairs]))}, tables={"tokens": table})

    evaluation, predictions, record = walk(tagging)["all_nouns"]
    assert evaluation.values("token_accuracy") == (0.25, 0.25)
    assert [list(row) for row in predictions["y_pred"]] == [["NOUN"], ["NOUN"] * 3] * 2
    assert len(evaluation.tables["tokens"]) == 8
    assert record.metrics["token_accuracy"].spread == 0.0


def test_predictions_that_no_column_can_hold_are_kept_as_text() -> None:
    boxes = Experiment("boxes")

    @boxes.dataset
    def images() -> Dataset:
        return Dataset.from_records([{"id": n} for n in range(4)], targets=[{}, [], [1], "x"], split=([0], [1, 2, 3]))

    boxes.model(lambda: lambda X: [[], {"box": (0, 0, 1, 1)}, None], name="detector")
    boxes.evaluator(lambda y_pred: float(len(y_pred)), name="count", maximize="n")
    _, predictions, _ = walk(boxes)["detector"]
    assert predictions["y_pred"].tolist() == ["[]", '{"box": [0, 0, 1, 1]}', "null"]


@pytest.mark.parametrize("target", ["y", ["y1", "y2"]])
def test_one_and_several_numeric_targets(target: Any) -> None:
    frame = pd.DataFrame({"x": range(6), "y": range(6), "y1": range(6), "y2": range(6, 12)}, index=list("abcdef"))
    table = Experiment("table")
    table.dataset(lambda: Dataset.from_frame(frame, target=target, split=([0, 1, 2], [3, 4, 5])), name="d")

    class Last:
        def fit(self, X: Any, y: Any) -> None:
            self.y = y

        def predict(self, X: Any) -> Any:
            return self.y

    table.model(lambda: Last(), name="last")  # noqa: PLW0108 - a class is no model
    table.evaluator("neg_mean_absolute_error")
    evaluation, predictions, _ = walk(table)["last"]
    assert evaluation["neg_mean_absolute_error"] == -3.0
    assert predictions["example"].tolist() == ["d", "e", "f"]
