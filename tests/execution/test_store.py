from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest

from pytest_mlexp.execution.outcome import Outcome
from pytest_mlexp.execution.store import OutcomeStore


@pytest.mark.parametrize("shared", [True, False])
def test_what_was_computed_once_is_not_computed_again(tmp_path: Path, shared: bool) -> None:
    store = OutcomeStore(tmp_path if shared else None)
    calls: list[str] = []

    def compute() -> Outcome:
        calls.append("x")
        return Outcome({"predict": [len(calls)]})

    assert [store.get(name, compute).outcome.responses["predict"] for name in ("a", "a", "b", "a")] == [
        [1],
        [1],
        [2],
        [1],
    ]
    assert len(calls) == 2


def test_a_second_store_on_the_same_folder_finds_it(tmp_path: Path) -> None:
    OutcomeStore(tmp_path).get("a", lambda: Outcome({"predict": [1]}))

    def never() -> Outcome:
        raise AssertionError("computed again")

    assert OutcomeStore(tmp_path).get("a", never).outcome.responses == {"predict": [1]}


def test_a_computation_that_is_interrupted_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupted() -> Outcome:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        OutcomeStore(tmp_path).get("a", interrupted)
    assert OutcomeStore(tmp_path).get("a", lambda: Outcome({"predict": [2]})).outcome.responses == {"predict": [2]}


def test_processes_that_ask_at_the_same_time_compute_once(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import sys, time
        from pathlib import Path
        from pytest_mlexp.execution.outcome import Outcome
        from pytest_mlexp.execution.store import OutcomeStore

        def compute():
            with open(sys.argv[2], "a") as file:
                file.write("x")
            time.sleep(0.3)
            return Outcome({"predict": [1]})

        assert OutcomeStore(Path(sys.argv[1])).get("a", compute).outcome.responses == {"predict": [1]}
    """)
    shared, counter = tmp_path / "shared", tmp_path / "counter"
    shared.mkdir()
    command = [sys.executable, "-c", script, str(shared), str(counter)]
    processes = [subprocess.Popen(command) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    assert counter.read_text() == "x"


def test_a_model_that_cannot_travel_is_left_behind_with_the_reason(tmp_path: Path) -> None:
    model = threading.Lock()
    kept = OutcomeStore(tmp_path).get("a", lambda: Outcome({"predict": [1]}, model=model)).outcome
    assert kept.model is model
    found = OutcomeStore(tmp_path).get("a", Outcome).outcome
    assert found.responses == {"predict": [1]}
    assert found.model is None
    assert "cannot pickle" in (found.model_lost or "")
