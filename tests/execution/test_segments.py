"""Small entries in segments: several writers at once, killed ones, and what pruning joins."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from pytest_mlexp.execution import pruning, shelf
from pytest_mlexp.execution.kept import place_of
from pytest_mlexp.execution.pruning import prune
from pytest_mlexp.execution.segments import ENTRY, Read, encoded, read
from pytest_mlexp.execution.store import Sought
from pytest_mlexp.provenance.provenance import Provenance
from tests.execution.keeping import BLOCK, OUTCOME, never, sought, store

MANY = """
    import os, sys
    from pathlib import Path
    from pytest_mlexp.execution.store import Sought
    from pytest_mlexp.provenance.provenance import Provenance
    from tests.execution.keeping import BLOCK, OUTCOME, store

    used = store(Path(sys.argv[1]))
    for number in range(int(sys.argv[2]), 300, 2):
        trial = Sought(f"trial{number}", "shop", Provenance(BLOCK, {"seed": str(number)}))
        used.get(trial, lambda: OUTCOME)
        if number == int(sys.argv[3]):
            os.kill(os.getpid(), 9)
"""


HALF = """
    import os, sys
    from pathlib import Path
    from tests.execution.keeping import OUTCOME, store
    from tests.execution.test_segments import numbered

    used = store(Path(sys.argv[1]))
    used.get(numbered(0), lambda: OUTCOME)
    write = os.write

    def killed_in_the_middle(file, content):
        write(file, content[: len(content) * int(sys.argv[2]) // 100])
        os.kill(os.getpid(), 9)

    os.write = killed_in_the_middle
    used.get(numbered(1), lambda: OUTCOME)
"""
SESSIONS = """
    import sys
    from pathlib import Path
    from tests.execution.keeping import OUTCOME, store
    from tests.execution.test_segments import numbered

    for session in range(20):
        used = store(Path(sys.argv[1]))
        for number in range(10 * session, 10 * session + 10):
            used.get(numbered(number), lambda: OUTCOME)
        del used
"""


def numbered(number: int) -> Sought:
    return Sought(f"trial{number}", "shop", Provenance(BLOCK, {"seed": str(number)}))


def test_processes_that_write_at_once_lose_nothing_and_one_that_is_killed_only_what_it_did_not_write(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", textwrap.dedent(MANY), str(tmp_path)]
    processes = [subprocess.Popen([*command, *map(str, given)]) for given in ((0, -1), (1, 101))]
    assert [process.wait() for process in processes] == [0, -9]
    later = store(tmp_path)
    for number in (*range(0, 300, 2), *range(1, 102, 2)):
        assert later.get(numbered(number), never).reused
    assert later.get(numbered(103), lambda: OUTCOME).why == "new"
    assert later.kept is not None
    assert later.kept.damage is None


@pytest.mark.parametrize("percent", [1, 30, 60, 99])
def test_a_kill_in_the_middle_of_a_record_costs_that_record(tmp_path: Path, percent: int) -> None:
    writing = store(tmp_path)
    writing.get(numbered(2), lambda: OUTCOME)
    command = [sys.executable, "-c", textwrap.dedent(HALF), str(tmp_path), str(percent)]
    assert subprocess.run(command, check=False).returncode == -9
    writing.get(numbered(3), lambda: OUTCOME)
    later = store(tmp_path)
    for number in (0, 2, 3):
        assert later.get(numbered(number), never).reused
    assert later.get(numbered(1), lambda: OUTCOME).why == ("new" if percent == 1 else "kept result was broken")
    assert later.kept is not None
    assert ": 1 kept record is broken" in str(later.kept.damage)
    assert store(tmp_path).get(numbered(1), never).reused


def test_pruning_loses_nothing_of_what_sessions_write_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "segments").mkdir()
    writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(SESSIONS), str(tmp_path)])
    while writer.poll() is None:
        assert prune(tmp_path, older_than=1) == (0, 0)
    assert writer.returncode == 0
    later = store(tmp_path)
    for number in range(200):
        assert later.get(numbered(number), never).reused


def test_a_segment_that_ends_while_it_is_pruned_is_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(tmp_path).get(numbered(0), lambda: OUTCOME)
    store(tmp_path).get(numbered(1), lambda: OUTCOME)
    writing = store(tmp_path)
    writing.get(numbered(2), lambda: OUTCOME)

    def and_then_it_ends(segment: Path, **options: bool) -> Read:
        found = read(segment, **options)
        writing.get(numbered(3), lambda: OUTCOME)
        assert writing.kept is not None
        writing.kept._shelf.close()
        return found

    monkeypatch.setattr(pruning, "read", and_then_it_ends)
    prune(tmp_path, older_than=1)
    monkeypatch.undo()
    for number in range(4):
        assert store(tmp_path).get(numbered(number), never).reused


def test_two_that_prune_at_once_do_not_disturb_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        store(tmp_path).get(numbered(number), lambda: OUTCOME)
    read_by_one = pruning._read(tmp_path)
    prune(tmp_path, older_than=1)
    monkeypatch.setattr(pruning, "_read", lambda _: read_by_one)
    prune(tmp_path, older_than=1)
    monkeypatch.undo()
    for number in range(2):
        assert store(tmp_path).get(numbered(number), never).reused


def test_what_stands_where_another_entry_should_is_never_taken_for_it(tmp_path: Path) -> None:
    store(tmp_path).get(numbered(0), lambda: OUTCOME)
    (segment,) = (tmp_path / "segments").iterdir()
    (record,) = read(segment).records
    content = segment.read_bytes()
    told, payload = (content[start : start + length] for start, length in (record.told, record.payload))
    other = numbered(1)
    assert other.provenance is not None
    place = place_of("shop", other.name, other.provenance.key)
    segment.write_bytes(encoded(ENTRY, 1.0, place, told, payload))
    assert store(tmp_path).get(other, lambda: OUTCOME).why == "kept result was broken"


def test_a_store_of_many_segments_is_read_with_few_of_them_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "MOST_OPEN", 3)
    for number in range(8):
        store(tmp_path).get(numbered(number), lambda: OUTCOME)
    later = store(tmp_path)
    for number in range(8):
        assert later.get(numbered(number), never).reused
    assert later.kept is not None
    assert len(later.kept._shelf._files) <= 3


def test_what_another_session_writes_meanwhile_is_found(tmp_path: Path) -> None:
    mine, other = store(tmp_path), store(tmp_path)
    for number in range(3):
        mine.get(numbered(number), lambda: OUTCOME)
        assert other.get(numbered(number), never).reused


def test_a_record_that_is_on_its_way_is_no_damage(tmp_path: Path) -> None:
    writer = store(tmp_path)
    writer.get(numbered(0), lambda: OUTCOME)
    (segment,) = (tmp_path / "segments").iterdir()
    record = segment.read_bytes()
    for cut in (7, 60, len(record) - 1):
        with segment.open("ab") as file:
            file.write(record[:cut])
        reader = store(tmp_path)
        assert reader.get(numbered(0), never).reused
        assert reader.kept is not None
        assert reader.kept.damage is None
        segment.write_bytes(record)


def test_a_use_is_noted_once_a_day_and_keeps_an_entry_from_pruning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = time.time()
    store(tmp_path).get(sought(), lambda: OUTCOME)
    store(tmp_path).get(numbered(1), lambda: OUTCOME)
    for days in (0.1, 20, 20.1):
        monkeypatch.setattr(time, "time", lambda days=days: start + days * 86_400)
        assert store(tmp_path).get(sought(), never).reused
    assert len(list((tmp_path / "segments").iterdir())) == 3
    monkeypatch.setattr(time, "time", lambda: start + 40 * 86_400)
    assert prune(tmp_path, older_than=30)[0] == 1
    assert len(list((tmp_path / "segments").iterdir())) == 1
    assert store(tmp_path).get(sought(), never).reused
    assert store(tmp_path).get(numbered(1), lambda: OUTCOME).why == "new"


def test_a_session_that_writes_is_not_pruned_and_finds_what_was_joined(tmp_path: Path) -> None:
    store(tmp_path).get(sought(), lambda: OUTCOME)
    store(tmp_path).get(numbered(1), lambda: OUTCOME)
    writing = store(tmp_path)
    writing.get(numbered(2), lambda: OUTCOME)
    assert prune(tmp_path, older_than=1) == (0, 0)
    assert len(list((tmp_path / "segments").iterdir())) == 2
    for trial in (sought(), numbered(1)):
        assert writing.get(trial, never).reused
