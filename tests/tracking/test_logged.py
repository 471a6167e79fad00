"""What was mirrored can be brought back: the records in MLflow are whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_mlexp.errors import TrackingError
from pytest_mlexp.records import SessionRecord, TestRecord
from pytest_mlexp.tracking._mlflow import mirror
from pytest_mlexp.tracking._mlflow.logged import fetch_logged

if TYPE_CHECKING:
    from tests.tracking.conftest import Store

NODE = "tests/test_it.py::test_it[forest-cpu]"


def test_a_session_comes_back_by_every_name_as_it_was(store: Store) -> None:
    forest, tree = store.cell("forest-cpu"), store.cell("tree-cpu", metrics={}, error="ValueError: no")
    other = store.cell("other-cpu", experiment="fraud")
    test = TestRecord("forest-cpu", "churn", NODE, "passed", 1.0)
    store.mirror_cells(forest, tree, other, test)
    runs = store.runs()
    for name, cells in (
        ("s1", [forest, tree, other]),
        (runs["s1"].info.run_id, [forest, tree]),
        (runs["forest-cpu"].info.run_id, [forest]),
    ):
        found = fetch_logged(name, store.uri)
        assert found is not None
        assert found.session == store.session
        assert sorted(found.cells, key=repr) == sorted(cells, key=repr)
        assert found.tests == (test,)


def test_a_session_under_an_active_run_comes_back(store: Store) -> None:
    client = store.client
    outer = client.create_run(client.create_experiment("mine"), run_name="outer").info.run_id
    session = SessionRecord("s1", 1_000, ("pytest",), parent_run=outer, environment=store.session.environment)
    assert mirror(store.write(session, store.cell(), store.end), store.uri).failed is None
    found = fetch_logged(store.runs()["forest-cpu"].info.run_id, store.uri)
    assert found is not None
    assert found.session == session


def test_what_the_store_does_not_know_is_none(store: Store) -> None:
    for name in ("s2", "0" * 32, "it's", ""):
        assert fetch_logged(name, store.uri) is None


def test_a_run_without_its_session_says_so(store: Store) -> None:
    store.mirror_cells(store.cell())
    runs = store.runs()
    store.client.set_tag(runs["forest-cpu"].info.run_id, "mlflow.parentRunId", runs["forest-cpu"].info.run_id)
    with pytest.raises(TrackingError, match=r"no session\.json"):
        fetch_logged(runs["forest-cpu"].info.run_id, store.uri)


def test_a_store_that_is_away_says_so() -> None:
    with pytest.raises(TrackingError, match="MLflow at http://127"):
        fetch_logged("s1", "http://127.0.0.1:9")
