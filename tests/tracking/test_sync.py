from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_mlexp.cli import main
from pytest_mlexp.errors import TrackingError
from pytest_mlexp.records import SessionRecord
from pytest_mlexp.tracking.sync import sync

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


def test_a_folder_without_sessions_says_where_to_start(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match="no session is recorded under"):
        sync(tmp_path, None)
