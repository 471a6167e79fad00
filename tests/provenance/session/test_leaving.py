"""Whether what one model leaves behind in a process may be found by another one."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_mlexp.provenance.provenance import Provenances
from pytest_mlexp.provenance.session.effects import SessionEffects
from tests.provenance.reached import SHOP, forget

MODELS = "\n@shop.model\ndef first():\n    return {}\n\n@shop.model\ndef second():\n    return {}\n"
READ = "open(path).read()"
FOUND = {
    "a table": (
        f"TABLE = {{}}\ndef put(path):\n    TABLE[path] = {READ}\ndef get():\n    return TABLE\n",
        "put",
        "get",
    ),
    "a cache": (f"import functools\n@functools.cache\ndef load(path):\n    return {READ}\n", "load", "load"),
    "a global": (
        f"TEXT = None\ndef put(path):\n    global TEXT\n    TEXT = {READ}\ndef get():\n    return TEXT\n",
        "put",
        "get",
    ),
    "a list": (f"SEEN = []\ndef put(path):\n    SEEN.append({READ})\ndef get():\n    return SEEN\n", "put", "get"),
    "a default": (f"def load(path, seen=[]):\n    seen.append({READ})\n    return seen\n", "load", "load"),
    "a class": (
        f"class P:\n    s = []\n    def run(self, path):\n        self.s.append({READ})\nclass G(P):\n    pass\n",
        "P().run",
        "G().run",
    ),
    "an attribute of a class": (
        f"class Kept:\n    pass\ndef put(path):\n    Kept.text = {READ}\ndef get():\n    return Kept.text\n",
        "put",
        "get",
    ),
    "a closure": (
        f"def outer():\n    s = {{}}\n    def put(path):\n        s[path] = {READ}\n    return put\nput = outer()\n",
        "put",
        "put",
    ),
}
LOST = {
    "two functions": (f"def one(path):\n    return {READ}\ndef two():\n    return 1\n", "one", "two"),
    "a registry that is filled at import": (
        (
            "KNOWN = {}\ndef register(f):\n    KNOWN[f.__name__] = f\n    return f\n"
            f"@register\ndef one(path):\n    return {READ}\n@register\ndef two():\n    return KNOWN\n"
        ),
        "lambda X: 1",
        "KNOWN['two']",
    ),
    "a shared function": (f"def one(path):\n    return {READ}\n", "one", "one"),
    "a shared class": (
        f"class Kept:\n    size = 1\n    def run(self, path):\n        self.text = {READ}\n",
        "Kept().run",
        "Kept().run",
    ),
}


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    forget()
    yield
    forget()


def may_find(folder: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str, str]) -> bool:
    text, *models = case
    (folder / "shop_model.py").write_text(text + SHOP + MODELS.format(*models))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(str(folder))
    shop = importlib.import_module("shop_model").shop
    provenances = Provenances(SessionEffects(["shop_model"]))
    first, second = (provenances.model(shop.models[name]) for name in ("first", "second"))
    assert first.may_find_what(first)
    return second.may_find_what(first)


@pytest.mark.parametrize("case", FOUND.values(), ids=FOUND)
def test_what_is_left_where_another_model_may_look_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str, str]
) -> None:
    assert may_find(tmp_path, monkeypatch, case)


@pytest.mark.parametrize("case", LOST.values(), ids=LOST)
def test_what_is_left_nowhere_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: tuple[str, str, str]
) -> None:
    assert not may_find(tmp_path, monkeypatch, case)


def test_an_optional_library_that_is_not_here_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "try:\n    import absent_library as fast\nexcept ImportError:\n    fast = None\n"
    assert not may_find(tmp_path, monkeypatch, (text, "lambda X: fast", "lambda X: 1"))
