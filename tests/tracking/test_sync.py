from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_mlexp.cli import main
from pytest_mlexp.errors import TrackingError
from pytest_mlexp.records import SessionRecord, TestRecord
from pytest_mlexp.tracking.journal import FILE_NAME
from pytest_mlexp.tracking.sync import sync
from tests.tracking.conftest import flip_bit

if TYPE_CHECKING:
    from pathlib import Path

    from tests.tracking.conftest import Store


def test_every_session_that_mlflow_does_not_hold_is_written_once(store: Store) -> None:
    for name in ("s1", "s2"):
        session = SessionRecord(name, 1_000, ("pytest",), tracking_uri="http://127.0.0.1:1")
        store.write(session, store.cell(f"{name}-cell"), store.end, session=name)
    first, second = sync(store.root, store.uri), sync(store.root, store.uri)
    assert [(done.failed, done.runs_written) for done in first.values()] == [(None, 2)] * 2
    assert [(done.failed, done.runs_written) for done in second.values()] == [(None, 0)] * 2
    assert set(store.runs()) == {"s1", "s1-cell", "s2", "s2-cell"}


def test_without_an_address_a_session_goes_where_it_was_meant_to(store: Store) -> None:
    store.write(store.session, store.cell(), store.end)
    assert sync(store.root, None)["s1"].runs_written == 2


def test_the_command_tells_what_it_did(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    store.write(store.session, store.cell(), store.end)
    monkeypatch.chdir(store.root)
    assert main(["sync", "--tracking-uri", "http://127.0.0.1:1"]) == 1
    assert "does not hold this session" in capsys.readouterr().out
    assert main(["sync"]) == 0
    assert capsys.readouterr().out == "s1: 2 runs written, 0 were there\n"
    assert main(["sync"]) == 0
    assert capsys.readouterr().out == "1 session was there already\n"
    assert main(["sync", "--tracking-uri", "nowhere"]) == 2
    assert "no address of an MLflow store" in capsys.readouterr().err


def test_an_address_that_is_dead_names_the_option_for_another_one(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = SessionRecord("s1", 1_000, ("pytest",), tracking_uri="http://127.0.0.1:1")
    store.write(session, store.cell(), store.end)
    monkeypatch.chdir(store.root)
    assert main(["sync"]) == 1
    assert "--tracking-uri=URI names another one" in capsys.readouterr().out


def test_a_damaged_line_is_told_and_what_mlflow_holds_stays(
    store: Store, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = TestRecord("low", "churn", "test_it[low]", "failed", 0.5, "too low")
    folder = store.write(store.session, store.cell(), store.cell("low"), failed, store.end)
    monkeypatch.chdir(store.root)
    assert main(["sync"]) == 0
    capsys.readouterr()
    for where in (b'"cell":"forest-cpu"', b'"test_it[low]"', b"FINISHED"):
        flip_bit(folder / FILE_NAME, where)
    store.write(SessionRecord("s2", 1_000, ("pytest",)), store.cell("other"), session="s2")
    assert main(["sync"]) == 1
    told, whole, advice = capsys.readouterr().out.splitlines()
    damage = f"3 lines of {folder / FILE_NAME} are damaged (2, 4, 5): they do not fit their checksums"
    assert told == f"s1: 0 runs written, 2 were there; {damage}, and count as not there"
    assert whole == "s2: 2 runs written, 0 were there"
    assert "restored from a backup" in advice
    runs = store.runs()
    assert (runs["s1"].info.status, runs["low"].info.status) == ("FINISHED", "FAILED")


def test_a_session_whose_beginning_is_damaged_is_not_mirrored_and_says_what_mlflow_holds_of_it(store: Store) -> None:
    folder = store.write(store.session, store.cell(), store.cell("low"), store.end)
    journal = (folder / FILE_NAME).read_bytes()
    flip_bit(folder / FILE_NAME, b"c0ffee")
    unheld = sync(store.root, store.uri)["s1"]
    assert str(unheld.failed).startswith("MLflow does not hold this session, and its journal has lost what ")
    (folder / FILE_NAME).write_bytes(journal)
    assert sync(store.root, store.uri)["s1"].runs_written == 3
    flip_bit(folder / FILE_NAME, b"c0ffee")
    held = sync(store.root, store.uri)["s1"]
    assert (held.failed, held.runs_written, held.runs_already_there) == (None, 0, 3)
    unasked = sync(store.root, "gopher://nothing")["s1"]
    assert str(unasked.failed).startswith("MLflow at gopher://nothing: ")
    assert all(str(done.damage).startswith("line 1 of ") for done in (unheld, held, unasked))


def test_a_session_that_was_killed_while_it_wrote_is_not_damaged(store: Store) -> None:
    folder = store.write(store.session, store.cell(), store.cell("b"))
    journal = folder / FILE_NAME
    journal.write_bytes(journal.read_bytes()[:-20])
    done = sync(store.root, store.uri)["s1"]
    assert (done.failed, done.damage, done.runs_written) == (None, None, 2)


def test_a_journal_of_a_later_format_holds_up_no_other(store: Store) -> None:
    journal = store.write(store.session, store.cell(), session="s1") / FILE_NAME
    journal.write_bytes(journal.read_bytes().replace(b'{"format":1', b'{"format":7'))
    store.write(SessionRecord("s2", 1_000, ("pytest",)), store.cell(), session="s2")
    done = sync(store.root, None)
    assert "is in journal format 7" in str(done["s1"].failed)
    assert (done["s2"].failed, done["s2"].runs_written) == (None, 2)


def test_a_folder_without_sessions_says_where_to_start(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="no session is recorded under"):
        sync(tmp_path, None)
