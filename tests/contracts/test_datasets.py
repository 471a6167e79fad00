"""Laws of datasets: each finds its fault, and a sound dataset breaks none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from pytest_mlexp.blocks.dataset import Dataset
from pytest_mlexp.contracts.checks import check_dataset
from pytest_mlexp.errors import DeclarationError

ROWS = 40


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "age": rng.normal(40, 10, ROWS).round(2),
            "city": np.array(["Bonn", "Kiel", "Jena"], dtype=object)[np.arange(ROWS) % 3],
            "home": np.arange(ROWS) // 2,
            "bought": np.array(["no", "yes"], dtype=object)[rng.permutation(np.arange(ROWS) % 2)],
        }
    )


def sound() -> Dataset:
    return Dataset.from_frame(frame(), target="bought", split=0.25, groups="home")


def changing() -> Dataset:
    shuffled = frame().sample(frac=1, random_state=np.random.randint(10**6)).reset_index(drop=True)  # noqa: NPY002
    return Dataset.from_frame(shuffled, target="bought", split=0.25)


def seeding() -> Dataset:
    np.random.seed(3)  # noqa: NPY002 - the fault
    return sound()


def silencing() -> Dataset:
    np.seterr(divide="ignore")
    return sound()


def split_groups() -> Dataset:
    rows = np.arange(ROWS)
    return Dataset.from_frame(frame(), target="bought", split=(rows[rows % 2 == 0], rows[rows % 2 == 1]), groups="home")


def doubled() -> Dataset:
    twice = pd.concat([frame(), frame()], ignore_index=True)
    rows = np.arange(2 * ROWS)
    return Dataset.from_frame(twice, target="bought", split=(rows[:ROWS], rows[ROWS:]))


def other_types() -> Dataset:
    data = frame()
    data["size"] = pd.Series([1.5] * 30 + ["large"] * 10, dtype=object)
    rows = np.arange(ROWS)
    return Dataset.from_frame(data, target="bought", split=(rows[:30], rows[30:]))


def empty_column() -> Dataset:
    data = frame().assign(late=[np.nan] * 30 + [1.0] * 10)
    rows = np.arange(ROWS)
    return Dataset.from_frame(data, target="bought", split=(rows[:30], rows[30:]))


def telling_column() -> Dataset:
    data = frame()
    data["reason"] = data["bought"].map({"yes": "discount", "no": "none"})
    return Dataset.from_frame(data, target="bought", split=0.25)


def rescaled_target() -> Dataset:
    rng = np.random.default_rng(0)
    y = rng.normal(size=ROWS)
    return Dataset.from_arrays(np.column_stack([rng.normal(size=ROWS), 3 * y + 1]), y, split=0.25)


def unknown_class() -> Dataset:
    data = frame()
    data.loc[35:, "bought"] = "perhaps"
    rows = np.arange(ROWS)
    return Dataset.from_frame(data, target="bought", split=(rows[:30], rows[30:]))


FAULTS: dict[Callable[[], Dataset], str] = {
    changing: "loads_alike",
    seeding: "loading_is_pure",
    silencing: "loading_is_pure",
    split_groups: "splits_disjoint",
    doubled: "duplicates_across",
    other_types: "one_schema",
    empty_column: "one_schema",
    telling_column: "target_not_among_inputs",
    rescaled_target: "target_not_among_inputs",
    unknown_class: "every_class_in_training",
}


def statuses(dataset: Any, **options: Any) -> dict[str, str]:
    return {record.law: record.status for record in check_dataset(dataset, **options)}


def test_a_sound_dataset_breaks_no_law() -> None:
    found = statuses(sound)
    assert found.pop("digest_as_declared") == "not_applicable"
    assert set(found.values()) == {"passed"}
    assert "failed" not in statuses(sound()).values()


@pytest.mark.parametrize(("load", "law"), FAULTS.items(), ids=[load.__name__ for load in FAULTS])
def test_a_fault_breaks_its_law_and_no_other(load: Callable[[], Dataset], law: str) -> None:
    assert [name for name, status in statuses(load).items() if status == "failed"] == [law]


def test_a_digest_is_compared_where_it_is_declared() -> None:
    assert statuses(sound, declares={"digest": sound().digest})["digest_as_declared"] == "passed"
    assert statuses(sound, declares={"digest": "0" * 32})["digest_as_declared"] == "failed"


def test_duplicates_and_leaks_may_be_declared() -> None:
    assert statuses(doubled, declares={"duplicates": 1.0})["duplicates_across"] == "passed"
    assert statuses(telling_column, declares={"leaks": ("reason",)})["target_not_among_inputs"] == "passed"
    with pytest.raises(DeclarationError, match="duplicates"):
        check_dataset(sound, declares={"duplicate": 0.1})


def test_texts_without_a_schema_are_checked_as_far_as_that_goes() -> None:
    def texts() -> Dataset:
        return Dataset.from_records([f"text {i}" for i in range(20)], targets=["a", "b"] * 10, split=0.5)

    found = statuses(texts)
    assert "failed" not in found.values()
    assert found["target_not_among_inputs"] == "not_applicable"
