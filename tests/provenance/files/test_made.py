"""Files that are made in a session, and those that are not opened as usual."""

from __future__ import annotations

import importlib
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from pytest_mlexp.provenance.files.opened import Opened
from pytest_mlexp.provenance.files.states import changed, contents
from pytest_mlexp.provenance.provenance import BlockProvenance


def test_a_file_that_is_made_where_it_is_missing_counts_as_it_was_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "features.txt"
    opened = Opened()
    with opened.watching():
        if not file.exists():
            file.write_text("2")
        assert file.read_text() == "2"
    before = contents(opened.files(), tmp_path)
    assert changed(before, tmp_path) is None
    file.write_text("3")
    assert changed(before, tmp_path) == "file changed: features.txt"


def test_what_one_model_wrote_and_another_one_read_counts_for_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "pretrained.txt"
    writes, reads = BlockProvenance({}, left=frozenset()), BlockProvenance({}, left=frozenset())
    opened = Opened()
    with opened.watching(writes):
        file.write_text("2")
        file.read_text()
    assert opened.files(writes) == {}
    with opened.watching(reads):
        file.read_text()
    assert list(opened.files(reads)) == [str(file)]


def test_what_was_made_among_temporary_files_does_not_stay(tmp_path: Path) -> None:
    opened = Opened()
    time.sleep(0.02)  # clocks of file systems are coarse
    (tmp_path / "passing.txt").write_text("made by a process that nobody sees")
    with opened.watching():
        (tmp_path / "passing.txt").read_text()
    assert opened.files() == {}


@pytest.mark.parametrize("name", ["{}", "file:{}?mode=ro"])
def test_a_database_counts_by_path_and_by_address(tmp_path: Path, name: str) -> None:
    file = tmp_path / "store.db"
    with closing(sqlite3.connect(file)) as made:
        made.execute("create table t (x)")
    opened = Opened()
    with opened.watching(), closing(sqlite3.connect(name.format(file), uri=name.startswith("file:"))) as connection:
        connection.execute("select * from t").fetchall()
    assert list(opened.files()) == [str(file)]


def test_parquet_counts_although_native_code_reads_it(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1]})
    frame.to_parquet(tmp_path / "read.parquet")
    opened = Opened()
    with opened.watching():
        pd.read_parquet(tmp_path / "read.parquet").to_parquet(tmp_path / "written.parquet")
        pd.read_parquet(str(tmp_path / "read.parquet"))
    assert list(opened.files()) == [str(tmp_path / "read.parquet")]


def test_a_module_that_one_trial_loads_counts_for_the_others_of_its_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loaded_once.py").write_text("VALUE = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    block, other = BlockProvenance({}, left=frozenset()), BlockProvenance({}, left=frozenset())
    opened = Opened()
    with opened.watching(block):
        importlib.import_module("loaded_once")
    del sys.modules["loaded_once"]
    for each, expected in ((block, True), (other, False)):
        with opened.watching(each):
            pass
        assert (str(tmp_path / "loaded_once.py") in opened.files(each)) is expected
