"""Files that were read while no result was made."""

from __future__ import annotations

import importlib
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from pytest_mlexp.provenance.files import between
from pytest_mlexp.provenance.files.opened import Opened
from pytest_mlexp.provenance.libraries.folders import is_library
from pytest_mlexp.provenance.provenance import BlockProvenance

READERS = """
import functools

def read(path):
    return path.read_text()

@functools.cache
def cached(path):
    return read(path)

def decorate(text):
    return lambda cls: cls
"""
CACHED = BlockProvenance({"code readers:cached": ""}, left=frozenset())


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "readers.py").write_text(READERS)
    (tmp_path / "old.txt").write_text("old")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.setattr(between, "is_library", lambda file: file == __file__ or is_library(file))
    time.sleep(0.02)  # clocks of file systems are coarse
    yield tmp_path
    for name in ("readers", "some_library", "team"):
        sys.modules.pop(name, None)


def read(opened: Opened, path: Path, function: str = "cached") -> None:
    with opened.listening():
        getattr(importlib.import_module("readers"), function)(path)


def test_what_a_cache_may_hold_counts_for_those_that_use_it(modules: Path) -> None:
    opened = Opened()
    read(opened, modules / "old.txt")
    assert list(opened.files(CACHED)) == [str(modules / "old.txt")]
    assert opened.files(BlockProvenance({"code readers:read": ""}, left=frozenset())) == {}


def test_what_nobody_keeps_does_not(modules: Path) -> None:
    opened = Opened()
    read(opened, modules / "old.txt", "read")
    assert opened.files(CACHED) == {}


def test_a_cache_that_is_asked_later_does_not_hold_it(modules: Path) -> None:
    (modules / "team.py").write_text(
        "import readers\n\ndef both(old, new):\n    return old.read_text(), readers.cached(new)\n"
    )
    (modules / "new.txt").write_text("new")
    os.utime(modules / "new.txt", (1, 1))
    opened = Opened()
    with opened.listening():
        importlib.import_module("team").both(modules / "old.txt", modules / "new.txt")
    assert list(opened.files(CACHED)) == [str(modules / "new.txt")]


def test_all_that_read_a_file_count(modules: Path) -> None:
    opened = Opened()
    read(opened, modules / "old.txt", "read")
    read(opened, modules / "old.txt")
    assert list(opened.files(CACHED)) == [str(modules / "old.txt")]


def test_a_function_without_a_name_is_what_it_is_bound_to(modules: Path) -> None:
    (modules / "team.py").write_text(
        "import functools\n\nload = functools.cache(\n    lambda path: path.read_text()\n)\n"
    )
    opened = Opened()
    with opened.listening():
        importlib.import_module("team").load(modules / "old.txt")
    assert list(opened.files(BlockProvenance({"code team:load": ""}, left=frozenset()))) == [str(modules / "old.txt")]


def test_it_stops_listening(modules: Path) -> None:
    opened = Opened()
    with opened.listening():
        cached = importlib.import_module("readers").cached
    cached(modules / "old.txt")
    assert opened.files(CACHED) == {}


def test_what_the_session_made_is_no_input_of_it(modules: Path) -> None:
    opened = Opened()
    (modules / "made.txt").write_text("made by a process that nobody sees")
    with opened.listening():
        shutil.copy2(modules / "old.txt", modules / "copied.txt")
        for name in ("made.txt", "copied.txt"):
            importlib.import_module("readers").cached(modules / name)
    assert opened.files(CACHED) == {}


def test_a_file_that_is_not_there_counts_as_well(modules: Path) -> None:
    opened = Opened()
    with pytest.raises(FileNotFoundError):
        read(opened, modules / "absent.txt")
    assert list(opened.files(CACHED)) == [str(modules / "absent.txt")]


def test_what_a_library_reads_for_itself_does_not(modules: Path) -> None:
    library = modules / "site-packages"
    library.mkdir()
    (library / "some_library.py").write_text(
        f"from pathlib import Path\n\nTEXT = Path({str(modules / 'old.txt')!r}).read_text()\n"
    )
    (modules / "team.py").write_text("import some_library\n\nTABLE = [some_library.TEXT]\n")
    sys.path.insert(0, str(library))
    opened = Opened()
    with opened.listening():
        importlib.import_module("team")
    sys.path.remove(str(library))
    assert opened.files(BlockProvenance({"code team:TABLE": ""}, left=frozenset())) == {}


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("TABLE = [readers.read(PATH), object]", "TABLE"),
        ("@readers.decorate(readers.read(PATH))\nclass Table:\n    pass", "Table"),
        ("with open(PATH) as file:\n    TABLE = [file.read(), object]", "TABLE"),
        ("if PATH:\n    TABLE = [readers.read(PATH), object]", "TABLE"),
    ],
)
def test_a_line_of_a_module_leaves_it_in_what_it_binds(modules: Path, line: str, key: str) -> None:
    (modules / "team.py").write_text(
        f"import readers\nfrom pathlib import Path\n\nPATH = Path({str(modules / 'old.txt')!r})\nOTHER = []\n{line}\n"
    )
    opened = Opened()
    with opened.listening():
        importlib.import_module("team")
    for name, expected in ((key, [str(modules / "old.txt")]), ("OTHER", [])):
        assert list(opened.files(BlockProvenance({f"code team:{name}": ""}, left=frozenset()))) == expected


def test_a_database_that_was_written_is_no_input(modules: Path) -> None:
    for name in ("read.db", "written.db"):
        with closing(sqlite3.connect(modules / name)) as made:
            made.execute("create table t (x)")
        os.utime(modules / name, (1, 1))
    (modules / "team.py").write_text(
        "import functools\nimport sqlite3\n\n@functools.cache\ndef ask(path, what):\n"
        "    with sqlite3.connect(path) as found:\n        found.execute(what)\n    found.close()\n"
    )
    opened = Opened()
    with opened.listening():
        ask = importlib.import_module("team").ask
        ask(modules / "read.db", "select * from t")
        ask(modules / "written.db", "insert into t values (1)")
    assert list(opened.files(BlockProvenance({"code team:ask": ""}, left=frozenset()))) == [str(modules / "read.db")]


def test_a_loop_over_lines_leaves_them_in_what_it_fills(modules: Path) -> None:
    (modules / "team.py").write_text(
        f"from pathlib import Path\n\nRATES = {{}}\nPATH = Path({str(modules / 'old.txt')!r})\n"
        "for line in PATH.read_text().split():\n    RATES[line] = object\n"
    )
    opened = Opened()
    with opened.listening():
        importlib.import_module("team")
    assert len(opened.files(BlockProvenance({"code team:RATES": ""}, left=frozenset()))) == 1


def test_what_threads_read_may_be_left_anywhere(modules: Path) -> None:
    opened = Opened()
    with opened.listening(), ThreadPoolExecutor() as pool:
        list(pool.map(importlib.import_module("readers").read, [modules / "old.txt"]))
    assert len(opened.files(BlockProvenance({}, left=frozenset()))) == 1


def test_a_file_of_variables_counts_for_all_that_read_some(modules: Path) -> None:
    (modules / "team.py").write_text("import os\n\ndef fill(path):\n    os.environ['MLEXP_TEST'] = path.read_text()\n")
    opened = Opened()
    with opened.listening(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLEXP_TEST", "")
        importlib.import_module("team").fill(modules / "old.txt")
    assert len(opened.files(BlockProvenance({"variable RATE": ""}, left=frozenset()))) == 1
    assert opened.files(BlockProvenance({}, left=frozenset())) == {}


def test_what_counts_by_its_value_needs_no_file(modules: Path) -> None:
    (modules / "team.py").write_text(
        f"import readers\nfrom pathlib import Path\n\nTEXT = readers.read(Path({str(modules / 'old.txt')!r}))\n"
    )
    opened = Opened()
    with opened.listening():
        importlib.import_module("team")
    assert opened.files(BlockProvenance({"code team:TEXT": ""}, left=frozenset())) == {}


def test_code_that_was_typed_in_may_have_left_it_anywhere(modules: Path) -> None:
    names = {"__name__": "__main__", "path": modules / "old.txt"}
    opened = Opened()
    with opened.listening():
        exec(compile("table = path.read_text()", os.path.join("cell", "1"), "exec"), names)  # noqa: PTH118, S102
    assert list(opened.files(BlockProvenance({}, left=frozenset()))) == [str(modules / "old.txt")]
