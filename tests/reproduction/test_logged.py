"""Sessions that were logged, as they are found again: also where their journal is damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mlexp.cli import main
from pytest_mlexp.errors import SettingsError
from pytest_mlexp.records import CellRecord, DatasetRecord, EndRecord, SessionRecord
from pytest_mlexp.reproduction.logged import Logged, find
from pytest_mlexp.tracking.journal import FILE_NAME, STATE_FOLDER, Journal
from tests.tracking.conftest import flip_bit


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    folder = tmp_path / STATE_FOLDER / "sessions" / "s1"
    cells = [CellRecord(name, "churn", "forest", DatasetRecord("telco"), "roc", "cpu") for name in ("one", "two")]
    with Journal(folder) as journal:
        journal.append(SessionRecord("s1", 1_000, ("pytest",)))
        for cell in cells:
            journal.append(cell)
        journal.append(EndRecord(9_000, "FINISHED"))
    return folder / FILE_NAME


def found(journal: Path, name: str) -> Logged:
    return find(name, journal.parents[3], fetch=lambda _: None, store=None)


def test_a_damaged_cell_is_told_by_reproduce_and_in_the_list_of_sessions(
    journal: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(journal.parents[3])
    flip_bit(journal, b'"cell":"two"')
    damage = f"line 3 of {journal} is damaged: it does not fit its checksum, and counts as not there"
    assert main(["reproduce", "s1", "--show"]) == 0
    rows = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert ["cells", "1 cell: one"] in rows
    assert ["damage", damage] in rows
    assert main(["reproduce"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == damage
    with pytest.raises(SettingsError, match=r"no cell 'two': known: one; line 3 of .* is damaged"):
        found(journal, "s1/two")


def test_a_damaged_beginning_is_not_taken_for_one_that_was_cut_off(journal: Path) -> None:
    flip_bit(journal, b'"command"')
    with pytest.raises(SettingsError, match=r"no session record: line 1 of .* is damaged"):
        found(journal, "s1")


def test_a_line_that_was_cut_off_is_no_damage(journal: Path) -> None:
    journal.write_bytes(journal.read_bytes()[:-20])
    assert found(journal, "s1").damage is None
