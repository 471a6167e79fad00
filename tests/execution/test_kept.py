"""What the store does with entries that are not what was written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_mlexp.execution.entries import Header
from pytest_mlexp.execution.kept import KeptStore

HEADER = Header("key", "trial", session="", machine="", created=0.0)
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "bit flipped in the header": lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
    "bit flipped in the payload": lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:],
    "truncated": lambda data: data[:-1],
    "empty": lambda _: b"",
    "foreign": lambda _: b"PK\x03\x04 not ours",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_broken_entry_is_told_removed_and_replaced(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    store = KeptStore(tmp_path, session="one")
    path = store.path("experiment", "trial", "key")
    store.keep(path, HEADER, [1, 2, 3])
    path.write_bytes(damage(path.read_bytes()))

    found = store.find(path, lambda _: None)
    assert found.header is None
    assert found.why == "entry broken"
    assert found.broken
    assert not path.exists()

    store.keep(path, HEADER, [1, 2, 3])
    assert store.find(path, lambda _: None).content == [1, 2, 3]


def test_fresh_reads_only_what_its_own_session_kept(tmp_path: Path) -> None:
    earlier = KeptStore(tmp_path, session="one")
    path = earlier.path("experiment", "trial", "key")
    earlier.keep(path, HEADER, "earlier")
    fresh = KeptStore(tmp_path, session="two", fresh=True)
    assert fresh.find(path, lambda _: None).why == "forced"
    fresh.keep(path, HEADER, "now")
    assert fresh.find(path, lambda _: None).content == "now"


def test_what_cannot_be_pickled_is_not_kept_and_is_no_trouble(tmp_path: Path) -> None:
    store = KeptStore(tmp_path, session="one")
    path = store.path("experiment", "trial", "key")
    assert store.keep(path, HEADER, (value for value in "abc")) is None
    assert store.trouble is None
    assert not path.exists()
