"""Files that are read before any trial runs, and what models have of them."""

from __future__ import annotations

import re

import pytest

from tests.plugin.conftest import Project

SETTINGS = """
import functools
from pathlib import Path

HERE = Path(__file__).parent


class Settings:
    hooked = fixed = 0.0


S = Settings()


def read(name):
    return float((HERE / f"{name}.txt").read_text())


@functools.lru_cache
def cached(name):
    return read(name)


class Body:
    level = read("in_class")


AT_IMPORT = [read("at_import"), object]
UNUSED = [read("unused"), object]
"""
FILLING = """
import settings


class Filled:
    level = 0.0


def fill():
    Filled.level = settings.read("filled")


fill()
"""
CONFTEST = """
import pytest
import settings


def pytest_configure(config):
    settings.S.hooked = settings.read("hooked")


@pytest.fixture(autouse=True)
def fixed():
    settings.S.fixed = settings.read("fixed")
"""
BLOCKS = """
import filling
import numpy as np
import settings
from pytest_mlexp import Dataset, Experiment

shop = Experiment("shop", seeds=(0,))


@shop.dataset(version="1")
def numbers():
    settings.cached("by_dataset")
    return Dataset.from_arrays(np.arange(10.0), np.arange(10.0), split=0.5)


@shop.model
def by_dataset():
    return lambda X: [settings.cached("by_dataset")] * len(X)


@shop.model
def by_test():
    return lambda X: [settings.cached("by_test")] * len(X)


@shop.model
def hooked():
    return lambda X: [settings.S.hooked] * len(X)


@shop.model
def fixed():
    return lambda X: [settings.S.fixed] * len(X)


@shop.model
def filled():
    return lambda X: [filling.Filled.level] * len(X)


@shop.model
def in_class():
    return lambda X: [settings.Body.level] * len(X)


@shop.model
def at_import():
    return lambda X: [settings.AT_IMPORT[0]] * len(X)


@shop.model
def untouched():
    return lambda X: [1.0] * len(X)


@shop.evaluator(minimize="error")
def error(y_true, y_pred):
    return float(np.mean(np.abs(y_true - y_pred)))
"""
TESTS = """
import pytest
import settings
from blocks import shop


def test_settings():
    assert settings.cached("by_test") and settings.read("only_tested")


@pytest.mark.mlexp(shop)
def test_quality(evaluation):
    assert evaluation["error"] >= 0
"""
# Files that are edited together -> the models that may have something of them. All attributes of one object, and all
# that one cache holds, are one; what a module does when it is imported counts for all that import it.
MODELS = ("by_dataset", "by_test", "hooked", "fixed", "filled", "in_class", "at_import", "untouched")
EDITS: list[dict[str, tuple[str, ...]]] = [
    {
        "by_dataset": ("by_dataset", "by_test"),
        "hooked": ("hooked", "fixed"),
        "in_class": ("in_class",),
        "unused": (),
    },
    {
        "by_test": ("by_dataset", "by_test"),
        "fixed": ("hooked", "fixed"),
        "at_import": ("at_import",),
        "only_tested": (),
    },
    {"filled": MODELS},
]


@pytest.fixture
def reading(project: Project) -> Project:
    files = {"settings": SETTINGS, "filling": FILLING, "conftest": CONFTEST, "blocks": BLOCKS, "test_it": TESTS}
    for name, text in files.items():
        (project.root / f"{name}.py").write_text(text, encoding="utf-8")
    for name in [name for edits in EDITS for name in edits]:
        (project.root / f"{name}.txt").write_text("1", encoding="utf-8")
    return project


def explained(project: Project, *options: str) -> dict[str, str]:
    """Why each model was run again or not."""
    result = project.pytest("--mlexp", "--mlexp-explain", *options, process=True)
    assert result.ret == 0, result.stdout.str()
    row = r"^trials of shop-(\w+)-numbers-\S+\s+seed=\S+\s+(?:run|reused)\s+(.*?)\s*$"
    return dict(re.findall(row, result.stdout.str(), re.MULTILINE))


def test_what_was_read_before_counts_for_models_that_may_have_it(reading: Project) -> None:
    assert explained(reading) == dict.fromkeys(MODELS, "new")
    assert explained(reading) == dict.fromkeys(MODELS, "unchanged")
    for edits in EDITS:
        for name in edits:
            (reading.root / f"{name}.txt").write_text("2", encoding="utf-8")
        again = {model: f"file changed: {name}.txt" for name, models in edits.items() for model in models}
        assert explained(reading) == dict.fromkeys(MODELS, "unchanged") | again


def test_it_does_in_workers(reading: Project) -> None:
    explained(reading, "-n", "2")
    (reading.root / "hooked.txt").write_text("2", encoding="utf-8")
    told = explained(reading, "-n", "2")
    assert told["hooked"] == "file changed: hooked.txt"
    assert told["untouched"] == "unchanged"
