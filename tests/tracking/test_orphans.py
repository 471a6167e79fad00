from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mlexp.records import CellRecord, EndRecord, Summary
from pytest_mlexp.tracking import owner as owner_module
from pytest_mlexp.tracking import recorder as module
from pytest_mlexp.tracking.environment import Environment, capture
from pytest_mlexp.tracking.git import GitState
from pytest_mlexp.tracking.journal import read
from pytest_mlexp.tracking.orphans import orphan
from pytest_mlexp.tracking.owner import is_owned, own
from pytest_mlexp.tracking.recorder import Recorder
from pytest_mlexp.tracking.sync import sync

if TYPE_CHECKING:
    from tests.tracking.conftest import Store

GIT = GitState("c0ffee", "main", dirty=True, diff="-a\n+b\n", untracked=("new.py", "report.html"))


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "needs_this_process", lambda _: True)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return replace(capture(tmp_path_factory.mktemp("root"), ["pytest", "--mlexp"]), git=GIT)


def start(store: Store, environment: Environment, **options: Any) -> Recorder:
    return Recorder(
        store.root, tracking_uri=options.pop("uri", None), environment=environment, started=time.time(), **options
    )


def kill(recorder: Recorder) -> None:
    """Leave a session as a process that is killed does: its lock is free, and nobody took it away."""
    assert recorder._owner is not None
    assert recorder._journal is not None
    recorder._owner.let_go()
    recorder._journal.close()


def other(cell: CellRecord) -> CellRecord:
    return replace(cell, metrics={"auc": Summary("auc", (0.5, 0.5), 0.5, 0.0, True)})


def test_the_same_session_goes_on_and_is_one_in_mlflow(store: Store, environment: Environment) -> None:
    first = start(store, environment)
    first.cell(store.cell("a"), {})
    kill(first)
    second = start(store, environment)
    assert second.session == first.session
    second.cell(store.cell("a"), {})
    second.cell(store.cell("b"), {})
    done = second.finish(EndRecord.now("FINISHED"))
    assert done is not None
    assert done.failed is None
    found = store.runs()
    assert set(found) == {first.session, "a", "b"}
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    assert found[first.session].data.tags["mlexp.continued"] == "1"
    assert start(store, environment).session != first.session  # it has ended


def test_the_same_result_stays_as_it_was_and_another_one_counts(store: Store, environment: Environment) -> None:
    first = start(store, environment)
    for name in ("same", "changed"):
        first.cell(store.cell(name), {"file": b"first"})
    sync_of_the_dead(store, first)
    second = start(store, environment)
    second.cell(store.cell("same", fit_seconds=(9.0, 9.0), started=7_000, ended=8_000), {"file": b"second"})
    second.cell(other(store.cell("changed")), {"file": b"second"})
    second.finish(EndRecord.now("FINISHED"))
    cells = {cell.cell: cell for cell in read(second.folder).cells}
    assert cells["same"].fit_seconds == (1.0, 3.0)
    assert (second.folder / cells["same"].artifacts["file"]).read_bytes() == b"first"
    assert (second.folder / cells["changed"].artifacts["file"]).read_bytes() == b"second"
    runs = store.runs()
    assert runs["changed"].data.metrics["auc.trials"] == 0.5
    assert runs["same"].data.metrics["auc.trials"] == 0.25
    assert set(runs) == {first.session, "same", "changed"}


def sync_of_the_dead(store: Store, recorder: Recorder) -> None:
    """MLflow got the cells before the session was killed."""
    from pytest_mlexp.records import TestRecord
    from pytest_mlexp.tracking._mlflow.session import SessionMirror
    from pytest_mlexp.tracking._mlflow.store import quiet

    for name in ("same", "changed"):
        recorder.test(TestRecord(name, "churn", f"test[{name}]", "passed", 0.1))
    with quiet():
        SessionMirror(recorder.folder, store.uri).step(final=False)
    assert set(store.runs()) == {recorder.session, "same", "changed"}
    kill(recorder)


@pytest.mark.parametrize(
    "change",
    [
        {"command": ("pytest", "--mlexp", "-k", "a")},
        {"git": replace(GIT, commit="other")},
        {"git": replace(GIT, diff="-a\n+c\n")},
        {"git": replace(GIT, untracked=("newer.py",))},
        {"git": replace(GIT, contents={"new.py": "x = 2"})},
        {"git": GitState()},
        {"digest": "f" * 16},
        {"scope": "another experiment"},
        {"uri": "http://127.0.0.1:1"},
    ],
    ids=str,
)
def test_another_session_ends_it_with_the_truth(store: Store, environment: Environment, change: dict[str, Any]) -> None:
    first = start(store, environment)
    first.cell(store.cell("a", ended=1_999_999_999_999), {})
    kill(first)
    options = {key: value for key, value in change.items() if key in {"scope", "uri"}}
    fields = {key: value for key, value in change.items() if key not in options}
    second = start(store, replace(environment, **fields), **options)
    assert second.session != first.session
    end = read(first.folder).end
    assert end is not None
    assert (end.status, end.ended) == ("KILLED", 1_999_999_999_999)
    assert not list(first.folder.glob("*.lock"))


def test_files_that_are_no_code_do_not_part_sessions(store: Store, environment: Environment) -> None:
    first = start(store, environment)
    kill(first)
    git = replace(GIT, untracked=("new.py", "another.html"))
    assert start(store, replace(environment, git=git)).session == first.session


def test_a_session_killed_after_its_last_test_goes_on_too(store: Store, environment: Environment) -> None:
    first = start(store, environment)
    first.cell(store.cell("a"), {})
    first._owner, owner = None, first._owner  # killed before it lets go
    first.finish(EndRecord.now("FINISHED"))
    assert owner is not None
    owner.let_go()
    second = start(store, environment)
    assert second.session == first.session
    assert read(second.folder).end is None
    second.cell(store.cell("a"), {})
    second.finish(EndRecord.now("FAILED"))
    assert {name: run.info.status for name, run in store.runs().items()} == {first.session: "FAILED", "a": "FINISHED"}


def test_sessions_at_the_same_time_leave_each_other_alone(store: Store, environment: Environment) -> None:
    first, second = start(store, environment), start(store, environment)
    assert first.session != second.session
    assert is_owned(first.folder)
    assert "it is running" in str(sync(store.root, store.uri)[first.session].notes)
    for session in (first, second):
        session.cell(store.cell(session.session + "-cell"), {})
        session.finish(EndRecord.now("FINISHED"))
    assert len(store.runs()) == 4


def test_a_lock_is_free_when_its_process_is_killed(store: Store) -> None:
    script = f"""
        import os, signal, sys, time
        from pathlib import Path
        from pytest_mlexp.tracking.owner import own
        held = own(Path({str(store.root)!r}))
        print(held is not None, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "True\n", done.stderr
    assert not is_owned(store.root)


@pytest.mark.parametrize("ask", [is_owned, orphan])
def test_a_session_that_ends_while_it_is_looked_at_is_no_orphan(
    store: Store,
    environment: Environment,
    monkeypatch: pytest.MonkeyPatch,
    ask: Callable[[Path], object],
) -> None:
    session = start(store, environment)

    def ends_first(folder: Path) -> object:
        session.finish(EndRecord.now("FINISHED"))
        return own(folder)

    monkeypatch.setattr(owner_module, "own", ends_first)
    assert not ask(session.folder)
    assert not (session.folder / owner_module.LOCK).exists()
    assert start(store, environment).session != session.session


def test_sync_ends_a_killed_session_and_its_run(store: Store, environment: Environment) -> None:
    session = start(store, environment)
    session.cell(store.cell("a"), {})
    kill(session)
    sync(store.root, None)
    assert {name: run.info.status for name, run in store.runs().items()} == {session.session: "KILLED", "a": "FINISHED"}
