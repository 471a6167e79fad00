"""Edits of a project that reaches code in every way: exactly what depends on them gets another key."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest
from reuse_edits import HARMLESS, MATTER, Edit
from reuse_project import FILES, write

from pytest_mlexp.experiment import Experiment
from pytest_mlexp.matrix import Trial, expand
from pytest_mlexp.provenance.libraries import packages
from pytest_mlexp.provenance.provenance import Provenances
from pytest_mlexp.provenance.session.effects import SessionEffects

MODULES = {name.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for name in FILES if "-" not in name}
Keys = dict[tuple[str, str, int], str]
SCRIPT = """
import importlib, json, sys

for name in sys.argv[1:]:
    importlib.import_module(name)
importlib.import_module("conftest")
from shop import shop
from pytest_mlexp.matrix import expand
from pytest_mlexp.provenance.provenance import Provenances

provenances, (block,) = Provenances(), shop.datasets.values()
dataset = block.load()
trials = [trial for cell in expand(shop, ["cpu"]) for trial in cell.trials(["holdout"])]
print(json.dumps({trial.id: provenances.trial(trial, dataset).key for trial in trials}))
"""


def forget() -> None:
    for name in [name for name in sys.modules if name in {*MODULES, "tinylib", "tinydep"}]:
        del sys.modules[name]
    importlib.invalidate_caches()
    for cached in (packages.owners, packages._claims, packages._with_requirements):
        cached.cache_clear()


@pytest.fixture
def isolated(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with mock.patch.dict(os.environ):  # an edit sets a variable, for real
        yield monkeypatch
    forget()


def keys_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Keys:
    forget()
    with monkeypatch.context() as patch:
        patch.syspath_prepend(str(folder / "site-packages"))
        patch.syspath_prepend(str(folder))
        importlib.import_module("conftest")
        return keys(importlib.import_module("shop").shop)


def keys(experiment: Experiment, device: str = "cpu") -> Keys:
    provenances = Provenances(SessionEffects(sorted(MODULES & {*sys.modules})))
    trials = [trial for cell in expand(experiment, [device]) for trial in cell.trials(["holdout"])]
    datasets = {name: block.load() for name, block in experiment.datasets.items()}
    return {_named(trial): provenances.trial(trial, datasets[trial.dataset]).key for trial in trials}


def _named(trial: Trial) -> tuple[str, str, int]:
    name, _, level = trial.variant.name.partition("-level=")
    return name + level, trial.dataset, trial.seed


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keys]:
    folder = tmp_path_factory.mktemp("project")
    write(folder)
    with pytest.MonkeyPatch.context() as patch:
        yield keys_of(folder, patch)
    forget()


@pytest.mark.parametrize(
    "edit", [e for e in (*MATTER, *HARMLESS) if e.in_key], ids=lambda edit: edit.name.replace(" ", "_")
)
def test_exactly_what_depends_on_an_edit_is_run_again(
    tmp_path: Path, isolated: pytest.MonkeyPatch, before: Keys, edit: Edit
) -> None:
    write(tmp_path)
    edit.apply(tmp_path)
    after = keys_of(tmp_path, isolated)
    renamed = {"late_comer": "new"}
    again = {renamed.get(trial[0], trial[0]) for trial, key in after.items() if before.get(trial) != key}
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


def test_only_the_kind_of_device_counts_and_only_where_it_is_asked_for(
    tmp_path: Path, isolated: pytest.MonkeyPatch, before: Keys
) -> None:
    write(tmp_path)
    assert keys_of(tmp_path, isolated) == before
    isolated.syspath_prepend(str(tmp_path / "site-packages"))
    isolated.syspath_prepend(str(tmp_path))
    shop = sys.modules["shop"].shop
    first, second = keys(shop, "cuda:0"), keys(shop, "cuda:1")
    assert first == second
    assert {trial[0] for trial, key in first.items() if before[trial] != key} == {"placed"}


def test_keys_are_the_same_in_every_process_whatever_was_imported_before(tmp_path: Path) -> None:
    write(tmp_path)
    found = []
    for seed, first in (("0", []), ("1", ["late", "kinds.small", "later"]), ("2", ["wrappers", "pkg.sibling", "base"])):
        paths = [str(Path.cwd()), str(tmp_path), str(tmp_path / "site-packages")]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(paths)}
        command = [sys.executable, "-B", "-c", SCRIPT, *first]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        found.append(json.loads(done.stdout))
    assert found[0] == found[1] == found[2]
    assert len(set(found[0].values())) == len(found[0]) > 20
