from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import pytest

from pytest_mlexp.tracking.origins import origin


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ({"url": "file://{top}", "dir_info": {"editable": True}}, "editable:."),
        ({"url": "file://{top}/sub", "dir_info": {"editable": True}}, "editable:sub"),
        ({"url": "file:///elsewhere/a%20b.whl", "archive_info": {}}, "file:/elsewhere/a b.whl"),
        (
            {"url": "https://user:hunter2@host/a.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee"}},
            "git+https://host/a.git@c0ffee",
        ),
        ({"url": "https://host/a.zip", "archive_info": {}}, "https://host/a.zip"),
        ({}, None),
        (None, None),
    ],
)
def test_the_origin_is_what_the_installer_wrote(tmp_path: Path, written: object, expected: str | None) -> None:
    folder = tmp_path / "a-1.dist-info"
    folder.mkdir()
    if written is not None:
        (folder / "direct_url.json").write_text(json.dumps(written).replace("{top}", tmp_path.as_posix()))
    distribution = importlib.metadata.Distribution.at(folder)
    assert origin(distribution, tmp_path) == expected
    (folder / "INSTALLER").write_text("conda\n")
    assert origin(distribution, tmp_path) is None
