from __future__ import annotations

import logging
import os
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mlexp.records import SessionRecord
from pytest_mlexp.tracking._mlflow import active_run_id, held, mirror, writer

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from tests.tracking.conftest import Store


def test_a_session_that_was_cut_off_is_killed(store: Store) -> None:
    mirror(store.write(store.session, store.cell()), store.uri)
    found = store.runs()
    assert (found["s1"].info.status, found["forest-cpu"].info.status) == ("KILLED", "FINISHED")


def test_mirroring_again_writes_nothing_new(store: Store) -> None:
    folder = store.write(store.session, store.cell("a"), store.cell("b", error="x"), store.end)
    mirror(folder, store.uri)
    before = {name: run.to_dictionary() for name, run in store.runs().items()}
    again = mirror(folder, store.uri)
    assert (again.runs_written, again.runs_already_there, again.failed) == (0, 3, None)
    assert {name: run.to_dictionary() for name, run in store.runs().items()} == before


def test_what_was_added_to_a_journal_is_added_to_the_mirror(store: Store) -> None:
    folder = store.write(store.session, store.cell("a"))
    mirror(folder, store.uri)
    mirror(store.write(store.cell("b"), store.end), store.uri)
    assert {name: run.info.status for name, run in store.runs().items()} == dict.fromkeys(("s1", "a", "b"), "FINISHED")


@pytest.mark.parametrize("whole", [None, 0, 1])
def test_of_runs_that_a_lost_answer_doubled_one_stays(store: Store, whole: int | None) -> None:
    client = store.client
    tags = {"mlexp.uid": "s1/churn/a", "mlexp.session": "s1"}
    experiment = client.create_experiment("churn")
    doubled = [client.create_run(experiment, tags=tags, run_name="a").info.run_id for _ in range(2)]
    if whole is not None:
        client.set_terminated(doubled[whole], "FINISHED")
    assert store.mirror_cells(store.cell("a")).failed is None
    found = store.runs()
    assert set(found) == {"s1", "a"}
    assert found["a"].info.status == "FINISHED"
    assert found["a"].data.metrics["auc"] == 0.5
    assert whole is None or found["a"].info.run_id == doubled[whole]


def test_runs_beyond_one_page_of_the_look_up_are_found(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "PAGE", 2)
    folder = store.write(store.session, *(store.cell(f"c{k}") for k in range(4)), store.end)
    mirror(folder, store.uri)
    assert mirror(folder, store.uri).runs_already_there == 5


@pytest.mark.parametrize("step", ["create_run", "log_inputs", "log_batch", "set_terminated"])
def test_a_run_left_running_by_a_killed_process_is_completed(store: Store, step: str) -> None:
    folder = store.write(store.session, store.cell("a"), store.cell("b"), store.end)
    script = f"""
        import os, warnings
        from pathlib import Path
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient
        from pytest_mlexp.tracking._mlflow import mirror

        real, calls = MlflowClient.{step}, []
        def die(*args, **kwargs):
            result = real(*args, **kwargs) if {step!r} != "set_terminated" else None
            calls.append(1)
            if len(calls) == 2:
                os._exit(9)
            return result if {step!r} != "set_terminated" else real(*args, **kwargs)
        MlflowClient.{step} = die
        mirror(Path({str(folder)!r}), {store.uri!r})
    """
    assert run_python(script).returncode == 9
    assert "RUNNING" in {run.info.status for run in store.runs().values()}
    done = mirror(folder, store.uri)
    assert done.failed is None
    assert done.runs_written >= 1
    found = store.runs()
    assert {name: run.info.status for name, run in found.items()} == dict.fromkeys(("s1", "a", "b"), "FINISHED")
    assert found["a"].data.metrics == found["b"].data.metrics
    assert found["a"].data.params == found["b"].data.params


def test_a_refused_server_is_told_in_one_line_and_soon(store: Store) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = store.write(store.session, store.cell(), store.end)
    begun = time.monotonic()
    done = mirror(folder, f"http://user:secret@127.0.0.1:{port}")
    assert time.monotonic() - begun < 30  # MLflow alone waits for four minutes
    assert done.runs_written == 0
    assert done.failed is not None
    assert "\n" not in done.failed
    assert f"127.0.0.1:{port}" in done.failed
    assert "secret" not in done.failed
    assert mirror(folder, store.uri).runs_written == 2


def test_a_server_that_never_answers_is_given_up(store: Store) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        done = mirror(
            store.write(store.session, store.cell(), store.end), f"http://127.0.0.1:{mute.getsockname()[1]}", timeout=1
        )
    assert done.failed is not None
    assert "imed out" in done.failed


@pytest.mark.parametrize("trouble", ["no journal", "no session", "bad uri", "deleted experiment", "broken store"])
def test_no_trouble_with_tracking_ever_raises(store: Store, trouble: str) -> None:
    folder, uri = store.write(store.session, store.cell(), store.end), store.uri
    said = trouble
    if trouble == "no journal":
        folder, said = store.root / "nowhere", "no journal can be read"
    elif trouble == "no session":
        folder, said = store.write(store.cell(), session="headless"), "no session record"
    elif trouble == "bad uri":
        uri = said = "gopher://nothing"
    elif trouble == "deleted experiment":
        client = store.client
        client.delete_experiment(client.create_experiment("churn"))
        said = "mlflow experiments restore"
    else:
        (store.root / "other").mkdir()
        (store.root / "other" / "mlflow.db").write_bytes(b"not a database" * 100)
        uri, said = f"sqlite:///{store.root}/other/mlflow.db", "not a database"
    done = mirror(folder, uri)
    assert done.failed is not None
    assert said in done.failed


def test_an_experiment_that_another_process_just_made_is_used(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    real = MlflowClient.create_experiment

    def late(self: MlflowClient, *args: Any) -> str:
        real(self, *args)
        return str(real(self, *args))

    monkeypatch.setattr(MlflowClient, "create_experiment", late)
    assert store.mirror_cells(store.cell()).failed is None


@pytest.fixture
def untouched() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    before = dict(os.environ), [logger.level for logger in loggers]
    yield
    now = dict(os.environ), [logger.level for logger in loggers]
    for state in (before[0], now[0]):
        state.pop("PYTEST_CURRENT_TEST", None)
    assert now == before


@pytest.mark.usefixtures("untouched")
def test_settings_and_loggers_are_put_back_and_nothing_is_printed(
    store: Store, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    seen: list[str] = []

    def write(*_: Any, **__: Any) -> list[str]:
        seen.append(os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"])
        return []

    monkeypatch.setattr(writer.Writer, "write", write)
    store.mirror_cells(store.cell())
    monkeypatch.undo()
    store.mirror_cells(store.cell())
    assert seen == ["77"]
    assert (*capfd.readouterr(), caplog.text) == ("", "", "")


def run_python(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False, env=child_env()
    )


def child_env() -> dict[str, str]:
    package = str(Path(writer.__file__).parents[3])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])}


def test_mlflow_is_not_imported_before_it_is_used() -> None:
    script = """
        import sys
        from pathlib import Path
        from pytest_mlexp.tracking import _mlflow
        _mlflow.active_run_id()
        sys.exit(any(name in sys.modules for name in ("mlflow", "sqlalchemy", "pandas", "pyarrow")))
    """
    assert run_python(script).returncode == 0


def test_processes_that_race_for_the_first_use_all_get_through(unused: Store) -> None:
    script = textwrap.dedent("""
        import sys
        from pathlib import Path
        from pytest_mlexp.tracking._mlflow import mirror
        done = mirror(Path(sys.argv[1]), sys.argv[2])
        sys.exit(done.failed)
    """)
    sessions = ("s1", "s2", "s3")
    folders = [
        unused.write(SessionRecord(name, 1, ("pytest",)), unused.cell(name + "-cell"), unused.end, session=name)
        for name in sessions
    ]
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", script, str(folder), unused.uri],
            env=child_env(),
            stderr=subprocess.PIPE,
            text=True,
        )
        for folder in folders
    ]
    outcomes = [(process.communicate()[1], process.returncode) for process in started]
    assert outcomes == [("", 0)] * 3
    assert set(unused.runs()) == {*sessions, *(name + "-cell" for name in sessions)}
    assert not list((unused.root / ".mlexp").glob(".building-*"))


def test_the_embedded_store_writes_ahead(template: Path) -> None:
    connection = sqlite3.connect(template)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    connection.close()


def test_a_build_cut_off_before_does_not_spoil_the_store(unused: Store) -> None:
    leftover = unused.root / ".mlexp" / ".building-old"
    leftover.mkdir(parents=True)
    (leftover / "mlflow.db").write_bytes(b"half")
    assert unused.mirror_cells(unused.cell()).failed is None


@pytest.mark.parametrize(
    ("active", "variable", "expected"),
    [(None, None, None), (None, "from-env", "from-env"), ("active", "from-env", "active"), ("active", None, "active")],
)
def test_the_active_run_is_seen_without_importing_mlflow(
    monkeypatch: pytest.MonkeyPatch, active: str | None, variable: str | None, expected: str | None
) -> None:
    run = SimpleNamespace(info=SimpleNamespace(run_id=active)) if active else None
    monkeypatch.setitem(sys.modules, "mlflow", SimpleNamespace(active_run=lambda: run))
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    if variable:
        monkeypatch.setenv("MLFLOW_RUN_ID", variable)
    assert active_run_id() == expected


def test_a_dataset_that_another_process_has_just_written_is_no_failure(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    real, calls = MlflowClient.log_inputs, []

    def late(*arguments: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise MlflowException("(sqlite3.IntegrityError) UNIQUE constraint failed: datasets.name")
        return real(*arguments, **options)

    monkeypatch.setattr(MlflowClient, "log_inputs", late)
    assert store.mirror_cells(store.cell()).failed is None
    assert len(calls) == 2
