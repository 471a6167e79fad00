from __future__ import annotations

from dataclasses import replace
from typing import Any

from pytest_mlexp.records import CellRecord, DatasetRecord, EndRecord, SessionRecord, Summary, TestRecord
from pytest_mlexp.reporting.report import report_on
from pytest_mlexp.tracking.journal import JournalContents
from pytest_mlexp.verdicts import Verdict

BREACH = Verdict("accuracy at_least=0.9", "accuracy", "breach", "0.8 is below 0.9")
BREACHED = "BREACH 0.8 is below 0.9\n  next: mend the model"
SESSION = SessionRecord("20260101-000000-abcdef", 1_767_225_600_000, ("pytest", "-k", "a b"))


def cell(model: str = "a", value: float = 0.8, **changes: Any) -> CellRecord:
    summary = Summary("accuracy", (value,), value, 0.0, maximize=True)
    given = {"evaluator": "v", "device": "cpu", "metrics": {"accuracy": summary}, **changes}
    return CellRecord(f"{model}-d-v-cpu", "e", model, DatasetRecord("d"), **given)


def titles(contents: JournalContents) -> list[str]:
    return [section.title for section in report_on(contents).sections]


def ran(*cells: CellRecord, tests: tuple[TestRecord, ...] = (), end: EndRecord | None = None) -> JournalContents:
    return JournalContents(SESSION, cells, tests, end)


def test_an_empty_session_has_a_report() -> None:
    told = report_on(JournalContents(None, (), (), None))
    assert told.facts["cells"] == "0 evaluated, 0 could not be"
    assert not told.sections


def test_what_went_wrong_comes_first() -> None:
    failed = TestRecord("a-d-v-cpu", "e", "t.py::t[a]", "failed", 0.1, BREACHED, (BREACH,))
    broken, also = (cell(name, error="ValueError: no", metrics={}) for name in ("b", "z"))
    odd = cell("c", float("nan"), notes=("weights were not used",))
    contents = ran(cell(), broken, also, odd, tests=(failed,))
    assert titles(contents) == ["What failed", "Gates", "e: d, v", "Notes", "What was reused or made, and why"]
    first, gates, *_ = report_on(contents).sections
    assert first.lines == ["e: b-d-v-cpu and 1 more: ValueError: no", "not finite: e: c-d-v-cpu: accuracy"]
    assert first.texts == [BREACHED]
    assert [row["verdict"] for row in gates.rows] == ["breach"]


def test_a_test_that_failed_by_itself_is_told_with_its_reason() -> None:
    failed = TestRecord("a-d-v-cpu", "e", "t.py::t[a]", "failed", 0.1, "AssertionError: slow\nassert 1 < 0")
    (first, *_) = report_on(ran(cell(), tests=(failed,))).sections
    assert first.lines == ["t.py::t[a]: AssertionError: slow"]


def test_what_was_skipped_is_counted_by_reason() -> None:
    tests = [TestRecord(name, "e", "t.py::t", "skipped", 0.0, "no CUDA device here") for name in ("b", "c", "c")]
    told = report_on(ran(cell(), tests=tuple(tests)), left_out=["not run on cuda: 1 model"])
    section = told.sections[0]
    assert section.title == "What did not run"
    assert section.lines == ["2 cells were skipped: no CUDA device here", "not run on cuda: 1 model"]


def test_a_cell_that_ran_was_not_skipped_whatever_became_of_its_test() -> None:
    expected_to_fail = TestRecord("a-d-v-cpu", "e", "t.py::t[a]", "skipped", 0.1, "assert 1.0 > 2")
    assert titles(ran(cell(), tests=(expected_to_fail,))) == ["e: d, v"]


def test_of_a_test_that_ran_again_the_last_time_counts() -> None:
    failed = TestRecord("a-d-v-cpu", "e", "t.py::t[a]", "failed", 0.1, "AssertionError: slow")
    passed = replace(failed, outcome="passed", message=None)
    told = report_on(ran(cell(), tests=(failed, passed)))
    assert told.facts["failed tests of cells"] == "0"
    assert [section.title for section in told.sections] == ["e: d, v"]


def test_without_a_record_the_end_is_told_all_the_same() -> None:
    told = report_on(JournalContents(None, (), (), EndRecord(0, "KILLED")))
    assert told.facts["ended"] == "interrupted or killed"


def test_the_facts_say_what_ran_and_how_it_ended() -> None:
    facts = report_on(ran(cell(), end=EndRecord(SESSION.started + 61_000, "FAILED"))).facts
    assert facts["session"] == "20260101-000000-abcdef (mlexp reproduce 20260101-000000-abcdef runs it again)"
    assert facts["began"] == "2026-01-01 00:00 UTC"
    assert facts["ended"] == "failed, after 61 s"
    assert facts["command"] == "pytest -k 'a b'"
    assert facts["commit"] == "not recorded"
    assert report_on(ran(cell())).facts["ended"] == "not yet, or it was killed"


def test_the_title_is_the_outcome() -> None:
    assert report_on(ran(cell(), end=EndRecord(0, "FINISHED"))).title == "e: passed"
    assert report_on(ran()).title == "no experiment: not ended"


def test_gates_that_passed_are_listed_with_a_legend() -> None:
    verdict = Verdict("accuracy at_least=0.5", "accuracy", "pass", "0.8 is at least 0.5")
    passed = TestRecord("a-d-v-cpu", "e", "t.py::t[a]", "passed", 0.1, None, (verdict,))
    gates = report_on(ran(cell(), tests=(passed,))).sections[0]
    assert [(row["verdict"], row["metric"]) for row in gates.rows] == [("pass", "accuracy")]
    assert gates.lines[0].startswith("regressed: ")
