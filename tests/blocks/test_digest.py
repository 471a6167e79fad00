from __future__ import annotations

import copy
import datetime as dt
import os
import pickle
import subprocess
import sys
import timeit
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from pytest_mlexp.blocks.digest import digest_of
from pytest_mlexp.errors import DataError

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
)
ARRAYS = hnp.arrays(
    st.sampled_from(["f8", "f4", "i8", "u1", "?", "M8[s]", "U3", "c16"]), hnp.array_shapes(max_dims=3, max_side=4)
)


@dataclass(frozen=True)
class Box:
    left: int
    label: str


def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "amount": [1.5, np.nan, 3.0],
            "count": [1, 2, 3],
            "plan": pd.Categorical(["a", "b", "a"], categories=["a", "b", "c"]),
            "note": pd.array(["x", None, "nan"], dtype="string"),
            "mixed": pd.Series([1, "1", None], dtype=object),
            "since": pd.date_range("2024-01-01", periods=3, tz="UTC"),
        }
    )


def typed(value: Any) -> Any:
    """Equal exactly where digests must be equal: 1, True and 1.0 are different here."""
    if isinstance(value, list):
        return ["list", *map(typed, value)]
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    return (type(value), str(value))


@given(VALUES, VALUES)
def test_digests_are_equal_exactly_where_values_are(one: Any, other: Any) -> None:
    assert digest_of(copy.deepcopy(one)) == digest_of(one)
    assert (digest_of(one) == digest_of(other)) == (typed(one) == typed(other))


@given(ARRAYS)
def test_memory_layout_does_not_matter(array: Any) -> None:
    doubled = np.repeat(array, 2, axis=0)
    for same in (np.asfortranarray(array), array.copy(), doubled[::2], pickle.loads(pickle.dumps(array))):
        assert digest_of(same) == digest_of(array)


@given(hnp.arrays("i8", hnp.array_shapes(max_dims=2, max_side=5)), st.data())
def test_any_changed_entry_changes_the_digest(array: Any, data: st.DataObject) -> None:
    changed = array.copy()
    changed.flat[data.draw(st.integers(0, array.size - 1))] ^= 1
    assert digest_of(changed) != digest_of(array)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (np.zeros(4), np.zeros(4, "f4")),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.zeros(0), np.zeros((0, 2))),
        (np.zeros(1), [0.0]),
        (np.array(["1", 1], dtype=object), np.array(["1", "1"], dtype=object)),
        ([1, 2], (1, 2)),
        (["ab", "c"], ["a", "bc"]),
        ([[1], [2]], [[1, 2], []]),
        ([1], [True]),
        (1, 1.0),
        ("1", 1),
        (b"a", "a"),
        (None, "None"),
        ({"a": None}, {}),
        ({1, 2}, {1, 3}),
        (Box(1, "a"), Box(1, "b")),
        (Box(1, "a"), {"left": 1, "label": "a"}),
        (dt.date(2024, 1, 1), dt.date(2024, 1, 2)),
        (torch.tensor([1.0]), torch.tensor([2.0])),
        (torch.tensor([1.0], dtype=torch.bfloat16), torch.tensor([1.5], dtype=torch.bfloat16)),
        (sparse.csr_array(np.eye(3)), sparse.csr_array(2 * np.eye(3))),
        (sparse.csr_array((2, 3)), sparse.csr_array((3, 2))),
        (pd.Series([None], dtype=object), pd.Series(["nan"], dtype=object)),
        (pd.Series([None], dtype="string"), pd.Series(["nan"], dtype="string")),
        (pd.Series([1, "a"], dtype=object), pd.Series(["1", "a"], dtype=object)),
        (pd.Series([4904004565857947459], dtype="Int64"), pd.Series([None], dtype="Int64")),
        (pd.Series([1], name="a"), pd.Series([1], name="b")),
        (pd.Index([1, 2]), pd.Index([2, 1])),
        (pd.Categorical(["a"]).codes, pd.Categorical(["a", "b"]).codes),
    ],
)
def test_what_only_looks_alike_has_another_digest(one: Any, other: Any) -> None:
    assert digest_of(one) != digest_of(other)


def changed(column: str, value: Any) -> pd.DataFrame:
    made = frame()
    made.loc[1, column] = value
    return made


@pytest.mark.parametrize(
    "other",
    [
        changed("amount", 2.0),
        changed("count", 9),
        changed("plan", "a"),
        changed("note", "nan"),
        changed("mixed", 1),
        changed("since", pd.Timestamp("2025-01-01", tz="UTC")),
        frame().rename(columns={"amount": "sum"}),
        frame().astype({"count": "int32"}),
        frame().astype({"count": "Int64"}),
        frame()[["count", "amount", "plan", "note", "mixed", "since"]],
        frame().set_index(pd.Index([0, 1, 3])),
        frame().assign(plan=frame()["plan"].cat.remove_unused_categories()),
        frame().assign(plan=frame()["plan"].cat.as_ordered()),
        frame().iloc[:2],
    ],
)
def test_any_change_of_a_frame_changes_its_digest(other: pd.DataFrame) -> None:
    assert digest_of(other) != digest_of(frame())


def test_copies_and_slices_of_a_frame_are_equal() -> None:
    whole = pd.concat([frame(), frame()], ignore_index=True).astype({"plan": frame()["plan"].dtype})
    assert digest_of(frame().copy()) == digest_of(frame()) == digest_of(whole.iloc[:3])


def test_a_frame_with_two_columns_of_one_name_has_a_digest() -> None:
    twice = pd.DataFrame([[1, 2]], columns=["a", "a"])
    assert digest_of(twice) != digest_of(pd.DataFrame([[1, 3]], columns=["a", "a"]))


def test_the_format_of_a_sparse_matrix_does_not_matter() -> None:
    dense = np.array([[0, 1, 0], [2, 0, 3]])
    found = {digest_of(make(dense)) for make in (sparse.csr_array, sparse.csc_array, sparse.coo_array)}
    stored_zero = sparse.csr_array(([0, 1, 2, 3], [0, 1, 0, 2], [0, 2, 4]), shape=(2, 3))
    found.add(digest_of(stored_zero))
    assert len(found) == 1


def test_the_order_of_a_dict_does_not_matter() -> None:
    assert digest_of({"a": 1, "b": 2}) == digest_of({"b": 2, "a": 1})


def test_what_has_no_content_is_refused_by_type() -> None:
    loop: list[Any] = []
    loop.append(loop)
    masked = np.ma.MaskedArray([1, 2], mask=[True, False])
    for value, message in (
        (object(), "builtins.object"),
        ([len], "builtin"),
        (masked, "MaskedArray"),
        (loop, "itself"),
    ):
        with pytest.raises(DataError, match=message):
            digest_of(value)


SCRIPT = """
import numpy as np, pandas as pd
from pytest_mlexp.blocks.digest import digest_of
f = pd.DataFrame({"s": ["a", None], "c": pd.Categorical(["u", "v"]), "o": pd.Series([("t", 1), {"k"}], dtype=object)})
print(digest_of({"x", "y", "z"}, {"b": 1, "a": {"q", "r"}}, np.arange(4.0), f))
"""


def test_the_digest_is_the_same_in_every_process() -> None:
    found = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("0", "1")
    }
    assert len(found) == 1
    assert len(found.pop()) == 32


def test_tiny_data_costs_less_than_a_small_frame() -> None:
    def cost(value: Any) -> float:
        return min(timeit.repeat(lambda: digest_of(value), number=50))

    assert cost((np.zeros((20, 2)), np.zeros(20), np.arange(20))) < cost(frame())
