"""The store on disk: what is found again, what is refused, and what a broken disk or a rival does to it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from pytest_mlexp.execution.kept import KeptStore
from pytest_mlexp.execution.outcome import Failure, Outcome
from pytest_mlexp.execution.pruning import prune
from pytest_mlexp.execution.store import Got, OutcomeStore, Sought
from pytest_mlexp.provenance.provenance import BlockProvenance
from tests.execution.keeping import BLOCK, OUTCOME, never, sought, store


def filled(folder: Path, outcome: Outcome = OUTCOME, **options: Any) -> Path:
    got = store(folder, "first", **options).get(sought(), lambda: outcome)
    assert (got.reused, got.why) == (False, "new")
    (entry,) = list((folder / "segments").glob("*")) or [folder]
    return entry


def test_another_session_finds_it_whole(tmp_path: Path) -> None:
    filled(tmp_path)
    got = store(tmp_path).get(sought(), never)
    assert (got.reused, got.why, got.elsewhere) == (True, "unchanged", False)
    np.testing.assert_array_equal(got.outcome.responses["predict"], OUTCOME.responses["predict"])
    assert replace(got.outcome, responses={}) == replace(OUTCOME, responses={})


@pytest.mark.parametrize("position", range(0, 1100, 37))
def test_a_flipped_bit_anywhere_is_told_and_computed_again(tmp_path: Path, position: int) -> None:
    entry = filled(tmp_path)
    content = bytearray(entry.read_bytes())
    content[position % len(content)] ^= 1 << position % 8
    entry.write_bytes(content)
    damaged = store(tmp_path)
    got = damaged.get(sought(), lambda: OUTCOME)
    assert (got.reused, got.why) == (False, "kept result was broken")
    assert damaged.kept is not None
    (told,) = [*got.notes, *filter(None, [damaged.kept.damage])]
    assert "the kept outcome of trial was broken (" in told or "segments: 1 kept record is broken and counts as" in told
    assert store(tmp_path).get(sought(), never).reused


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.99])
def test_a_torn_entry_is_told_and_computed_again(tmp_path: Path, share: float) -> None:
    entry = filled(tmp_path)
    entry.write_bytes(entry.read_bytes()[: int(entry.stat().st_size * share)])
    torn = store(tmp_path)
    got = torn.get(sought(), lambda: OUTCOME)
    assert got.why == ("new" if share == 0.05 else "kept result was broken")  # of the former not even the name is there
    assert torn.kept is not None
    assert ": 1 kept record is broken and counts" in str(torn.kept.damage)
    del torn
    assert store(tmp_path).get(sought(), never).reused
    prune(tmp_path, older_than=1)
    (whole,) = (tmp_path / "segments").iterdir()
    healed = store(tmp_path)
    assert healed.get(sought(), never).reused
    assert healed.kept is not None
    assert healed.kept.damage is None
    assert whole.exists()


def test_a_large_entry_is_a_file_of_its_own(tmp_path: Path) -> None:
    large = replace(OUTCOME, responses={"predict": np.arange(10_000.0)})
    store(tmp_path).get(sought(), lambda: large)
    assert not list((tmp_path / "segments").glob("*"))
    (entry,) = (tmp_path / "shop").iterdir()
    assert store(tmp_path).get(sought(), never).reused
    entry.write_bytes(entry.read_bytes()[:-9])
    got = store(tmp_path).get(sought(), lambda: large)
    assert (got.reused, got.why) == (False, "kept result was broken")
    assert store(tmp_path).get(sought(), never).reused


def test_an_entry_whose_classes_are_gone_is_computed_again(tmp_path: Path) -> None:
    module: Any = ModuleType("gone_module")
    module.Thing = type("Thing", (), {"__module__": "gone_module"})
    sys.modules["gone_module"] = module
    filled(tmp_path, replace(OUTCOME, responses={"predict": [module.Thing()]}))
    del sys.modules["gone_module"]
    got = store(tmp_path).get(sought(), lambda: OUTCOME)
    assert got.why == "kept result was broken"
    assert "ModuleNotFoundError" in got.notes[0]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (sought(seed="1"), "seed changed: 0 -> 1"),
        (sought(data="2"), "data changed"),
        (sought(BlockProvenance({**BLOCK.parts, "code shop:helper": "2"})), "code changed: shop:helper"),
        (sought(BlockProvenance({**BLOCK.parts, "package numpy": "2.1"})), "package changed: numpy 2.0 -> 2.1"),
        (replace(sought(), wanted=[("predict_proba",)]), "asks for predict_proba, which was not kept"),
        (replace(sought(), model=True), "asks for the model, which was not kept"),
        (replace(sought(), name="another"), "new"),
        (replace(sought(), folder="elsewhere"), "new"),
    ],
)  # fmt: skip
def test_what_is_asked_otherwise_is_run_with_the_reason(tmp_path: Path, asked: Sought, why: str) -> None:
    filled(tmp_path)
    got = store(tmp_path).get(asked, lambda: OUTCOME)
    assert (got.reused, got.why) == (False, why)


def test_the_reason_is_what_differs_from_the_entry_most_like_it(tmp_path: Path) -> None:
    filled(tmp_path)
    edited = sought(BlockProvenance({**BLOCK.parts, "code shop:helper": "2"}))
    store(tmp_path, "edited").get(edited, lambda: OUTCOME)
    assert store(tmp_path, "back").get(sought(data="2"), lambda: OUTCOME).why == "data changed"


def test_a_method_that_the_model_has_not_is_no_reason_to_run_it(tmp_path: Path) -> None:
    filled(tmp_path)
    wanted = [("predict",), ("decision_function",)]
    assert store(tmp_path).get(replace(sought(), wanted=wanted), never).reused


def test_timings_of_another_machine_are_marked_and_never_serve_where_they_are_asked_for(tmp_path: Path) -> None:
    filled(tmp_path, machine="there")
    assert store(tmp_path).get(sought(), never).elsewhere
    got = store(tmp_path).get(replace(sought(), timings=True), lambda: OUTCOME)
    assert (got.reused, got.why) == (False, "timings of another machine")
    assert store(tmp_path).get(replace(sought(), timings=True), never).reused


def test_fresh_reads_nothing_but_what_its_own_session_wrote(tmp_path: Path) -> None:
    filled(tmp_path)
    got = store(tmp_path, "fresh", fresh=True).get(sought(), lambda: OUTCOME)
    assert (got.reused, got.why) == (False, "forced")
    shared = store(tmp_path, "fresh", fresh=True).get(sought(), never)
    assert (shared.reused, shared.why) == (False, "forced")
    assert store(tmp_path).get(sought(), never).reused


def test_failures_are_never_kept(tmp_path: Path) -> None:
    failed = Failure.of(ValueError("no"))
    for outcome in (Outcome(failure=failed), replace(OUTCOME, refused={"predict_proba": failed})):
        store(tmp_path).get(sought(), partial(replace, outcome))
    assert store(tmp_path).get(sought(), lambda: OUTCOME).why == "new"


def test_a_file_that_is_loaded_late_and_was_edited_meanwhile_is_not_kept(tmp_path: Path) -> None:
    late = tmp_path / "late.py"
    late.write_text("a = 1")
    status = late.stat()
    block = BlockProvenance(BLOCK.parts, {late: (status.st_mtime_ns, status.st_size)})

    def edited() -> Outcome:
        late.write_text("a = 12")
        return OUTCOME

    store(tmp_path / "store").get(sought(block), edited)
    assert store(tmp_path / "store").get(sought(block), lambda: OUTCOME).why == "new"


def test_a_model_that_cannot_travel_is_left_out(tmp_path: Path) -> None:
    got = filled(tmp_path, replace(OUTCOME, model=threading.Lock()))
    assert got.is_file()
    assert store(tmp_path).get(sought(), never).outcome.model is None
    with_model = store(tmp_path).get(replace(sought(), model=True), lambda: OUTCOME)
    assert with_model.why == "asks for the model, which was not kept"


def test_what_cannot_be_written_is_told_once_and_stops_nobody(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    kept = KeptStore(tmp_path / "file" / "store", session="x")
    got = OutcomeStore(kept=kept).get(sought(), lambda: OUTCOME)
    assert (got.outcome, got.content) == (OUTCOME, "")
    assert str(kept.trouble).startswith(f"nothing more is kept in {tmp_path}/file/store: NotADirectoryError")


FULL = """
    import resource, signal, sys
    from pathlib import Path
    from tests.execution.keeping import OUTCOME, sought, store

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (150, resource.RLIM_INFINITY))
    full = store(Path(sys.argv[1]))
    assert full.get(sought(), lambda: OUTCOME).outcome is OUTCOME
    print(full.kept.trouble)
"""


def test_a_full_disk_stops_nobody_and_leaves_nothing_torn(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(FULL), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "only 150 of" in done.stdout
    assert store(tmp_path).get(sought(), lambda: OUTCOME).why == "kept result was broken"
    assert [path.name for path in tmp_path.rglob(".*")] == []


RACE = """
    import sys, time
    from pathlib import Path
    from tests.execution.keeping import OUTCOME, sought, store

    def compute():
        with open(sys.argv[2], "a") as file:
            file.write("x")
        time.sleep(0.3)
        return OUTCOME

    got = store(Path(sys.argv[1]), session=sys.argv[3]).get(sought(), compute)
    assert got.outcome.fit_seconds == 2.0
"""


def test_what_is_kept_can_be_looked_at_without_computing_it(tmp_path: Path) -> None:
    assert store(tmp_path).kept_outcome(sought()) is None
    filled(tmp_path)
    used = store(tmp_path)
    kept = used.kept_outcome(sought())
    assert kept is not None
    assert kept.offers == OUTCOME.offers
    assert used.get(sought(), never).outcome is kept


def test_an_entry_that_was_found_broken_by_a_look_is_still_told(tmp_path: Path) -> None:
    entry = filled(tmp_path)
    entry.write_bytes(entry.read_bytes()[:-4] + b"xxx\n")
    used = store(tmp_path)
    assert used.kept_outcome(sought()) is None
    got = used.get(sought(), lambda: OUTCOME)
    assert (got.reused, got.why) == (False, "kept result was broken")
    assert "the kept outcome of trial was broken" in got.notes[0]


def test_sessions_that_ask_at_the_same_time_compute_once(tmp_path: Path) -> None:
    shared, counter = tmp_path / "store", tmp_path / "counter"
    processes = [
        subprocess.Popen([sys.executable, "-c", textwrap.dedent(RACE), str(shared), str(counter), f"session{number}"])
        for number in range(4)
    ]
    assert [process.wait() for process in processes] == [0] * 4
    assert counter.read_text() == "x"


def test_the_same_session_does_not_read_the_disk_twice(tmp_path: Path) -> None:
    used = store(tmp_path)
    first = used.get(sought(), lambda: OUTCOME)
    for path in (tmp_path / "segments").iterdir():
        path.unlink()
    again: Got = used.get(sought(), never)
    assert again is first
