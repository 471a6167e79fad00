"""A module whose file was edited after its import: what runs is not what the text says."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_mlexp.provenance.provenance import Provenances
from pytest_mlexp.provenance.session.editing import EditedSinceImportError
from pytest_mlexp.provenance.session.effects import SessionEffects
from tests.provenance.reached import forget

PART = '''
from enum import Enum

LIMIT = 3
TABLE = {"a": 1}
CACHE = {}

def scale(x, by=2):
    """Times two."""
    return x * by

class Kind(Enum):
    FIRST = 1.5
    SECOND = (1, 2)

class Part:
    weight = 1

    @property
    def twice(self):
        return self.weight * 2

    def run(self, x):
        return scale(x) + self.weight + LIMIT + TABLE["a"] + len(CACHE) + Kind.FIRST.value
'''
SHOP = """
from part import Part
from pytest_mlexp import Experiment

shop = Experiment("shop")

@shop.model
def model():
    return Part().run
"""


@pytest.fixture(params=[True, False], ids=["compiled", "not compiled"])
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Path]:
    monkeypatch.setattr(sys, "dont_write_bytecode", not request.param)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "part.py").write_text(PART)
    (tmp_path / "shop_model.py").write_text(SHOP)
    forget()
    yield tmp_path
    forget()


def edit(file: Path, old: str, new: str) -> None:
    later = file.stat().st_mtime + 10  # what Python compiled is told from other texts by seconds and size
    file.write_text(PART.replace(old, new))
    os.utime(file, (later, later))


def key() -> str:
    shop = importlib.import_module("shop_model").shop
    return Provenances(SessionEffects(["part", "shop_model"])).model(shop.models["model"]).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("x * by", "x + by"),
        ("by=2", "by=3"),
        ("weight = 1", "weight = 2"),
        ("weight * 2", "weight * 3"),
        ('"a": 1', '"a": 2'),
        ("FIRST = 1.5", "FIRST = 2.5"),
        ("    def run", "    def more(self):\n        return 1\n\n    def run"),
    ],
)
def test_a_module_that_was_edited_since_is_refused_until_it_is_loaded_again(folder: Path, old: str, new: str) -> None:
    before = key()
    assert old in PART
    edit(folder / "part.py", old, new)
    with pytest.raises(EditedSinceImportError, match=r"part\.py was edited after it was imported"):
        key()
    for name in ("part", "shop_model"):
        importlib.reload(sys.modules[name])
    assert key() != before


@pytest.mark.parametrize(
    ("old", "new"), [("x * by", "x * by  # twice"), ("Times two.", "Doubled."), ("\ndef", "\n\ndef")]
)
def test_an_edit_that_changes_nothing_refuses_nothing(folder: Path, old: str, new: str) -> None:
    before = key()
    edit(folder / "part.py", old, new)
    assert key() == before


def test_what_a_module_remembers_is_no_edit(folder: Path) -> None:
    before = key()
    part = sys.modules["part"]
    part.CACHE["a"] = 1
    os.utime(folder / "part.py")
    assert key() == before
