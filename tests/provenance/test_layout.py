"""How data lie in memory, and the code of their classes, are part of the key of a trial and not of a digest."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from pytest_mlexp import Dataset
from pytest_mlexp.provenance.contained import classes_in
from pytest_mlexp.provenance.explaining import differences
from pytest_mlexp.provenance.fingerprint import follow
from pytest_mlexp.provenance.provenance import Provenances
from pytest_mlexp.provenance.session.effects import SessionEffects

VALUES = np.arange(40.0).reshape(20, 2)


@pytest.mark.parametrize(
    ("one", "other", "told"),
    [
        (np.ascontiguousarray, np.asfortranarray, ["layout changed: (none) -> X Fortran order"]),
        (sparse.csr_matrix, sparse.csc_matrix, ["layout changed: X csr -> X csc"]),
        (np.ascontiguousarray, np.copy, []),
    ],
    ids=["order", "format", "same"],
)
def test_the_layout_of_arrays_counts(one: Callable[..., Any], other: Callable[..., Any], told: list[str]) -> None:
    first, second = (Dataset.from_arrays(make(VALUES), np.arange(20.0), split=0.25) for make in (one, other))
    assert first.digest == second.digest
    looking = Provenances()
    assert differences(looking._of_data(first), looking._of_data(second)) == told


@pytest.mark.parametrize(
    ("rows", "counts"),
    [
        ([{"b": 2, "a": 1}, {"b": 3, "a": 4}], True),
        ([{"a": 1, "b": 2}, {"b": 3, "a": 4}], True),
        ([{"a": 1, "b": 2}, {"a": 4, "b": 3}], False),
    ],
)
def test_the_order_of_keys_counts(rows: list[dict[str, int]], counts: bool) -> None:
    before = Dataset.from_records([{"a": 1, "b": 2}, {"a": 4, "b": 3}], split=0.5)
    after = Dataset.from_records(rows, split=0.5)
    assert before.digest == after.digest
    looking = Provenances()
    assert (looking._of_data(before) != looking._of_data(after)) is counts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (np.ascontiguousarray(VALUES), np.asfortranarray(VALUES)),
        (VALUES[:, :1], VALUES[:, :1].copy()),
    ],
    ids=["keys", "order", "strides"],
)
def test_so_does_that_of_what_a_model_holds(one: object, other: object) -> None:
    texts = [follow([value], named=True)[1] for value in (one, other)]
    assert texts[0] != texts[1]


RECORDS = """
from dataclasses import dataclass
from pytest_mlexp import Dataset

class Text(str):
    def words(self):
        return 1

@dataclass
class Doc:
    text: Text

    def value(self):
        return 1

ROWS = {rows}
dataset = Dataset.from_records(ROWS, split=0.5)
"""
DOC, TEXT = "return 1\n\nROWS", "return 1\n\n@dataclass"


@pytest.fixture
def forgotten() -> Iterator[None]:
    yield
    sys.modules.pop("recorded", None)


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize(
    ("rows", "old", "counts"),
    [
        ("[Doc(Text('a')), Doc(Text('b'))]", DOC, True),
        ("[Doc(Text('a')), Doc(Text('b'))]", TEXT, True),
        ("[{'doc': [Doc(Text('a'))]}, {'doc': 1}]", DOC, True),
        ("[Text('a'), Text('b')]", TEXT, True),
        ("[Text('a'), Text('b')]", DOC, False),
        ("[{'doc': 1}, {'doc': 2}]", DOC, False),
    ],
)
def test_methods_of_examples_count(
    rows: str,
    old: str,
    counts: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    found = []
    for text in (RECORDS, RECORDS.replace(old, old.replace("1", "2"))):
        (tmp_path / "recorded.py").write_text(text.format(rows=rows))
        sys.modules.pop("recorded", None)
        importlib.invalidate_caches()
        dataset = importlib.import_module("recorded").dataset
        provenances = Provenances(SessionEffects(["recorded"]))
        found.append([each.digest for each in provenances._of_records(dataset)])
    assert (found[0] != found[1]) is counts


def test_classes_are_found_in_frames_and_arrays() -> None:
    pd = pytest.importorskip("pandas")

    class Word(str):
        __slots__ = ()

    assert Word in classes_in(pd.DataFrame({"n": [1], "word": pd.Series([Word("a")], dtype=object)}))
    assert Word in classes_in(np.array([[Word("a")]], dtype=object))
    assert classes_in(VALUES, ["a", "b"], [1.0], None) == []
