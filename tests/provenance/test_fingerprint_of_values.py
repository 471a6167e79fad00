from __future__ import annotations

import functools
import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pytest_mlexp.provenance.fingerprint import fingerprint

DIFFERENT = [
    1,
    1.0,
    True,
    "1",
    b"1",
    None,
    (1,),
    [1],
    {1},
    {1: 1},
    (1, 1),
    ((1,), 1),
    "int 1",
    [],
    (),
    {},
    len,
    max,
    math.sin,
    np.exp,
    np.log,
    np.mean,
    accuracy_score,
    [1].append,
    RandomForestClassifier,
    RandomForestClassifier(),
    RandomForestClassifier(10),
    make_pipeline(StandardScaler(), RandomForestClassifier()),
    make_pipeline(StandardScaler(), RandomForestClassifier(10)),
    functools.partial(accuracy_score, normalize=False),
    np.array([1, 2]),
    np.array([[1, 2]]),
    np.array([1, 2], dtype=np.int32),
    np.array([1, 3]),
    np.array([1, None]),
    np.array([1, "a"], dtype=object),
    np.random.default_rng(1),
    np.random.default_rng(2),
    Path("a"),
    Path("b"),
    threading.Lock(),
    math,
    range(3),
    range(4),
]


def test_different_things_have_different_fingerprints() -> None:
    texts = [fingerprint(value) for value in DIFFERENT]
    assert len(set(texts)) == len(DIFFERENT)
    assert all(len(text) == 16 and int(text, 16) >= 0 for text in texts)


def test_the_order_of_a_dict_does_not_count_and_the_order_of_parts_does() -> None:
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    assert fingerprint("a", "b") != fingerprint("b", "a")
    assert fingerprint("a", "b") != fingerprint(("a", "b"))


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(PLAIN, PLAIN)
def test_plain_values_share_a_fingerprint_only_when_they_print_the_same(first: Any, second: Any) -> None:
    canonical = [repr(_sorted(value)) for value in (first, second)]
    assert (fingerprint(first) == fingerprint(second)) == (canonical[0] == canonical[1])


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return type(value)(map(_sorted, value)) if isinstance(value, list | tuple) else value


def test_what_contains_itself_has_a_fingerprint() -> None:
    knot: list[Any] = [1]
    knot.append(knot)

    def recursive(n: int) -> int:
        return n and recursive(n - 1)

    assert fingerprint(knot) != fingerprint([1])
    assert fingerprint(recursive) == fingerprint(recursive)


def test_weights_and_structure_of_a_network_count() -> None:
    torch = pytest.importorskip("torch")

    def net(seed: int, width: int = 2, dtype: Any = torch.float32) -> Any:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return torch.nn.Sequential(torch.nn.Linear(2, width), torch.nn.ReLU()).to(dtype)

    assert fingerprint(net(0)) == fingerprint(net(0))
    variants = [net(0), net(1), net(0, 3), net(0, dtype=torch.bfloat16)]
    assert len({fingerprint(variant) for variant in variants}) == 4


def test_an_estimator_counts_by_its_parameters_not_by_what_it_learned() -> None:
    forest = RandomForestClassifier(2, random_state=0)
    before = fingerprint(forest)
    assert fingerprint(forest.fit([[0], [1]], [0, 1])) == before
    assert fingerprint(forest.set_params(max_depth=1)) != before
