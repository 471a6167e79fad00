"""The process beside the tests: it mirrors while they run, is not waited for in vain, and dies with the session."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from pytest_mlexp.records import EndRecord, TestRecord
from pytest_mlexp.tracking.beside import Ready, needs_this_process
from pytest_mlexp.tracking.environment import capture
from pytest_mlexp.tracking.journal import read
from pytest_mlexp.tracking.recorder import Recorder, ahead
from pytest_mlexp.tracking.sync import sync
from tests.tracking.rest import Rest

if TYPE_CHECKING:
    from tests.tracking.conftest import Store

PATIENCE = 120.0


def start(store: Store, uri: str | None = None, ready: Ready | None = None) -> Recorder:
    environment = capture(store.root, ["pytest"])
    return Recorder(store.root, tracking_uri=uri, environment=environment, started=time.time(), ready=ready)


def write(recorder: Recorder, store: Store, name: str = "forest-cpu") -> None:
    recorder.cell(store.cell(name), {"predictions.parquet": b"PAR1"})
    recorder.test(TestRecord(name, "churn", f"test_quality[{name}]", "passed", 0.5))


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def process_of(recorder: Recorder) -> psutil.Process:
    assert recorder._beside is not None
    return psutil.Process(recorder._beside._process.process.pid)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_runs_are_written_while_tests_go_on_and_a_server_that_dies_is_found_again(store: Store) -> None:
    rest, port = Rest(store.root / "files"), free_port()
    with rest.serve(port) as uri:
        recorder = start(store, uri)
        write(recorder, store, "a")
        until(lambda: rest.named().get("a") == ["FINISHED"])
        assert rest.named()[recorder.session] == ["RUNNING"]
        write(recorder, store, "b")
        until(lambda: "b" in rest.named())
    write(recorder, store, "c")
    calls = rest.calls.total()
    time.sleep(0.3)
    assert rest.calls.total() == calls
    with rest.serve(port):
        until(lambda: rest.named().get("c") == ["FINISHED"])
        done = recorder.finish(EndRecord.now("FINISHED"))
    assert done is not None
    assert (done.failed, done.runs_written) == (None, 4)
    assert rest.named() == {name: ["FINISHED"] for name in ("a", "b", "c", recorder.session)}


def test_an_answer_that_is_lost_doubles_no_run(store: Store) -> None:
    rest = Rest(store.root / "files", lost=["runs/create", "runs/update"])
    with rest.serve() as uri:
        recorder = start(store, uri)
        for name in ("a", "b"):
            write(recorder, store, name)
        until(lambda: not rest.lost)
        done = recorder.finish(EndRecord.now("FINISHED"))
    assert done is not None
    assert done.failed is None
    assert rest.named() == {name: ["FINISHED"] for name in ("a", "b", recorder.session)}


@contextmanager
def refused(_: Store) -> Iterator[str]:
    yield f"http://127.0.0.1:{free_port()}"


@contextmanager
def mute(_: Store) -> Iterator[str]:
    with socket.socket() as there:
        there.bind(("127.0.0.1", 0))
        there.listen()
        yield f"http://127.0.0.1:{there.getsockname()[1]}"


@contextmanager
def slow(store: Store) -> Iterator[str]:
    with Rest(store.root / "files", delay=60.0).serve() as uri:
        yield uri


@contextmanager
def locked(store: Store) -> Iterator[str]:
    with closing(sqlite3.connect(store.root / ".mlexp" / "mlflow.db")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield store.uri


@pytest.mark.parametrize("fault", [refused, mute, slow, locked])
def test_a_broken_store_is_left_and_what_is_missing_is_told_and_synced(store: Store, fault: Any) -> None:
    with fault(store) as uri:
        recorder = start(store, uri)
        write(recorder, store)
        process = process_of(recorder)
        done = recorder.finish(EndRecord.now("FINISHED"))  # returns while the fault lasts
        assert not process.is_running()
    assert done is not None
    assert (done.failed or "").startswith("MLflow holds 0 of 1 cells: ")
    assert "nothing is lost, `mlexp sync` writes it from the journal" in (done.failed or "")
    assert sync(store.root, store.uri)[recorder.session].runs_written == 2
    assert set(store.runs()) == {"forest-cpu", recorder.session}


def test_a_store_that_answers_errors_is_told_with_them(store: Store) -> None:
    missing = frozenset({"experiments/get-by-name"})
    with Rest(store.root / "files", missing=missing).serve() as uri:
        recorder = start(store, uri)
        write(recorder, store)
        done = recorder.finish(EndRecord.now("FINISHED"))
    assert done is not None
    assert "ENDPOINT_NOT_FOUND" in (done.failed or "")


def test_a_killed_session_is_ended_in_mlflow_by_the_next_one(store: Store) -> None:
    store.write(store.session, store.cell("a"))
    (store.root / ".mlexp" / "sessions" / "s1" / "writer.lock").touch()  # free, and nobody took it away
    recorder = start(store)
    write(recorder, store, "b")
    done = recorder.finish(EndRecord.now("FINISHED"))
    assert done is not None
    assert (done.failed, done.notes) == (None, ())
    statuses = {name: run.info.status for name, run in store.runs().items()}
    assert statuses == {"s1": "KILLED", "a": "FINISHED", recorder.session: "FINISHED", "b": "FINISHED"}


@pytest.mark.parametrize("moment", ["importing", "idle"])
def test_it_dies_with_the_session(store: Store, moment: str) -> None:
    script = f"""
        import sys, time
        from pathlib import Path
        from tests.tracking.conftest import Store
        from tests.tracking.test_beside import process_of, start, until, write
        store = Store(Path({str(store.root)!r}))
        recorder = start(store)
        write(recorder, store)
        if {moment!r} == "idle":
            until(lambda: store.client.get_experiment_by_name("churn") and "forest-cpu" in store.runs())
        print(process_of(recorder).pid, recorder.session, flush=True)
        time.sleep(600)
    """
    root = str(Path(__file__).parents[2])
    session = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=root, stdout=subprocess.PIPE, text=True
    )
    assert session.stdout is not None
    pid, name = session.stdout.readline().split()
    beside = psutil.Process(int(pid))
    session.send_signal(signal.SIGKILL)
    session.wait()
    session.stdout.close()
    beside.wait(PATIENCE)
    sync(store.root, None)
    assert {run.info.status for run in store.runs().values()} == {"KILLED", "FINISHED"}
    end = read(store.root / ".mlexp" / "sessions" / name).end
    assert end is not None
    assert (end.status, end.ended) == ("KILLED", max(3_000, read_started(store, name)))


def read_started(store: Store, name: str) -> int:
    session = read(store.root / ".mlexp" / "sessions" / name).session
    assert session is not None
    return session.started


def test_it_may_be_started_ahead_and_learns_what_is_set_meanwhile(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = Rest(store.root / "files")
    monkeypatch.delenv("MLFLOW_TRACKING_TOKEN", raising=False)
    with rest.serve() as uri:
        ready = ahead(store.root, uri)
        assert ready is not None
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "set-later")
        monkeypatch.delenv("PATH")
        assert ready.changes() == {"MLFLOW_TRACKING_TOKEN": "set-later", "PATH": None}
        recorder = start(store, uri, ready)
        write(recorder, store)
        assert process_of(recorder).pid == ready.process.pid
        done = recorder.finish(EndRecord.now("FINISHED"))
    assert done is not None
    assert (done.failed, done.runs_written) == (None, 2)
    assert "Bearer set-later" in rest.headers


def test_one_that_gets_no_order_ends_with_its_pipe(store: Store) -> None:
    ready = ahead(store.root, None)
    assert ready is not None
    ready.close()
    ready.process.wait(PATIENCE)


def test_the_embedded_store_is_one_whole_file_when_the_session_is_over(store: Store) -> None:
    recorder = start(store)
    write(recorder, store)
    recorder.finish(EndRecord.now("FINISHED"))
    assert [path.name for path in (store.root / ".mlexp").glob("mlflow.db*")] == ["mlflow.db"]


@pytest.mark.skipif(os.name != "posix", reason="groups of processes")
def test_ctrl_c_does_not_reach_it(store: Store) -> None:
    recorder = start(store, "http://127.0.0.1:1")
    write(recorder, store)
    process = process_of(recorder)
    assert os.getpgid(process.pid) != os.getpgid(os.getpid())
    recorder.finish(EndRecord.now("KILLED"))


def test_credentials_are_in_no_list_of_processes_and_in_no_file(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    address = f"http://bob:s3cret@127.0.0.1:{free_port()}"
    environment = capture(store.root, ["pytest", f"--mlexp-tracking-uri={address}", "--api-key", "k3y"])
    recorder = Recorder(store.root, tracking_uri=address, environment=environment, started=time.time())
    write(recorder, store)
    process = process_of(recorder)
    shown = " ".join([*process.cmdline(), *map(str, process.environ().items())])
    done = recorder.finish(EndRecord.now("FINISHED"))
    assert done is not None
    written = b"".join(path.read_bytes() for path in recorder.folder.rglob("*") if path.is_file())
    for secret in ("s3cret", "k3y"):
        assert secret not in shown
        assert secret.encode() not in written
        assert secret not in str(done)


@pytest.mark.parametrize(
    ("uri", "runtime", "expected"),
    [("databricks", "15.4", True), ("databricks", None, False), ("https://host", "15.4", False)],
)
def test_a_login_that_lives_in_a_notebook_stays_there(uri: str, runtime: str | None, expected: bool) -> None:
    assert needs_this_process(uri, {"DATABRICKS_RUNTIME_VERSION": runtime} if runtime else {}) is expected
