"""Records of cells that were found in the store: their session does not wait for the disk, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from pytest_mlexp.records import CellRecord, EndRecord, TestRecord, to_dict
from pytest_mlexp.tracking import journal as journal_module
from pytest_mlexp.tracking import recorder as recorder_module
from pytest_mlexp.tracking import settling as module
from pytest_mlexp.tracking._mlflow.session import SessionMirror
from pytest_mlexp.tracking.environment import capture
from pytest_mlexp.tracking.git import GitState
from pytest_mlexp.tracking.journal import FILE_NAME, Journal, read
from pytest_mlexp.tracking.mirrored import Order
from pytest_mlexp.tracking.recorder import Recorder
from pytest_mlexp.tracking.settling import Settling

if TYPE_CHECKING:
    from tests.tracking.conftest import Store

FILES = {"predictions.parquet": b"PAR1"}


def start(store: Store) -> Recorder:
    """Open the same session again where the one before was killed."""
    git = GitState("c0ffee", "main", dirty=False, diff="", untracked=())
    environment = replace(capture(store.root, ["pytest", "--mlexp"]), git=git, digest="e" * 16)
    return Recorder(store.root, tracking_uri=store.uri, environment=environment, started=time.time())


def found(store: Store, name: str, **changes: Any) -> CellRecord:
    return store.cell(name, found=True, **changes)


def stand_by(recorder: Recorder, *, alive: bool = True) -> None:
    recorder._beside = SimpleNamespace(is_alive=lambda: alive)  # type: ignore[assignment]


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are made durable from beside."""
    names: list[str] = []
    monkeypatch.setattr(module, "sync_path", lambda path: names.append(path.name))
    return names


def test_what_grew_is_settled_once_artifacts_first(store: Store, synced: list[str]) -> None:
    folder = store.write(store.session)
    with Journal(folder) as journal:
        settling = Settling(folder)
        settling.settle()
        assert synced == [FILE_NAME]
        for name in ("a", "b"):
            artifacts = {"file": journal.write_artifact(f"cells/{name}", b"...", can_wait=True)}
            journal.append(found(store, name, artifacts=artifacts), can_wait=True)
        settling.settle()
        settling.settle()
        assert synced[1:] == ["a", "b", FILE_NAME]
        journal.append(TestRecord("a", "churn", "test[a]", "passed", 0.5), can_wait=True)
        settling.settle()
        assert synced[4:] == [FILE_NAME]
        journal.append(found(store, "a", artifacts=artifacts), can_wait=True)  # another result of the same cell
        settling.settle()
        assert synced[5:] == ["b", FILE_NAME]


def test_it_follows_until_the_session_has_ended(store: Store, synced: list[str]) -> None:
    folder, ended = store.write(store.session), threading.Event()
    follower = threading.Thread(target=Settling(folder).follow, args=(ended, 0.001))
    follower.start()
    deadline = time.monotonic() + 60
    while not synced and time.monotonic() < deadline:
        time.sleep(0.001)
    ended.set()
    follower.join(60)
    assert synced == [FILE_NAME]
    assert not follower.is_alive()


def test_a_disk_that_fails_for_a_while_ends_no_following(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, ended, calls = store.write(store.session), threading.Event(), list[str]()

    def full_at_first(path: Path) -> None:
        calls.append(path.name)
        if len(calls) < 3:
            raise OSError("the disk is full")
        ended.set()

    monkeypatch.setattr(module, "sync_path", full_at_first)
    follower = threading.Thread(target=Settling(folder).follow, args=(ended, 0.001))
    follower.start()
    follower.join(60)
    ended.set()
    assert calls == [FILE_NAME] * 3


@pytest.mark.parametrize("store_is", ["away", "mute"])
def test_what_a_killed_session_wrote_last_is_settled_once_more(store: Store, store_is: str) -> None:
    """Whether it leaves by itself before its next call, or has to be ended in one."""
    folder = store.write(store.session)
    script = """
        import sys, threading
        from pathlib import Path
        from pytest_mlexp.tracking import settling
        from pytest_mlexp.tracking._mlflow import beside
        settled = open(sys.argv[1], "a")
        settling.sync_path = lambda path: print(path.name, file=settled, flush=True)
        settling.Settling.follow = lambda *_: None  # between two of its looks
        beside._import_mlflow = lambda: None
        mute = sys.argv[2] == "mute"
        beside.GRACE = 0.2 if mute else 600
        beside.probe = lambda uri: threading.Event().wait() if mute else "refused"
        beside.main()
    """
    settled = store.root / "settled"
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script), str(settled), store_is],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
    )
    assert process.stdin is not None
    order = Order((str(folder),), (store.uri,), os.getpid())
    process.stdin.write(msgspec.json.encode(to_dict(order)) + b"\n")
    process.stdin.close()
    process.wait(60)
    assert settled.read_text() == f"{FILE_NAME}\n"


def test_a_journal_that_was_taken_away_ends_nothing(store: Store) -> None:
    Settling(store.root / "nowhere").settle()
    assert not (store.root / "nowhere").exists()


def test_mlflow_is_told_nothing_that_is_not_settled(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: Path) -> None:
        raise OSError("the disk is full")

    test = TestRecord("a", "churn", "test[a]", "passed", 0.5)
    folder = store.write(store.session, found(store, "a"), test)
    mirror = SessionMirror(folder, store.uri, settling=Settling(folder))
    monkeypatch.setattr(module, "sync_path", full)
    with pytest.raises(OSError, match="full"):
        mirror.step(final=False)
    assert store.client.get_experiment_by_name("churn") is None
    monkeypatch.undo()
    mirror.step(final=False)
    assert set(store.runs()) == {"s1", "a"}


@pytest.mark.parametrize("beside", ["none", "dead", "alive"])
def test_only_where_somebody_settles_a_found_cell_may_wait(
    store: Store, monkeypatch: pytest.MonkeyPatch, beside: str
) -> None:
    monkeypatch.setattr(recorder_module, "needs_this_process", lambda _: True)
    recorder = start(store)
    if beside != "none":
        stand_by(recorder, alive=beside == "alive")
    calls: list[int] = []
    monkeypatch.setattr(journal_module, "_sync", calls.append)
    recorder.cell(found(store, "a"), FILES)
    assert len(calls) == (0 if beside == "alive" else 2)
    recorder.cell(store.cell("b"), {})
    assert len(calls) >= 2


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9")
def test_a_session_killed_between_append_and_fsync_of_found_cells_loses_none(store: Store) -> None:
    script = f"""
        import os, signal
        from pathlib import Path
        from pytest_mlexp.tracking import journal, recorder
        from tests.tracking.conftest import Store
        from tests.tracking.test_settling import FILES, found, stand_by, start
        recorder.needs_this_process = lambda _: True
        store = Store(Path({str(store.root)!r}))
        session = start(store)
        stand_by(session)
        journal._sync = lambda file: os.kill(os.getpid(), signal.SIGKILL)
        for name in "ab":
            session.cell(found(store, name), FILES)
        session.cell(store.cell("c"), {{}})
    """
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], cwd=root, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    (folder,) = (store.root / ".mlexp" / "sessions").iterdir()
    journal = read(folder)
    assert ([cell.cell for cell in journal.cells], journal.damage) == (["a", "b", "c"], None)
    assert [(folder / cell.artifacts["predictions.parquet"]).read_bytes() for cell in journal.cells[:2]] == [
        b"PAR1"
    ] * 2
    again = start(store)
    assert again.folder == folder
    for name in "abc":
        again.cell(found(store, name), FILES)
    mirrored = again.finish(EndRecord.now("FINISHED"))
    assert mirrored is not None
    assert (mirrored.failed, mirrored.runs_written) == (None, 4)
    assert len(read(folder).cells) == 3
