from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.model_selection import GroupKFold
from torch.utils.data import Dataset as TorchDataset
from torch.utils.data import IterableDataset, TensorDataset

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.errors import DataError


def customers() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "plan": pd.Categorical(["a", "b", "a", None, "b", "a"]),
            "amount": [1.0, np.nan, 3.0, 4.0, 5.0, 6.0],
            "region": ["n", "n", "s", "s", "e", "e"],
            "weight": [1.0, 2.0, 1.0, 1.0, 1.0, 1.0],
            "churned": [0, 1, 0, 1, 0, 1],
        },
        index=[f"id{number}" for number in range(6)],
    )


def tiny(**changes: Any) -> Dataset:
    parts: dict[str, Any] = {"X": np.arange(12.0).reshape(6, 2), "y": np.arange(6), "split": ([0, 1, 2, 3], [4, 5])}
    parts |= changes
    return Dataset.from_arrays(parts.pop("X"), parts.pop("y"), **parts)


def test_a_frame_keeps_names_dtypes_and_identities() -> None:
    frame = customers()
    dataset = Dataset.from_frame(frame, target="churned", split=0.3, groups="region", sample_weight="weight")
    pd.testing.assert_frame_equal(dataset.X, frame[["plan", "amount"]])
    pd.testing.assert_series_equal(dataset.y, frame["churned"])
    assert dataset.examples.tolist() == list(frame.index)
    split = dataset.split("holdout")
    part = dataset.test(split)
    assert part.examples.tolist() == list(part.X.index) == list(part.y.index)
    assert part.X["plan"].dtype == frame["plan"].dtype
    assert not set(part.groups) & set(dataset.train(split).groups)
    assert part.sample_weight.tolist() == frame["weight"].loc[part.examples].tolist()


def test_several_targets_stay_a_frame_and_none_is_none() -> None:
    several = Dataset.from_frame(customers(), target=["churned", "amount"], split=0.5)
    assert list(several.y.columns) == ["churned", "amount"]
    assert Dataset.from_frame(customers(), target=None, split=0.5).y is None


def test_iris_splits_by_group_folds() -> None:
    iris = load_iris(as_frame=True)
    groups = np.arange(150) % 5
    dataset = Dataset.from_arrays(iris.data, iris.target, split=GroupKFold(5), groups=groups)
    assert len(dataset) == 150
    assert [len(dataset.test(split).y) for split in dataset.splits] == [30] * 5


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: tiny(y=np.arange(5)), "X has 6 rows, y has 5"),
        (lambda: tiny(groups=[1]), "X has 6 rows, groups has 1"),
        (lambda: tiny(X=np.empty((0, 2)), y=[]), "no rows"),
        (lambda: tiny(X="abcdef"), "X is of type builtins.str"),
        (lambda: tiny(y={"a": 1}), "y is of type builtins.dict"),
        (lambda: tiny(examples=[1, 2, 3, 1, 5, 6]), "identity 1 stands at rows 0 and 3"),
        (lambda: tiny(examples=[[1]] * 6), "no identity"),
        (lambda: tiny(examples=np.zeros((6, 2))), r"shape \(6, 2\)"),
        (lambda: tiny(groups=["a", None, "b", "b", "c", "c"]), "no label at row 1"),
        (lambda: tiny(sample_weight=[1, 2, 3, 4, 5, np.nan]), "finite number"),
        (lambda: tiny(sample_weight=["1"] * 6), "<U1, shape"),
        (lambda: Dataset.from_frame(customers(), target="chured", split=0.5), "did you mean 'churned'"),
        (lambda: Dataset.from_frame(customers(), target="churned", split=0.5, groups="churned"), "only one of"),
        (lambda: Dataset.from_frame(customers(), target={"churned"}, split=0.5), "no column {'churned'}"),  # type: ignore[arg-type]
        (lambda: Dataset(np.ones(2), None, ("holdout",), [0, 1]), "Split objects"),  # type: ignore[arg-type]
        (lambda: Dataset.from_frame(customers()[["churned"]], target="churned", split=0.5), "no column left"),
        (lambda: Dataset.from_frame({"a": [1]}, target="a", split=0.5), "not a pandas DataFrame"),  # type: ignore[arg-type]
        (
            lambda: Dataset.from_frame(pd.concat([customers()] * 2), target="churned", split=0.5),
            "identity 'id0' stands at rows 0 and 6",
        ),
        (
            lambda: tiny(X=customers()[["amount"]], y=customers()["churned"].iloc[::-1]),
            "different indexes",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_with_the_reason(make: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        make()


def test_an_unknown_split_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DataError, match="holdout"):
        tiny().split("holdot")


@pytest.mark.parametrize("wrap", [np.asarray, sparse.csr_array, pd.DataFrame, lambda table: table.tolist()])
def test_parts_of_one_kind_are_joined_with_their_split(wrap: Any) -> None:
    table = np.arange(10.0).reshape(5, 2)
    dataset = Dataset.from_parts((wrap(table[:3]), [0, 1, 0]), (wrap(table[3:]), [1, 1]))
    split = dataset.split("holdout")
    assert (split.train.tolist(), split.test.tolist()) == ([0, 1, 2], [3, 4])
    assert dataset.test(split).y == [1, 1]
    found = dataset.X.toarray() if sparse.issparse(dataset.X) else np.asarray(dataset.X)
    np.testing.assert_array_equal(found, table)


def test_frames_as_parts_keep_their_index_where_it_is_unique() -> None:
    first, second = customers().iloc[:4], customers().iloc[4:]
    assert Dataset.from_parts(first, second, target="churned").examples.tolist() == list(customers().index)
    again = Dataset.from_parts(first, first, target="churned")
    assert again.examples.tolist() == list(range(8))


@pytest.mark.parametrize(
    ("train", "test", "target", "message"),
    [
        (customers(), customers().astype({"amount": "f4"}), "churned", "not alike"),
        (customers(), customers().drop(columns="plan"), "churned", "not alike"),
        (customers(), customers(), None, r"give an \(X, y\) tuple"),
        (([1], [1]), ([2], None), None, "targets"),
        ((np.ones((2, 2)), [1, 2]), (np.ones((2, 3)), [1, 2]), None, "not alike"),
    ],
)
def test_unlike_parts_are_refused(train: Any, test: Any, target: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Dataset.from_parts(train, test, target=target)


class Ragged(TorchDataset[Any]):
    def __len__(self) -> int:
        return 4

    def __getitem__(self, number: int) -> Any:
        return torch.ones(number + 1)


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Any:
        return iter([1, 2])


def test_tensors_become_arrays() -> None:
    X, y = torch.arange(12, dtype=torch.float32).reshape(4, 3), torch.tensor([0, 1, 0, 1])
    dataset = Dataset.from_torch(TensorDataset(X, y), split=0.5)
    np.testing.assert_array_equal(dataset.X, X.numpy())
    assert (dataset.X.dtype, dataset.y.dtype) == (np.float32, np.int64)
    assert Dataset.from_torch(TensorDataset(X), split=0.5).y is None
    half = Dataset.from_torch(TensorDataset(X.bfloat16()), split=0.5)
    assert half.X.dtype == np.float32


def test_tensors_of_different_shapes_stay_a_list() -> None:
    dataset = Dataset.from_torch(Ragged(), split=0.5)
    assert [item.shape for item in dataset.X] == [(1,), (2,), (3,), (4,)]


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        (Stream(), "map-style"),
        (TensorDataset(torch.ones(2), torch.ones(2), torch.ones(2)), "tuples of"),
        (TensorDataset(torch.ones(0, 2)), "no rows"),
    ],
)
def test_an_unusable_torch_dataset_is_refused(given_: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Dataset.from_torch(given_, split=0.5)


def test_records_stay_a_list() -> None:
    texts = ["good", "bad", "fine", "awful"]
    dataset = Dataset.from_records(texts, targets=[1, 0, 1, 0], split=([0, 1], [3, 2]))
    assert texts == dataset.X
    assert dataset.test(dataset.splits[0]).X == ["awful", "fine"]
    keyed = Dataset.from_records([{"t": t, "label": len(t)} for t in texts], target="label", split=0.5)
    assert keyed.X[0] == {"t": "good"}
    assert keyed.y == [4, 3, 4, 5]
    assert Dataset.from_records([[1, 2], [3], [4, 5, 6]], split=0.4).y is None


@pytest.mark.parametrize(
    ("records", "options", "message"),
    [
        ("text", {}, "records is a str"),
        (iter([1]), {}, "list_iterator"),
        ([{"a": 1}, {"b": 1}], {"target": "a"}, "record 1 has no key 'a'"),
        ([{"a": 1}, 3], {"target": "a"}, "record 1 is a int"),
        ([{"a": 1}], {"target": "a", "targets": [1]}, "both"),
    ],
)
def test_unusable_records_are_refused(records: Any, options: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Dataset.from_records(records, split=0.5, **options)


def test_name_and_version_are_not_in_the_digest() -> None:
    dataset = tiny()
    named = dataclasses.replace(dataset, name="telco", version="2024-06")
    assert named.digest == dataset.digest == pickle.loads(pickle.dumps(named)).digest
    assert repr(named) == "Dataset(name='telco', version='2024-06', rows=6, splits=1)"


@pytest.mark.parametrize(
    "changes",
    [
        {"X": np.arange(1, 13.0).reshape(6, 2)},
        {"y": np.arange(1, 7)},
        {"y": None},
        {"groups": np.zeros(6)},
        {"sample_weight": np.ones(6)},
        {"examples": list("abcdef")},
        {"split": ([0, 1, 2], [4, 5])},
        {"split": [([0, 1, 2, 3], [4, 5]), ([4, 5], [0])]},
    ],
)
def test_every_part_is_in_the_digest(changes: dict[str, Any]) -> None:
    assert tiny(**changes).digest != tiny().digest


@given(st.permutations(range(6)), st.integers(1, 5))
def test_train_and_test_take_the_same_rows_of_every_part(order: list[int], cut: int) -> None:
    dataset = tiny(split=(order[:cut], order[cut:]), groups=list("abcdef"), sample_weight=np.arange(6))
    for part, rows in ((dataset.train(dataset.splits[0]), order[:cut]), (dataset.test(dataset.splits[0]), order[cut:])):
        assert part.y.tolist() == part.examples.tolist() == part.sample_weight.tolist() == rows
        assert part.groups == ["abcdef"[row] for row in rows]
        assert part.X[:, 0].tolist() == [2.0 * row for row in rows]


def test_digest_and_schema_are_made_once_and_only_when_asked() -> None:
    dataset = tiny()
    assert not {"digest", "schema"} & set(vars(dataset))
    assert dataset.digest is dataset.digest
    assert dataset.schema is dataset.schema
