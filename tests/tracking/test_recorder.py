from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mlexp.records import EndRecord, TestRecord
from pytest_mlexp.tracking import journal as journal_module
from pytest_mlexp.tracking import recorder as module
from pytest_mlexp.tracking.beside import Beside
from pytest_mlexp.tracking.environment import capture
from pytest_mlexp.tracking.journal import read
from pytest_mlexp.tracking.recorder import Recorder

if TYPE_CHECKING:
    from tests.tracking.conftest import Store


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "needs_this_process", lambda _: True)


def recorder(store: Store, **changes: Any) -> Recorder:
    environment = capture(store.root, ["pytest", "--mlexp", "--api-token=sesame"])
    options = {"tracking_uri": None, "environment": environment, "started": 1_700_000_000.5}
    return Recorder(store.root, **{**options, **changes})


def test_a_session_is_journalled_then_mirrored(store: Store) -> None:
    session = recorder(store)
    session.cell(store.cell(), {"predictions.parquet": b"PAR1"})
    session.test(TestRecord("forest-cpu", "churn", "test_quality[forest-cpu]", "passed", 0.5))
    done = session.finish(EndRecord.now("FINISHED"))
    assert done is not None
    assert (done.failed, done.runs_written) == (None, 2)
    journal = read(session.folder)
    assert journal.session is not None
    assert journal.session.started == 1_700_000_000_500
    assert "sesame" not in str(journal.session)
    runs = store.runs()
    assert store.artifact(runs["forest-cpu"], "predictions.parquet") == b"PAR1"
    assert runs["forest-cpu"].data.tags["mlexp.outcome"] == "passed"
    assert session.trouble is None


def test_a_cell_that_came_twice_is_written_once(store: Store) -> None:
    session = recorder(store)
    session.cell(store.cell(), {"a": b"first"})
    session.cell(store.cell(), {"a": b"second"})
    session.finish(EndRecord.now("FINISHED"))
    (cell,) = read(session.folder).cells
    assert (session.folder / cell.artifacts["a"]).read_bytes() == b"first"


def test_without_a_cell_no_process_is_started(unused: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Beside", lambda *_: pytest.fail("started"))
    assert recorder(unused).finish(EndRecord.now("FINISHED")) is None


def test_a_run_that_becomes_active_meanwhile_is_the_parent(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    outer = store.client.create_run(store.client.create_experiment("outer"))
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    session = recorder(store)
    monkeypatch.setenv("MLFLOW_RUN_ID", outer.info.run_id)
    session.cell(store.cell(), {})
    session.finish(EndRecord.now("FINISHED"))
    assert store.runs()["forest-cpu"].data.tags["mlflow.parentRunId"] == outer.info.run_id


def test_a_folder_that_cannot_be_made_stops_nobody(unused: Store) -> None:
    unused.root.joinpath(".mlexp").write_text("a file is in the way")
    session = recorder(unused)
    session.cell(unused.cell(), {"a": b"x"})
    done = session.finish(EndRecord.now("FINISHED"))
    assert session.trouble is not None
    assert "cannot write" in session.trouble
    assert done is not None
    assert done.failed is not None


def test_a_full_disk_stops_nobody_and_keeps_what_came_before(store: Store) -> None:
    script = textwrap.dedent(f"""
        import resource, signal, sys, time
        from pathlib import Path
        sys.path.insert(0, {str(Path.cwd())!r})
        from pytest_mlexp.records import CellRecord, DatasetRecord, EndRecord
        from pytest_mlexp.tracking.environment import capture
        from pytest_mlexp.tracking.recorder import Recorder

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        root = Path({str(store.root)!r})
        session = Recorder(root, tracking_uri=None, environment=capture(root, []), started=time.time())
        session.cell(CellRecord("a", "churn", "m", DatasetRecord("d"), "e", "cpu"), {{}})
        resource.setrlimit(resource.RLIMIT_FSIZE, (session._journal.path.stat().st_size + 10, resource.RLIM_INFINITY))
        session.cell(CellRecord("b", "churn", "m", DatasetRecord("d"), "e", "cpu"), {{}})
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        session.cell(CellRecord("c", "churn", "m", DatasetRecord("d"), "e", "cpu"), {{}})
        done = session.finish(EndRecord.now("FINISHED"))
        print(session.folder)
        print(session.trouble)
        sys.exit(done.failed)
    """)
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    folder, trouble = run.stdout.splitlines()
    assert "cannot write" in trouble
    assert [cell.cell for cell in read(Path(folder)).cells] == ["a", "c"]
    assert {"a", "c"} < set(store.runs())


def test_a_disk_that_was_full_at_first_costs_only_what_came_then(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda file, data: real(file, data[:10]))
    session = recorder(store)
    session.cell(store.cell("before"), {})
    monkeypatch.undo()
    monkeypatch.setattr(module, "needs_this_process", lambda _: True)
    session.cell(store.cell("after"), {})
    done = session.finish(EndRecord.now("FINISHED"))
    assert done is not None
    assert (done.failed, done.runs_written) == (None, 2)
    assert [cell.cell for cell in read(session.folder).cells] == ["after"]
    assert "cannot write" in (session.trouble or "")
    assert "after" in store.runs()


def test_a_disk_that_fails_at_the_very_end_stops_nobody(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: int) -> None:
        raise OSError("input/output error")

    session = recorder(store)
    session.cell(store.cell(), {})
    session._append(EndRecord(9_000, "FINISHED"))
    monkeypatch.setattr(session, "_append", lambda _: None)
    monkeypatch.setattr(journal_module, "_sync", broken)
    done = session.finish(EndRecord.now("FINISHED"))
    assert done is not None
    assert (done.failed, done.runs_written) == (None, 2)
    assert "cannot write" in (session.trouble or "")


def test_sessions_that_start_in_the_same_second_do_not_meet(unused: Store) -> None:
    now = time.time()
    assert recorder(unused, started=now).folder != recorder(unused, started=now).folder


def test_a_cell_with_a_very_long_name_keeps_its_files(store: Store) -> None:
    names = ["-".join([letter * 100] * 4) for letter in "ab"]
    session = recorder(store)
    for name in names:
        session.cell(store.cell(name), {"a": name.encode()})
    session.finish(EndRecord.now("FINISHED"))
    assert session.trouble is None
    cells = read(session.folder).cells
    assert [(session.folder / cell.artifacts["a"]).read_text() for cell in cells] == names


def test_the_store_of_an_active_run_is_the_one_to_write_to(
    store: Store, tmp_path_factory: pytest.TempPathFactory
) -> None:
    import mlflow

    other = tmp_path_factory.mktemp("other")
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store.uri)
    try:
        with mlflow.start_run(run_name="nightly") as outer:
            environment = capture(other, [])
            session = Recorder(other, tracking_uri=None, environment=environment, started=time.time())
            session.cell(store.cell(), {})
            session.finish(EndRecord.now("FINISHED"))
    finally:
        mlflow.set_tracking_uri(before)
    assert session.uri == store.uri
    assert store.runs()["forest-cpu"].data.tags["mlflow.parentRunId"] == outer.info.run_id


def test_a_parent_that_the_store_does_not_have_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    session = recorder(store)
    session.cell(store.cell(), {})
    done = session.finish(EndRecord.now("FINISHED"))
    assert done is not None
    assert (done.failed, done.parent_missing) == (None, "0" * 32)


def test_an_interrupted_mirror_leaves_it_to_the_journal(unused: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "needs_this_process", lambda _: False)
    monkeypatch.setattr(Beside, "_wait", interrupted)
    session = recorder(unused)
    session.cell(unused.cell(), {})
    done = session.finish(EndRecord.now("KILLED"))
    assert done is not None
    assert (done.failed or "").startswith("MLflow holds 0 of 1 cells: interrupted; nothing is lost, `mlexp sync`")
