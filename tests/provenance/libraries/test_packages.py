from __future__ import annotations

import importlib
import json
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from pytest_mlexp.provenance.libraries import packages
from pytest_mlexp.provenance.libraries.packages import named
from pytest_mlexp.tracking.environment import capture


def test_every_installed_distribution_is_named_as_its_metadata_says() -> None:
    found = [(named(there), (there.metadata["Name"], there.metadata["Version"])) for there in metadata.distributions()]
    assert found
    assert all(quick == parsed for quick, parsed in found)


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        (
            "METADATA",
            "Metadata-Version: 2.1\nName: A.b_C\nVersion: 1.0+cpu\n\nName: other\nVersion: 2\n",
            "A.b_C 1.0+cpu",
        ),
        ("METADATA", "Metadata-Version: 2.1\nName: a\n\nVersion: 2 of what is told here\n", "a "),
        ("PKG-INFO", "Metadata-Version: 1.1\nName: a\nVersion: 1.0\n", "a 1.0"),
        ("RECORD", "", " "),
    ],
    ids=["heading alone", "without a version", "an egg", "without metadata"],
)
def test_a_name_is_looked_for_in_the_heading_and_parsed_where_that_is_odd(
    tmp_path: Path, file: str, text: str, expected: str
) -> None:
    folder = tmp_path / "a-1.0.dist-info"
    folder.mkdir()
    folder.joinpath(file).write_text(text)
    assert " ".join(named(metadata.Distribution.at(folder))) == expected


def install(site: Path, text: str, told: dict[str, object] | None) -> None:
    """Install version 1.0 of a package as pip does."""
    folder = site / "shop-1.0.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    digest = sha256(text.encode()).hexdigest()
    way = "a" if "1" in text else "b"
    lines = [f"shop/__init__.py,sha256={digest},9", f"shop/__pycache__/x.pyc,,{way}", f"../../bin/shop,sha256={way},1"]
    folder.joinpath("RECORD").write_text("\n".join([*lines, f"shop-1.0.dist-info/direct_url.json,sha256={way},1"]))
    if told is not None:
        folder.joinpath("direct_url.json").write_text(json.dumps(told))
    importlib.invalidate_caches()
    packages.owners.cache_clear()
    packages._with_requirements.cache_clear()


GIT = {"url": "https://host/a.git", "vcs_info": {"vcs": "git", "commit_id": "c0ffee" * 7}}
OTHER_GIT = {"url": "https://host/a.git", "vcs_info": {"vcs": "git", "commit_id": "decade" * 7}}


@pytest.mark.parametrize(
    ("first", "second", "differs"),
    [
        (None, None, False),
        (GIT, OTHER_GIT, True),
        (GIT, GIT, False),
        ({"url": "file:///a", "dir_info": {}}, {"url": "file:///b", "dir_info": {}}, True),
        (
            {"url": "file:///a", "dir_info": {"editable": True}},
            {"url": "file:///a", "dir_info": {"editable": True}},
            False,
        ),
        (
            {"url": "file:///a.whl", "archive_info": {"hash": "sha256=12"}},
            {"url": "file:///b.whl", "archive_info": {"hashes": {"sha256": "12"}, "hash": "sha256=12"}},
            False,
        ),
        (
            {"url": "file:///a.whl", "archive_info": {"hash": "sha256=12"}},
            {"url": "file:///a.whl", "archive_info": {"hash": "sha256=34"}},
            True,
        ),
        ({"url": "file:///a.whl", "archive_info": {}}, {"url": "file:///a.whl", "archive_info": {}}, True),
    ],
    ids=["index", "other commit", "same commit", "folder", "editable", "same archive", "other archive", "no hash"],
)
def test_what_no_index_gave_is_told_apart_under_one_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: Any, second: Any, *, differs: bool
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    seen = []
    for text, told in (("one = 1", first), ("one = 2", second)):
        install(tmp_path, text, told)
        seen.append(packages.versions("shop"))
    assert (seen[0] != seen[1]) is differs
    assert all(version["shop"].startswith("1.0") for version in seen)


def test_one_folder_installed_again_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    install(tmp_path, "one = 1", {"url": "file:///a", "dir_info": {}})
    before = packages.versions("shop")
    record = tmp_path / "shop-1.0.dist-info" / "RECORD"
    record.write_text("\n".join(line.replace("=a,", "=c,") for line in reversed(record.read_text().split("\n"))))
    packages._with_requirements.cache_clear()
    assert packages.versions("shop") == before
    assert "(files " in before["shop"]
    assert capture(tmp_path, ["pytest"]).contents["shop"] in before["shop"]
