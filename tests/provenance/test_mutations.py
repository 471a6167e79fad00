"""Edits of a project that reaches code in every way: exactly what depends on them gets another key."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from reuse_edits import HARMLESS, MATTER, Edit
from reuse_project import FILES, write

from pytest_mlexp.experiment import Experiment
from pytest_mlexp.matrix import expand
from pytest_mlexp.provenance import packages
from pytest_mlexp.provenance.effects import SessionEffects
from pytest_mlexp.provenance.provenance import Provenances

MODULES = {name.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for name in FILES if "-" not in name}
Keys = dict[tuple[str, int], str]


def forget() -> None:
    for name in [name for name in sys.modules if name in {*MODULES, "tinylib", "tinydep"}]:
        del sys.modules[name]
    importlib.invalidate_caches()
    for cached in (packages.owners, packages._claims, packages._with_requirements):
        cached.cache_clear()


@pytest.fixture
def isolated(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield monkeypatch
    forget()


def keys_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    forget()
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(folder / "site-packages"))
        patch.syspath_prepend(str(folder))
        return keys(importlib.import_module("shop").shop)


def keys(experiment: Experiment) -> Keys:
    (block,) = experiment.datasets.values()
    provenances = Provenances(SessionEffects(sorted(MODULES & {*sys.modules})))
    trials = [trial for cell in expand(experiment, ["cpu"]) for trial in cell.trials(["holdout"])]
    dataset = block.load()
    return {_named(t.variant.name, t.seed): provenances.trial(t, dataset).key for t in trials}


def _named(variant: str, seed: int) -> tuple[str, int]:
    name, _, level = variant.partition("-level=")
    return name + level, seed


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    folder = tmp_path_factory.mktemp("project")
    write(folder)
    with pytest.MonkeyPatch.context() as patch:
        yield keys_of(folder, patch)
    forget()


@pytest.mark.parametrize("edit", [*MATTER, *HARMLESS], ids=lambda edit: edit.name.replace(" ", "_"))
def test_exactly_what_depends_on_an_edit_is_run_again(
    tmp_path: Path, isolated: pytest.MonkeyPatch, before: Keys, edit: Edit
) -> None:
    write(tmp_path)
    edit.apply(tmp_path)
    after = keys_of(tmp_path, isolated)
    renamed = {"late_comer": "new"}
    again = {renamed.get(name, name) for (name, seed), key in after.items() if before.get((name, seed)) != key}
    assert again == edit.again


def test_a_copy_elsewhere_has_the_same_keys(tmp_path: Path, isolated: pytest.MonkeyPatch, before: Keys) -> None:
    write(tmp_path / "deep" / "down")
    assert keys_of(tmp_path / "deep" / "down", isolated) == before
    assert len(set(before.values())) == len(before)


def test_what_models_count_and_remember_while_they_work_changes_no_key(
    tmp_path: Path, isolated: pytest.MonkeyPatch, before: Keys
) -> None:
    write(tmp_path)
    assert keys_of(tmp_path, isolated) == before
    shop = sys.modules["shop"]
    for number in (1.0, 2.0):
        shop.remembered(number)
    assert (shop.CALLS, len(shop.CACHE)) == (2, 2)
    isolated.syspath_prepend(str(tmp_path / "site-packages"))
    isolated.syspath_prepend(str(tmp_path))
    assert keys(shop.shop) == before
    importlib.import_module("late")
    assert keys(shop.shop) == before
