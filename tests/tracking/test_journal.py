from __future__ import annotations

import json
import math
import os
import zlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.records import (
    CellRecord,
    ContinuedRecord,
    DatasetRecord,
    EndRecord,
    SessionRecord,
    Summary,
    TestRecord,
)
from pytest_mlexp.tracking import journal as module
from pytest_mlexp.tracking.journal import FILE_NAME, Journal, JournalContents, JournalReader, read
from pytest_mlexp.tracking.lines import JournalRecord, to_line
from pytest_mlexp.verdicts import Verdict
from tests.tracking.conftest import flip_bit

SESSION = SessionRecord("s1", 1, ("pytest", "--mlexp"), environment={"digest": "d", "nested": {"a": [1, None]}})
END = EndRecord(9, "FINISHED")


def make_cell(name: str = "c", mean: float = 0.5) -> CellRecord:
    metric = Summary("auc", (mean, 0.25), mean, 0.1, True)
    return CellRecord(
        name, "churn", "forest", DatasetRecord("telco"), "roc", "cpu", seeds=(0, 1), metrics={"auc": metric}
    )


def make_test(cell: str = "c") -> TestRecord:
    verdicts = (Verdict("auc", "auc", "breach", "0.5 < 0.8", 0.5),)
    return TestRecord(cell, "churn", f"test_quality[{cell}]", "failed", 0.5, "low", verdicts)


FOUND = replace(make_cell(), found=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ".mlexp" / "sessions" / "s1"


def test_what_was_appended_is_read_back(folder: Path) -> None:
    with Journal(folder) as journal:
        for record in (SESSION, make_cell("a"), make_cell("b"), make_test("a"), END):
            journal.append(record)
    assert read(folder) == JournalContents(SESSION, (make_cell("a"), make_cell("b")), (make_test("a"),), END)


def test_numbers_json_cannot_hold_come_back(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.append(make_cell("nan", math.nan))
        journal.append(make_cell("inf", -math.inf))
    nan, inf = read(folder).cells
    assert math.isnan(nan.metrics["auc"].mean)
    assert inf.metrics["auc"].mean == -math.inf


def test_a_record_is_one_write_of_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[bytes] = []
    with Journal(folder) as journal:
        real = os.write

        def seen(file: int, data: bytes) -> int:
            writes.append(data)
            return real(file, data)

        monkeypatch.setattr(os, "write", seen)
        journal.append(make_cell("line\nbreak"))
    assert len(writes) == 1
    assert writes[0].count(b"\n") == 1
    line = json.loads(writes[0])
    assert (line["format"], line["kind"], line["data"]["cell"]) == (1, "cell", "line\nbreak")
    assert zlib.crc32(writes[0].split(b'"data":', 1)[1][:-2]) == line["crc"]


@pytest.mark.parametrize("can_wait", [False, True])
@pytest.mark.parametrize("record", [SESSION, make_cell(), FOUND, make_test(), END])
def test_a_record_is_durable_on_return_but_for_one_that_can_wait(
    folder: Path, monkeypatch: pytest.MonkeyPatch, record: JournalRecord, can_wait: bool
) -> None:
    calls: list[int] = []
    with Journal(folder) as journal:
        monkeypatch.setattr(module, "_sync", calls.append)
        journal.append(record, can_wait=can_wait)
        assert len(calls) == (not can_wait)


@pytest.mark.parametrize("ends", [True, False])
def test_what_could_wait_is_durable_before_the_next_record_that_is(
    folder: Path, monkeypatch: pytest.MonkeyPatch, ends: bool
) -> None:
    calls: list[str] = []
    with Journal(folder) as journal:
        monkeypatch.setattr(module, "sync_path", lambda path: calls.append(path.name))
        monkeypatch.setattr(module, "_sync", lambda file: calls.append("journal"))
        for name in ("a", "b"):
            journal.write_artifact(f"cells/{name}", b"...", can_wait=True)
            journal.append(FOUND, can_wait=True)
        assert calls == []
        if not ends:
            journal.append(make_cell("c"))
            assert sorted(calls[:2]) == ["a", "b"]
            assert calls[2:] == ["journal"]
    assert calls[-1] == "journal"
    assert sorted(calls[:2]) == ["a", "b"]


def test_an_artifact_that_was_removed_meanwhile_holds_nothing_up(folder: Path) -> None:
    with Journal(folder) as journal:
        (folder / journal.write_artifact("a", b"...", can_wait=True)).unlink()
        journal.append(make_cell())
    assert len(read(folder).cells) == 1


def test_of_two_records_of_a_cell_the_later_counts(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.append(make_cell("a", 0.1))
        journal.append(make_cell("a", 0.9))
    (cell,) = read(folder).cells
    assert cell.metrics["auc"].mean == 0.9


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_journal_cut_anywhere_keeps_every_whole_line(tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / "cut"
    folder.mkdir(exist_ok=True)
    records: list[JournalRecord] = [SESSION, make_cell("a"), make_cell("b")]
    lines = [to_line(record) for record in records]
    cut = data.draw(st.integers(0, sum(map(len, lines))))
    (folder / FILE_NAME).write_bytes(b"".join(lines)[:cut])
    whole = sum(cut >= sum(map(len, lines[: n + 1])) - 1 for n in range(len(lines)))
    contents = read(folder)
    assert (contents.session is not None) + len(contents.cells) == whole
    assert contents.damage is None


def test_a_journal_opened_again_after_a_torn_line_loses_only_that_line(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.append(SESSION)
        journal.append(make_cell("torn"))
    path = folder / FILE_NAME
    path.write_bytes(path.read_bytes()[:-20])
    with Journal(folder) as journal:
        journal.append(make_cell("next"))
        journal.append(END)
    contents = read(folder)
    assert [cell.cell for cell in contents.cells] == ["next"]
    assert (contents.session, contents.end, contents.damage) == (SESSION, END, None)


def test_a_whole_line_that_lost_only_its_end_is_kept_when_the_journal_is_opened_again(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.append(make_cell("a"))
    path = folder / FILE_NAME
    path.write_bytes(path.read_bytes()[:-1])
    with Journal(folder) as journal:
        journal.append(make_cell("b"))
    assert [cell.cell for cell in read(folder).cells] == ["a", "b"]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bit_flips_unnoticed(tmp_path: Path, data: st.DataObject) -> None:
    folder = tmp_path / "flipped"
    folder.mkdir(exist_ok=True)
    records: list[JournalRecord] = [SESSION, make_cell("a"), make_test("a"), END]
    whole = b"".join(to_line(record) for record in records)
    (folder / FILE_NAME).write_bytes(whole)
    before = read(folder)
    bit = data.draw(st.integers(0, 8 * len(whole) - 1))
    flipped = bytearray(whole)
    flipped[bit // 8] ^= 1 << bit % 8
    (folder / FILE_NAME).write_bytes(flipped)
    with suppress(TrackingError):  # it may be the bit that makes it a later format
        after = read(folder)
        assert after.damage is not None or after == before


def test_a_damaged_line_is_told_with_its_number(folder: Path) -> None:
    with Journal(folder) as journal:
        for record in (make_cell("a", 0.125), make_cell("b"), *[make_cell("c", 0.125)] * 9):
            journal.append(record)
    path = folder / FILE_NAME
    flip_bit(path, b"0.125")
    contents = read(folder)
    assert [cell.cell for cell in contents.cells] == ["b", "c"]
    assert contents.damage == (f"line 1 of {path} is damaged: it does not fit its checksum, and counts as not there")
    path.write_bytes(path.read_bytes().replace(b"0.125", b"0.925"))
    contents = read(folder)
    assert [cell.cell for cell in contents.cells] == ["b"]
    assert contents.damage == (
        f"10 lines of {path} are damaged (1, 3, 4, 5, 6, 7, 8, 9, ...): they do not fit their checksums, and count as "
        "not there"
    )


@pytest.mark.parametrize("junk", [b"\xff\xfe\n", b"[]\n", b"{}\n", b'{"format":1,"kind":"x","crc":0,"data":1}\n'])
def test_junk_is_damage(folder: Path, junk: bytes) -> None:
    with Journal(folder) as journal:
        journal.append(SESSION)
    with (folder / FILE_NAME).open("ab") as file:
        file.write(junk)
    assert read(folder).session == SESSION
    assert str(read(folder).damage).startswith("line 2 of ")


def test_a_later_format_is_refused_by_the_version_that_wrote_it(folder: Path) -> None:
    folder.mkdir(parents=True)
    data = b'{"later":true,"environment":{"packages":{"pytest-mlexp":"9.1"}}}'
    line = b'{"format":2,"kind":"session","crc":%d,"data":%s}\n' % (zlib.crc32(data), data)
    (folder / FILE_NAME).write_bytes(line)
    with pytest.raises(TrackingError, match=r"journal\.jsonl:1 is in journal format 2, written by pytest-mlexp 9\.1"):
        read(folder)


def test_a_missing_journal_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match=r"no journal can be read at .*journal\.jsonl"):
        read(tmp_path)


def test_a_full_disk_is_named_and_the_next_line_stays_readable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Journal(folder) as journal:
        real = os.write
        monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:10]))
        with pytest.raises(TrackingError, match=r"cannot write .*may be full"):
            journal.append(SESSION)
        monkeypatch.undo()
        journal.append(make_cell("after"))
    assert [cell.cell for cell in read(folder).cells] == ["after"]


def test_an_artifact_is_whole_under_its_name_and_leaves_no_other_file(folder: Path) -> None:
    with Journal(folder) as journal:
        assert journal.write_artifact("cell/predictions.parquet", b"one") == "cell/predictions.parquet"
        journal.write_artifact("cell/predictions.parquet", b"two")
    assert (folder / "cell" / "predictions.parquet").read_bytes() == b"two"
    assert len(list((folder / "cell").iterdir())) == 1


def test_an_artifact_that_cannot_be_written_leaves_no_part_of_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError("No space left on device")

    with Journal(folder) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(module, "_sync", full)
            with pytest.raises(TrackingError, match="No space left"):
                journal.write_artifact("cell/predictions.parquet", b"one")
        assert list((folder / "cell").iterdir()) == []


@pytest.mark.parametrize("name", ["", "../out", "/abs", FILE_NAME])
def test_an_artifact_cannot_leave_the_folder_or_replace_the_journal(folder: Path, name: str) -> None:
    with Journal(folder) as journal, pytest.raises(TrackingError, match="relative path inside"):
        journal.write_artifact(name, b"")


def test_git_does_not_see_the_state_folder(folder: Path) -> None:
    Journal(folder).close()
    assert (folder.parents[1] / ".gitignore").read_text() == "*\n"


def test_a_growing_journal_is_read_on_and_a_line_on_its_way_is_waited_for(folder: Path) -> None:
    with Journal(folder) as journal:
        journal.append(SESSION)
        reader = JournalReader(folder)
        assert reader.contents().cells == ()
        line = to_line(make_cell("a"))
        with (folder / FILE_NAME).open("ab") as file:
            file.write(line[:30])
            file.flush()
            assert (reader.contents().cells, reader.contents().damage) == ((), None)
            file.write(line[30:])
        journal.append(END)
    contents = reader.contents()
    assert ([cell.cell for cell in contents.cells], contents.damage, contents.end) == (["a"], None, END)
    assert contents == read(folder)


def test_a_session_that_goes_on_has_no_end_any_more(folder: Path) -> None:
    with Journal(folder) as journal:
        for record in (SESSION, END, ContinuedRecord(5)):
            journal.append(record)
    assert (read(folder).end, read(folder).continued) == (None, 1)
