from __future__ import annotations

import importlib
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from pytest_mlexp.provenance.files.opened import Opened
from pytest_mlexp.provenance.files.states import changed, contents
from pytest_mlexp.provenance.provenance import BlockProvenance


def test_what_is_read_counts_and_what_is_written_does_not(tmp_path: Path) -> None:
    for name in ("read.txt", "unread.txt", "both.txt"):
        (tmp_path / name).write_text(name)
    np.save(tmp_path / "weights.npy", np.zeros(3))
    opened = Opened()
    with opened.watching():
        (tmp_path / "read.txt").read_text()
        np.load(tmp_path / "weights.npy")
        (tmp_path / "new.txt").write_text("made here")
        (tmp_path / "new.txt").read_text()
        with (tmp_path / "both.txt").open("r+") as file:
            file.read()
    (tmp_path / "unread.txt").read_text()
    assert [Path(file).name for file in opened.files()] == ["both.txt", "read.txt", "weights.npy"]


def test_threads_relative_paths_and_what_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    opened = Opened()
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        with opened.watching():
            thread = threading.Thread(target=lambda: Path("a.txt").read_text())
            thread.start()
            thread.join()
            Path("absent.txt").exists()
    finally:
        os.chdir(before)
    assert list(opened.files()) == [str(tmp_path / "a.txt"), str(tmp_path / "absent.txt")]
    assert contents(opened.files(), tmp_path)["absent.txt"] == "absent"


def test_libraries_and_code_that_was_followed_are_no_files_that_were_read() -> None:
    opened = Opened()
    with opened.watching():
        Path(__file__).read_text(encoding="utf-8")
        Path(np.__file__).read_bytes()
    assert opened.files(BlockProvenance({}, sources=frozenset({__file__}))) == {}
    assert list(opened.files()) == [__file__]


ASKING: dict[str, Callable[[Path], bool]] = {
    "Path.exists": Path.exists,
    "Path.is_file": Path.is_file,
    "os.path.exists": os.path.exists,
    "os.access": lambda path: os.access(path, os.R_OK),
}


@pytest.mark.parametrize("ask", ASKING.values(), ids=ASKING)
@pytest.mark.parametrize("is_there", [False, True])
def test_whether_a_file_is_there_counts_and_not_what_is_in_it(
    tmp_path: Path, ask: Callable[[Path], bool], is_there: bool
) -> None:
    file = tmp_path / "marker.txt"
    if is_there:
        file.write_text("a")
    opened = Opened()
    real = os.stat
    with opened.watching():
        assert ask(file) is is_there
    assert os.stat is real
    before = contents(opened.files(), tmp_path)
    assert changed(before, tmp_path) is None
    if is_there:
        file.write_text("other")
        assert changed(before, tmp_path) is None
        file.unlink()
        assert changed(before, tmp_path) == "file gone: marker.txt"
    else:
        file.write_text("a")
        assert changed(before, tmp_path) == "file is there now: marker.txt"


def test_the_size_of_a_file_counts_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    opened = Opened()
    with opened.watching():
        assert (tmp_path / "a.txt").stat().st_size == 1
    before = contents(opened.files(), tmp_path)
    (tmp_path / "a.txt").write_text("bc")
    assert changed(before, tmp_path) == "file changed: a.txt"


def test_a_file_that_is_sought_and_then_made_is_its_makers(tmp_path: Path) -> None:
    opened = Opened()
    with opened.watching():
        for folder in (tmp_path / "cache", tmp_path / "temporary"):
            if not folder.exists():
                folder.mkdir()
        with pytest.raises(FileNotFoundError):
            (tmp_path / "optional.txt").read_text()
        (tmp_path / "temporary").rmdir()
    before = contents(opened.files(), tmp_path)
    assert before == {"optional.txt": "absent", "temporary": "absent"}


def test_what_libraries_ask_for_does_not_count(tmp_path: Path) -> None:
    opened = Opened()
    with opened.watching():
        warnings.filterwarnings("ignore", message="nothing")
        metadata.version("numpy")
    assert [file for file in opened.files() if file != __file__] == []


def test_copies_and_links_work_as_ever_while_questions_are_heard(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "link").symlink_to("a.txt")
    with Opened().watching():
        shutil.copytree(tmp_path, tmp_path / "copy", symlinks=True)
        assert (tmp_path / "copy" / "link").is_symlink()
        descriptor = os.open(tmp_path, os.O_RDONLY)
        assert os.stat("a.txt", dir_fd=descriptor).st_size == 1
        os.close(descriptor)
        shutil.rmtree(tmp_path / "copy")


def test_code_that_is_loaded_behind_the_back_of_the_text_counts_without_comments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "loaded_behind.py"
    file.write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    opened = Opened()
    with opened.watching():
        importlib.import_module("loaded_behind")
    del sys.modules["loaded_behind"]
    before = contents(opened.files(), tmp_path)
    assert set(before) - {Path(__file__).name} == {"loaded_behind.py"}
    with opened.watching():
        pass
    assert opened.files() == {}
    assert list(opened.files(BlockProvenance({}, anywhere=True))) == [str(file)]
    file.write_text("VALUE = 1  # one\n")
    assert changed(before, tmp_path) is None
    file.write_text("VALUE = 2\n")
    assert changed(before, tmp_path) == "file changed: loaded_behind.py"


def test_what_was_read_counts_later_too_unless_it_was_declared(tmp_path: Path) -> None:
    for name in ("cached.txt", "declared.txt"):
        (tmp_path / name).write_text(name)
    opened = Opened()
    opened.declare(tmp_path / "declared.txt")
    with opened.watching():
        (tmp_path / "cached.txt").read_text()
        (tmp_path / "declared.txt").read_text()
    assert len(opened.files()) == 2
    with opened.watching():
        pass
    assert list(opened.files()) == [str(tmp_path / "cached.txt")]


def test_what_a_trial_read_counts_only_for_those_who_may_find_it_where_it_was_left(tmp_path: Path) -> None:
    (tmp_path / "cached.txt").write_text("a")
    reads = BlockProvenance({"code m:load": "1"}, left=frozenset({"m:CACHE"}))
    finds = BlockProvenance({"code m:CACHE": "1"}, left=frozenset())
    unrelated = BlockProvenance({"code m:other": "1"}, left=frozenset())
    opened = Opened()
    with opened.watching(reads):
        (tmp_path / "cached.txt").read_text()
    with opened.watching(reads):
        pass
    assert [len(opened.files(block)) for block in (reads, finds, unrelated)] == [1, 1, 0]
    with opened.watching(BlockProvenance({})):
        (tmp_path / "cached.txt").read_text()
    with opened.watching(unrelated):
        pass
    assert len(opened.files(unrelated)) == 1


def test_a_file_is_known_by_its_content_and_by_its_place_in_the_project(tmp_path: Path) -> None:
    inside, outside = tmp_path / "project" / "a.txt", tmp_path / "b.txt"
    inside.parent.mkdir()
    inside.write_text("a")
    outside.write_text("b")
    opened = Opened()
    with opened.watching():
        inside.read_text()
        outside.read_text()
    before = contents(opened.files(), inside.parent)
    assert set(before) == {"a.txt", str(outside)}
    assert changed(before, inside.parent) is None
    inside.write_text("other")
    assert changed(before, inside.parent) == "file changed: a.txt"
    inside.unlink()
    assert changed(before, inside.parent) == "file gone: a.txt"


def test_what_was_edited_while_it_was_used_is_never_the_same(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("a")
    opened = Opened()
    with opened.watching():
        file.read_text()
    os.utime(file, (1, 1))
    assert changed(contents(opened.files(), tmp_path), tmp_path) == "file changed: a.txt"


def test_maps_and_databases_are_read_unless_they_were_written(tmp_path: Path) -> None:
    np.arange(4, dtype=np.int8).tofile(tmp_path / "map.bin")
    np.arange(4, dtype=np.int8).tofile(tmp_path / "filled.bin")
    with sqlite3.connect(tmp_path / "q.db") as made:
        made.execute("CREATE TABLE t (x)")
    made.close()
    opened = Opened()
    with opened.watching():
        np.memmap(tmp_path / "map.bin", dtype=np.int8).sum()
        with (tmp_path / "filled.bin").open("r+b") as file:
            file.write(b"longer than it was")
        sqlite3.connect(tmp_path / "q.db").close()
    assert [Path(file).name for file in opened.files()] == ["map.bin", "q.db"]


def test_a_folder_that_is_listed_counts_by_the_names_in_it(tmp_path: Path) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.csv").write_text("1")
    opened = Opened()
    with opened.watching():
        sorted((tmp_path / "parts").glob("*.csv"))
    before = contents(opened.files(), tmp_path)
    assert changed(before, tmp_path) is None
    (tmp_path / "parts" / "b.csv").write_text("2")
    assert changed(before, tmp_path) == "names in folder changed: parts"


def test_the_first_file_of_a_process_is_seen_as_well(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("a")
    script = (
        "import sys\n"
        "from pytest_mlexp.provenance.files.opened import Opened\n"
        "with Opened().listening():\n"
        "    print(open(sys.argv[1]).read())\n"
    )
    done = subprocess.run([sys.executable, "-c", script, file], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "a"
