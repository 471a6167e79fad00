from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import pytest

from pytest_mlexp.plugin.sharing import PREFIX, SharedFolder
from pytest_mlexp.tracking.owner import own


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def left_behind(place: Path, name: str) -> Path:
    """What a session that was killed an hour ago leaves: a lock that nobody holds."""
    folder = place / f"{PREFIX}{name}"
    folder.mkdir()
    (folder / "trial").write_bytes(b"...")
    owner = own(folder)
    assert owner is not None
    owner.let_go()
    os.utime(folder, (time.time() - 3600,) * 2)
    return folder


def test_what_a_killed_session_left_is_taken_away(temporary: Path) -> None:
    folder = left_behind(temporary, "killed")
    shared = SharedFolder()
    assert not folder.exists()
    shared.remove()
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize("kind", ["living", "young", "of nobody"])
def test_what_may_be_in_use_stays(temporary: Path, kind: str) -> None:
    folder = left_behind(temporary, kind)
    owner = own(folder) if kind == "living" else None
    if kind == "young":
        os.utime(folder)
    if kind == "of nobody":
        (folder / "writer.lock").unlink()
        os.utime(folder, (time.time() - 3600,) * 2)
    SharedFolder().remove()
    assert (folder / "trial").exists()
    if owner is not None:
        owner.let_go()
