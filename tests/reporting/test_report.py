from __future__ import annotations

from typing import Any

from pytest_mlexp.records import CellRecord, DatasetRecord, EndRecord, SessionRecord, Summary, TestRecord
from pytest_mlexp.reporting.report import report
from pytest_mlexp.tracking.journal import JournalContents
from pytest_mlexp.verdicts import Verdict

BREACH = Verdict("accuracy at_least=0.9", "accuracy", "breach", "0.8 is below 0.9")
SESSION = SessionRecord("20260101-000000-abcdef", 1_767_225_600_000, ("pytest", "-k", "a b"))


def cell(model: str = "a", value: float = 0.8, **changes: Any) -> CellRecord:
    summary = Summary("accuracy", (value,), value, 0.0, maximize=True)
    given = {"evaluator": "v", "device": "cpu", "metrics": {"accuracy": summary}, **changes}
    return CellRecord(f"{model}-d-v-cpu", "e", model, DatasetRecord("d"), **given)


def titles(contents: JournalContents) -> list[str]:
    return [section.title for section in report(contents).sections]


def ran(*cells: CellRecord, tests: tuple[TestRecord, ...] = (), end: EndRecord | None = None) -> JournalContents:
    return JournalContents(SESSION, cells, tests, end)


def test_an_empty_session_has_a_report() -> None:
    told = report(JournalContents(None, (), (), None))
    assert told.facts["cells"] == "0 evaluated, 0 could not be"
    assert not told.sections


def test_what_went_wrong_comes_first() -> None:
    failed = TestRecord("a-d-v-cpu", "e", "t.py::t[a]", "failed", 0.1, "GateError", (BREACH,))
    broken = cell("b", error="ValueError: no", metrics={})
    odd = cell("c", float("nan"), notes=("weights were not used",))
    contents = ran(cell(), broken, odd, tests=(failed,))
    assert titles(contents) == ["What failed", "Gates", "e: d, v", "Notes", "Why trials were reused or run"]
    first, gates, *_ = report(contents).sections
    assert first.lines == ["failed: e: b-d-v-cpu: ValueError: no", "not finite: e: c-d-v-cpu: accuracy"]
    assert [row["verdict"] for row in gates.rows] == ["breach"]


def test_a_test_that_failed_by_itself_is_told_with_its_reason() -> None:
    failed = TestRecord("a-d-v-cpu", "e", "t.py::t[a]", "failed", 0.1, "AssertionError: slow\nassert 1 < 0")
    (first, *_) = report(ran(cell(), tests=(failed,))).sections
    assert first.lines == ["failed: t.py::t[a]: AssertionError: slow"]


def test_what_was_skipped_is_counted_by_reason() -> None:
    tests = [TestRecord(name, "e", "t.py::t", "skipped", 0.0, "no CUDA device here") for name in ("a", "b", "b")]
    (section, *_) = report(ran(cell(), tests=tuple(tests))).sections
    assert (section.title, section.lines) == ("What did not run", ["2 cells: no CUDA device here"])


def test_the_facts_say_what_ran_and_how_it_ended() -> None:
    facts = report(ran(cell(), end=EndRecord(SESSION.started + 61_000, "FAILED"))).facts
    assert facts["session"] == "20260101-000000-abcdef (mlexp reproduce 20260101-000000-abcdef runs it again)"
    assert facts["began"] == "2026-01-01 00:00 UTC"
    assert facts["ended"] == "failed, after 61 s"
    assert facts["command"] == "pytest -k 'a b'"
    assert facts["commit"] == "not recorded"
    assert report(ran(cell())).facts["ended"] == "not yet, or it was killed"
