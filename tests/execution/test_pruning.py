from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from pytest_mlexp.cli import main
from pytest_mlexp.cli.store import seconds
from pytest_mlexp.errors import SettingsError
from pytest_mlexp.execution.pruning import DAY, entries, prune
from tests.execution.keeping import OUTCOME, sought, store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four outcomes of one trial, used 0, 1, 2 and 3 days ago."""
    root = tmp_path / ".mlexp" / "store"
    for days in range(4):
        used, asked = store(root), sought(data=str(days))
        key = used.get(asked, lambda: OUTCOME).key
        assert used.kept is not None
        os.utime(used.kept.path("shop", "trial", key), (time.time() - days * DAY,) * 2)
    return root


def test_what_was_not_used_for_long_goes_except_the_latest_of_each_trial(folder: Path) -> None:
    assert len(entries(folder)) == 4
    assert prune(folder, older_than=9 * DAY) == []
    assert len(prune(folder, older_than=1.5 * DAY)) == 2
    (removed,) = prune(folder, older_than=0, keep=1)
    (left,) = entries(folder)
    assert left.used > removed.used
    prune(folder, older_than=0)
    assert entries(folder) == []


def test_what_a_session_reused_counts_as_used(folder: Path) -> None:
    for entry in entries(folder):
        os.utime(entry.path, (0, 0))
    assert store(folder).get(sought(data="2"), lambda: OUTCOME).reused
    prune(folder, older_than=DAY)
    assert len(entries(folder)) == 1


def test_drafts_and_descriptions_go_only_when_nobody_can_be_at_work(folder: Path) -> None:
    draft = folder / "shop" / ".draft.123-1"
    draft.write_text("half")
    prune(folder, older_than=0)
    (described,) = (folder / "parts").iterdir()
    assert draft.exists()
    for path in (draft, described):
        os.utime(path, (0, 0))
    prune(folder, older_than=0)
    assert not draft.exists()
    assert not described.exists()


def test_a_description_that_is_referred_to_stays(folder: Path) -> None:
    (described,) = (folder / "parts").iterdir()
    os.utime(described, (0, 0))
    prune(folder, older_than=9 * DAY)
    assert described.exists()


def test_the_command_shows_and_prunes(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder.parent.parent)
    assert main(["store"]) == 0
    assert [line.split()[:3] for line in capsys.readouterr().out.splitlines()[2:]] == [
        ["shop", "4", "0"],
        ["all", "4", "0"],
    ]
    assert main(["store", "--prune", "--older-than", "36h"]) == 0
    assert capsys.readouterr().out.startswith("removed 2 entries")
    assert main(["store", "--prune", "--older-than", "0m", "--keep", "1"]) == 0
    assert main(["store", "--path", str(folder / "nowhere")]) == 0
    assert "nothing is kept in" in capsys.readouterr().out
    assert len(entries(folder)) == 1


@pytest.mark.parametrize("text", ["30", "d", "", "-1d", "1.5d", "3y"])
def test_an_age_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="whole number with a unit"):
        seconds(text)
