"""What pytest runs before cells, and objects that code has from a function and changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.provenance.reached import MODEL, SHOP, Case, edited, forget

BASE = """
class Settings:
    level = 1

S = Settings()

def get():
    return S

def scale(x):
    return x
"""
USES = f"import base\n{SHOP}\ndef value():\n    return base.scale(base.S.level)\n{MODEL}"
FIXTURE = """
import base
import pytest

@pytest.fixture
def fast(monkeypatch):
    monkeypatch.setattr(base.S, "level", 2)
"""
CELLS = "def test_quality(evaluation):\n    pass\n"
IN_METHOD = CELLS.replace("\n    pass", " ...")
ASKS = "\n@pytest.fixture(autouse=True)\ndef asks(request):\n    request.getfixturevalue({})\n"
IN_CLASS = """
import base
import pytest

class TestQuality:
    @pytest.fixture(autouse=True)
    def fast(self, monkeypatch):
        monkeypatch.setattr(base.S, "level", 2)

    def test_quality(self, evaluation):
        pass
"""
SETS_UP = "import base\n\ndef setup_module():\n    base.S.level = 2\n"
BEFORE_METHODS = "import base\n\nclass TestQuality:\n    def setup_method(self):\n        base.S.level = 2\n"
MOCKED = """
from unittest import mock
import pytest

@pytest.fixture(autouse=True)
def fast():
    with mock.patch.object(__import__("base").S, "level", 2):
        yield
"""

COUNTS = {
    "a fixture that another asks for by its name": FIXTURE + ASKS.format("'fast'"),
    "some fixture": FIXTURE + ASKS.format("str(1)"),
    "a fixture of a class": IN_CLASS,
    "a fixture that a test uses": f"{FIXTURE}\n@pytest.mark.usefixtures('fast')\n{CELLS}",
    "a fixture that a class uses": f"{FIXTURE}\n@pytest.mark.usefixtures('fast')\nclass TestQuality:\n    {IN_METHOD}",
    "a function before a module": f"{SETS_UP}\n{CELLS}",
    "a function before methods": f"{BEFORE_METHODS}\n    {IN_METHOD}",
    "a patch of what is imported at once": MOCKED,
    "an object under another name": "import base\ns = base.S\ns.level = 2\n",
    "an object that a function gives": "import base\ns = base.get()\ns.level = 2\n",
    "an object that a function gives at once": "import base\nbase.get().level = 2\n",
    "an object that a function gives inside a hook": (
        "def pytest_configure(config):\n    from base import get\n    s = get()\n    s.level = 2\n"
    ),
    "an object whose method is called": "import base\nbase.get().__dict__.update(level=2)\n",
    "a context of the standard library": "import decimal\ndecimal.getcontext().prec = 2\n",
}
HARMLESS = {
    "a function before unit tests": f"{SETS_UP}\ndef test_scale():\n    pass\n",
    "a new object": "import base\ns = base.Settings()\ns.level = 2\n",
}


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    forget()


def case(part: str) -> Case:
    old, new = ("= 2", "= 3") if "= 2" in part else ("level=2", "level=3") if "level=2" in part else (", 2)", ", 3)")
    return {"base": BASE, "shop_model": USES, "part": part}, "part", old, new


@pytest.mark.parametrize("part", COUNTS.values(), ids=COUNTS)
def test_what_is_done_before_cells_counts(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, same, after = edited(case(part), tmp_path, monkeypatch)
    assert first == same
    assert first != after


@pytest.mark.parametrize("part", HARMLESS.values(), ids=HARMLESS)
def test_what_cells_do_not_see_does_not(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, same, after = edited(case(part), tmp_path, monkeypatch)
    assert first == same == after


def test_what_is_added_to_frames_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registered = "@pandas.api.extensions.register_dataframe_accessor('shop')\nclass Shop:\n    weight = 1\n"
    added = f"import pandas\npandas.DataFrame.shop = None\ndel pandas.DataFrame.shop\n{registered}"
    model = f"import pandas\n{SHOP}\ndef value():\n    return pandas.DataFrame().shop.weight\n{MODEL}"
    monkeypatch.setattr(pd.DataFrame, "shop", None, raising=False)
    files = {"shop_model": model, "part": added}
    first, same, after = edited((files, "part", "weight = 1", "weight = 2"), tmp_path, monkeypatch)
    assert first == same
    assert first != after
