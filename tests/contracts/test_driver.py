"""What the driver makes of laws: statuses, strict excuses, shrunk failures, snippets that reproduce."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

from pytest_mlexp.contracts.cases import TYPICAL, look
from pytest_mlexp.contracts.data import Case
from pytest_mlexp.contracts.driver import check_law, check_model
from pytest_mlexp.contracts.law import Broken, NotApplicable, law
from pytest_mlexp.contracts.report import counts
from pytest_mlexp.errors import ContractError, DeclarationError
from pytest_mlexp.experiment import Experiment

BROKEN_MODULE = """
import numpy as np
from sklearn.linear_model import LinearRegression

class Batchy(LinearRegression):
    def predict(self, X):
        return super().predict(np.asarray(X) - np.asarray(X).mean(axis=0))
"""


@pytest.mark.parametrize("model", [LogisticRegression(), LinearRegression, DummyClassifier()], ids=repr)
def test_sound_models_break_no_law_and_the_counts_say_what_was_checked(model: Any) -> None:
    records = check_model(model)
    assert not [record.message for record in records if not record]
    found = counts(records)
    assert found["run"] == found["passed"] > 30
    assert found["run"] + found["not_applicable"] == len(records)


def test_an_excused_law_is_excused_while_it_is_broken() -> None:
    (record,) = check_model(
        lambda X: np.asarray(X) @ np.arange(5.0) + len(X),
        laws=["batch_vs_rows"],
        excuses={"batch_vs_rows": "on purpose"},
    )
    assert (record.status, record.message) == ("excused", "on purpose")


def test_an_excuse_that_is_not_needed_is_a_failure() -> None:
    (record,) = check_model(Ridge(), laws=["batch_vs_rows"], excuses={"batch_vs_rows": "once upon a time"})
    assert record.status == "failed"
    assert "is not needed any more" in record.message
    (record,) = check_model(Ridge(), laws=["probabilities"], excuses={"probabilities": "it has none"})
    assert record.status == "failed"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"excuses": {"batch_vs_row": "x"}}, "batch_vs_rows"),
        ({"excuses": {"batch_vs_rows": " "}}, "needs a reason"),
        ({"laws": ["learn"]}, "learns"),
        ({"declares": {"positive": True}}, "positive_only"),
        ({"declares": {"positive_only": "yes"}}, "True or False"),
        ({"declares": {"task": "ranking"}}, "classification"),
    ],
)
def test_unknown_names_are_refused_with_what_was_possible(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(DeclarationError, match=words):
        check_model(Ridge(), **arguments)
    with pytest.raises(DeclarationError, match="neither predict"):
        check_model(3)


def test_a_failure_says_the_law_the_data_and_how_to_see_it_again(tmp_path: Path) -> None:
    (tmp_path / "batchy.py").write_text(BROKEN_MODULE, encoding="utf-8")
    script = (
        "from batchy import Batchy\nfrom pytest_mlexp.contracts.driver import check_model\n"
        "(record,) = check_model(Batchy(), laws=['batch_vs_rows'])\nprint(record.message)\n"
    )
    message = _python(script, tmp_path).stdout
    assert "Batchy breaks the law batch_vs_rows: One row at a time" in message
    snippet = "\n".join(line.strip() for line in message.partition("without pytest:\n")[2].splitlines())
    assert "from batchy import Batchy" in snippet
    again = _python(snippet, tmp_path)
    assert again.returncode == 1
    assert "ContractError: Batchy breaks the law batch_vs_rows" in again.stderr


def _python(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False)


def test_failures_are_shrunk_to_a_few_rows_and_judged_on_them() -> None:
    @law("More than two rows are refused.")
    def few(subject: object, case: Case) -> None:
        if case.rows > 2:
            raise Broken("few rows", f"{case.rows}")

    with pytest.raises(Broken) as found:
        look(few, None, effort="fast")
    assert found.value.case.rows == 3
    assert found.value.case.train_rows == 6
    assert "seen: 3" in str(found.value)


def test_a_law_that_can_never_be_judged_is_not_applicable() -> None:
    @law("Nothing.", cases=2)
    def never(subject: object, case: Case) -> None:
        raise NotApplicable("never")

    with pytest.raises(NotApplicable, match="never"):
        look(never, None, effort="fast")


def test_the_same_verdicts_in_any_order_and_again() -> None:
    laws = ["batch_vs_rows", "probabilities", "weights_are_counts", "learns"]
    one = check_model(LogisticRegression(), laws=laws)
    other = check_model(LogisticRegression(), laws=laws[::-1])
    assert one == other == check_model(LogisticRegression(), laws=laws)


def test_thorough_looks_at_more_cases_and_more_laws() -> None:
    seen: list[Case] = []

    @law("Nothing.")
    def counted(subject: object, case: Case) -> None:
        seen.append(case)

    assert look(counted, None, effort="fast") == 1
    assert look(counted, None, effort="thorough") > len(TYPICAL)
    assert len(set(seen)) > len(TYPICAL)
    names = {record.law for record in check_model(LinearRegression(), effort="thorough")}
    assert "many_threads_answer_alike" in names


def test_check_law_raises_what_is_broken() -> None:
    check_law("batch_vs_rows", Ridge())
    with pytest.raises(ContractError, match="breaks the law reordered_columns"):
        check_law("reordered_columns", _ByPosition())
    with pytest.raises(AssertionError):
        check_law("reordered_columns", _ByPosition())


class _ByPosition:
    def fit(self, X: Any, y: Any) -> None:
        self.coef_ = np.linalg.lstsq(np.asarray(X), np.asarray(y), rcond=None)[0]

    def predict(self, X: Any) -> Any:
        return np.asarray(X) @ self.coef_


def test_a_declared_variant_is_checked_under_its_own_name() -> None:
    trials = Experiment("trials")
    trials.model(params={"alpha": [0.1, 1.0]})(Ridge)
    for name, variant in trials.models.items():
        records = check_model(variant, laws=["learns", "refit_forgets"])
        assert {record.block for record in records} == {name}
        assert all(records)


def test_a_plain_callable_is_checked_as_it_is() -> None:
    records = check_model(lambda X: np.asarray(X).sum(axis=1))
    assert not [record.message for record in records if not record]
    assert {record.status for record in records if record.law == "learns"} == {"not_applicable"}
    texts = (["a b", "c", "d e f"] * 9, None)
    records = check_model(lambda rows: [len(row.split()) for row in rows], declares={"data": texts})
    assert not [record.message for record in records if not record]
    assert counts(records)["run"] > 8


@pytest.mark.parametrize("column", [np.asarray, pd.Series], ids=["array", "series"])
@pytest.mark.parametrize("model", [Ridge(), LogisticRegression()], ids=repr)
def test_a_sound_model_breaks_no_law_on_data_that_are_given(model: Any, column: Any) -> None:
    def given(seed: int, rows: int) -> tuple[Any, Any]:
        X = np.random.default_rng(seed).normal(size=(rows, 4))
        y = X @ [1.0, 2.0, 3.0, 4.0]
        return X, column(y if isinstance(model, Ridge) else (y > 0).astype(int))

    records = check_model(model, declares={"data": given})
    assert not [record.message for record in records if not record]
    assert counts(records)["run"] > 30
