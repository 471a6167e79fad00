from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_mlexp.errors import GateError, SettingsError
from pytest_mlexp.gates.acceptance import Acceptance, merged
from pytest_mlexp.gates.differences import Change, differences, folded, folded_lines, instead, renamed, vanished
from pytest_mlexp.gates.lock import (
    Accepted,
    Lock,
    LockedCell,
    LockedDataset,
    LockedEvaluator,
    LockedMetric,
    dump,
    parse,
    read,
    read_vectors,
    vectors_path,
    write,
)
from pytest_mlexp.gates.vectors import digest_of_bytes, pack

VECTORS = pack({"m": (np.array([1.0, 0.0, 0.6]), 5)})


def cell(value: float = 0.9, *, drop: float = 0.01, dataset: str = "d1") -> LockedCell:
    accepted = Accepted(value, 0.01, (value, value), "examples", "c", 0.001, ("r",))
    return LockedCell(
        dataset=dataset,
        split="s",
        evaluator="f",
        seeds=1,
        version="1",
        gates=({"metric": "m", "max_drop": drop},),
        metrics={"m": LockedMetric(True, accepted, Accepted(0.95, 0.0, (0.95,), "examples", "c"))},
        contributions=digest_of_bytes(VECTORS),
    )


def acceptance(name: str, entry: LockedCell | None) -> Acceptance:
    digest = entry.dataset if entry else ""
    data = ("data", LockedDataset(digest, "s", 3, "1")) if entry else None
    evaluator = ("e", LockedEvaluator("f", {"m": "maximize"}, "Says it.")) if entry else None
    return Acceptance("toy", name, entry, data, evaluator, VECTORS)


def lock(*names: str) -> Lock:
    return merged(Lock(), [acceptance(name, cell()) for name in names])


def test_the_text_is_the_lock_and_the_lock_is_the_text() -> None:
    text = dump(lock("b-d-e-cpu", "a-d-e-cpu"))
    assert parse(text, where="x") == lock("a-d-e-cpu", "b-d-e-cpu")
    assert text == dump(parse(text, where="x"))
    assert text.index("a-d-e-cpu") < text.index("b-d-e-cpu")
    assert "max_drop = 0.01" in text


def test_what_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path / "mlexp.lock") == Lock()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<<<<<<< HEAD", "after a merge conflict accept the cells anew"),
        ("format = 99", "written by a newer pytest-mlexp"),
        ("experiments = 3", "cannot be read"),
    ],
)
def test_a_text_that_is_no_lock_is_refused(text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        parse(text, where="mlexp.lock")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("value = 0.9\n", "value = nan\n"),
        ("spread = 0.01\n", "spread = inf\n"),
        ("residual = 0.001\n", "residual = nan\n"),
        ("    0.9,\n    0.9,\n", "    0.9,\n    nan,\n"),
        ("    0.9,\n    0.9,\n", ""),
        ("    0.95,\n", "    -inf,\n"),
    ],
)
def test_a_lock_whose_numbers_hold_nothing_is_refused(old: str, new: str) -> None:
    text = dump(lock("a"))
    assert text.count(old) == 1
    with pytest.raises(SettingsError, match=r"toy: a: m( anchor)? is not finite, or has no runs.*accept it anew"):
        parse(text.replace(old, new), where="mlexp.lock")


def test_vectors_stand_beside_the_lock_and_go_with_their_cell(tmp_path: Path) -> None:
    path = tmp_path / "mlexp.lock"
    write(path, lock("a", "b"), {("toy", "a"): VECTORS, ("toy", "b"): VECTORS})
    digest = digest_of_bytes(VECTORS)
    assert read_vectors(path, "toy", "a", digest=digest)["m"].tolist() == [1.0, 0.0, 0.6]
    write(path, lock("b"), {})
    assert not vectors_path(path, "toy", "a").exists()
    assert vectors_path(path, "toy", "b").exists()
    with pytest.raises(GateError, match="needs it: restore it from git"):
        read_vectors(path, "toy", "a", digest=digest)


def test_accepting_one_cell_leaves_the_others() -> None:
    after = merged(lock("a", "b"), [acceptance("a", cell(0.8))])
    assert after.cell("toy", "b") == cell()
    assert after.cell("toy", "a") == cell(0.8)


def test_the_last_cell_takes_its_experiment_along() -> None:
    assert merged(lock("a"), [acceptance("a", None)]) == Lock()


def test_a_dataset_that_no_cell_uses_is_left_out() -> None:
    changed = merged(lock("a"), [acceptance("a", cell(dataset="d2"))])
    assert [found.digest for found in changed.experiments["toy"].datasets.values()] == ["d2"]


def test_every_difference_is_one_line_with_old_and_new() -> None:
    before = lock("a", "gone")
    after = merged(before, [acceptance("a", cell(0.8, drop=0.02)), acceptance("gone", None)])
    assert [str(change) for change in differences(before, after)] == [
        "toy: a: gate m: max_drop=0.01 -> max_drop=0.02",
        "toy: a: m: 0.9000 ± 0.0100 (sd of 2 runs) -> 0.8000 ± 0.0100 (sd of 2 runs)",
        "toy: gone: gate m: max_drop=0.01 -> gone",
        "toy: gone: m: 0.9000 ± 0.0100 (sd of 2 runs) -> gone",
        "toy: gone: m anchor: 0.9500 -> gone",
    ]


def test_a_cell_that_is_gone_is_measured_with_the_new_one_most_like_it() -> None:
    gone, like = "forest-k=1-d-e-cpu", "woods-d-e-cpu"
    new = {("toy", like): {"m": 0.85}, ("toy", "forest-k=2-d-e-cpu"): {"other": 1.0}, ("toys", gone): {"m": 0.5}}
    told = [f"toy: {gone}: if {like} is its new name: m 0.9000 -> 0.8500"]
    assert renamed(lock(gone), [("toy", gone), ("toy", "vanished-d-e-cpu")], new) == told
    elsewhere = {("toy", "woods-other-e-cpu"): {"m": 0.85}}
    assert renamed(lock(gone), [("toy", gone)], elsewhere) == []


def test_what_is_said_alike_of_many_cells_is_one_line() -> None:
    lines = [*(f"toy: c{number}: m: no anchor: data" for number in (3, 1, 0, 2)), "toy: c1: m: slower", "toy: c1: n: a"]
    assert folded_lines([*lines, lines[0]]) == [
        "toy: 4 cells (c0, c1, c2, ...): m: no anchor: data",
        "toy: c1: m: slower",
        "toy: c1: n: a",
    ]


def test_what_changed_alike_in_many_cells_is_one_line_and_all_else_stands_alone() -> None:
    made = [Change(f"toy: c{number}: made of", "data a", "data b") for number in range(5)]
    apart = [
        Change("toy: c0: m", "0.9", "0.8"),
        Change("toy: c1: m", "0.9", "0.7"),
        Change("toy: dataset d", "version 1", "version 2"),
        Change("toy: evaluator q: owner", "us", "them"),
        Change("toy: evaluator r: owner", "us", "them"),
        Change("toys: c0: made of", "data a", "data b"),
        Change("toy: c0: gate m", "max_drop=0.1", "gone"),
        Change("toy: c0: gate m", "", "at_least=0.1"),
    ]
    one, *others = folded([*made, *apart])
    assert str(one) == "toy: 5 cells (c0, c1, c2, ...): made of: data a -> data b"
    assert others == apart
    assert folded(made[:2])[0].where == "toy: 2 cells (c0, c1): made of"


A = {"metric": "m", "at_least": 0.1, "max_drop": 0.01}
B = {"metric": "m", "max_relative_drop": 0.02, "informs": "margin"}
LOOSE = {**A, "max_drop": 0.5}


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        ([A, B], [LOOSE, B], ["at_least=0.1 max_drop=0.01 -> at_least=0.1 max_drop=0.5"]),
        ([A], [A, B], ["nothing -> informs=margin max_relative_drop=0.02"]),
        ([A], [B, A], ["nothing -> informs=margin max_relative_drop=0.02"]),
        ([A, B], [B], ["at_least=0.1 max_drop=0.01 -> gone"]),
        (
            [A],
            [{"metric": "m", "max_drop": 0.5, "primary": True}, {**A, "primary": False}],
            [
                "at_least=0.1 max_drop=0.01 -> at_least=0.1 max_drop=0.01 primary=False",
                "nothing -> max_drop=0.5 primary=True",
            ],
        ),
        ([A, B], [B, A], []),
    ],
)
def test_of_several_gates_on_a_metric_each_change_is_said(old: Any, new: Any, lines: list[str]) -> None:
    before, after = (merged(Lock(), [acceptance("a", replace(cell(), gates=tuple(gates)))]) for gates in (old, new))
    assert [str(change) for change in differences(before, after)] == [f"toy: a: gate m: {line}" for line in lines]


def test_what_is_locked_and_not_there_has_vanished() -> None:
    assert vanished(lock("a", "b"), "toy", ["b", "c"]) == ["a"]
    assert vanished(lock("a"), "other", []) == []


def test_a_cell_that_is_gone_may_be_a_new_one_though_an_accepted_one_is_spelled_alike() -> None:
    lock = merged(Lock(), [Acceptance("toy", name, LockedCell("d", "s", "e", 1)) for name in ("svm-d", "svm2-d")])
    present = ["svm2-d", "machine-d", "other-e"]
    assert instead(lock, "toy", "svm-d", present) == (
        "did you mean 'machine-d'? New here: machine-d, other-e; accepted as well: svm2-d"
    )
    assert instead(lock, "toy", "svm-d", ["svm2-d"]) == "did you mean 'svm2-d'? Known: svm2-d"


@pytest.mark.parametrize("text", ["", "# a comment\n"])
def test_an_empty_file_is_no_accepted_state(text: str) -> None:
    with pytest.raises(SettingsError, match="would hold nothing: restore it from git"):
        parse(text, where="mlexp.lock")
