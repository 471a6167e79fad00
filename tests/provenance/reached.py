"""Keys of the one model of a few small modules, before and after an edit of one of them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pytest_mlexp.provenance.provenance import Provenances
from pytest_mlexp.provenance.session.effects import SessionEffects

NAMES = ("base", "part", "settings", "shop_model", "team", "team.inner", "team.shop")
SHOP = "from pytest_mlexp import Experiment\nshop = Experiment('shop')\n"
MODEL = "\n@shop.model\ndef model():\n    return lambda X: value()\n"
Case = tuple[dict[str, str], str, str, str]


def forget() -> None:
    for name in NAMES:
        sys.modules.pop(name, None)
    importlib.invalidate_caches()


def key(folder: Path, files: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The key of the model, in a session that imports ``shop_model`` and, where it is there, ``part`` before it."""
    folder.mkdir()
    for name, text in files.items():
        path = folder / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    forget()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "dont_write_bytecode", True)
        patch.syspath_prepend(str(folder))
        loaded = [importlib.import_module(name) for name in ("part", "shop_model") if name in files]
        shop = loaded[-1].shop
        variant = next(variant for variant in shop.models.values() if variant.name.startswith("model"))
        effects = SessionEffects([name for name in NAMES if name in sys.modules])
        return Provenances(effects).model(variant).digest


def edited(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Its keys of two copies, and of one in which a text of a file is replaced."""
    files, name, old, new = case
    assert old in files[name]
    after = {**files, name: files[name].replace(old, new)}
    return [key(tmp_path / str(number), each, monkeypatch) for number, each in enumerate((files, files, after))]
