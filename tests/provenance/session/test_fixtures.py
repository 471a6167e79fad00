"""What pytest runs before cells, and objects that code has from a function and changes."""

from __future__ import annotations

import decimal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn

from tests.provenance.reached import MODEL, SHOP, Case, edited, forget

BASE = """
class Settings:
    level = 1
    steps = None

    def fit(self):
        self.steps.clear()

S = Settings()

STEPS = [1]

class Entered:
    table = {}

    def __init__(self, level):
        self.table["level"] = level

def get():
    return S

def scale(x):
    return x
"""
VALUE = "base.scale(base.S.level) + base.STEPS[0] + len(base.Entered.table)"
USES = f"import base\n{SHOP}\ndef value():\n    return {VALUE}\n{MODEL}"
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
    "a fixture that changes what another one gives": (
        "import base\nimport pytest\n\n@pytest.fixture\ndef settings():\n    return base.S\n\n"
        "@pytest.fixture(autouse=True)\ndef fast(settings):\n    settings.level = 2\n"
    ),
    "a fixture that changes a module which another one gives": (
        "import base\nimport pytest\n\n@pytest.fixture\ndef module():\n    return base\n\n"
        "@pytest.fixture(autouse=True)\ndef fast(module, monkeypatch):\n    monkeypatch.setattr(module, 'S', 2)\n"
    ),
    "a fixture of a base of tests": IN_CLASS.replace("TestQuality", "Base").replace("evaluation", ""),
    "a function before the tests of a base": BEFORE_METHODS.replace("TestQuality", "Base"),
    "a dataset": (
        "import base\nfrom pytest_mlexp import Experiment\n\nother = Experiment('other')\n\n"
        "@other.dataset(version='1')\ndef rows():\n    base.S.level = 2\n"
    ),
    "what is added in place": "from base import STEPS\nSTEPS += [0, 2]\n",
    "an object that enters itself": "import base\nPART = base.Entered(level=2)\n",
    "the body of a class": "import base\n\nclass Part:\n    base.S.level = 2\n",
    "a condition": "import base\nif base.get().__dict__.update(level=2) is None:\n    READY = True\n",
    "a loop": "import base\nfor name in ('level',):\n    setattr(base.S, name, 2)\n",
    "a context of the standard library": "import decimal\ndecimal.getcontext().prec = 2\n",
}
HARMLESS = {
    "a function before unit tests": f"{SETS_UP}\ndef test_scale():\n    pass\n",
    "a fixture that only looks": (
        "import base\nimport pytest\n\n@pytest.fixture(autouse=True)\ndef told():\n    print(base.S.level, 2)\n"
    ),
    "a mark of a unit test": (
        "import base\nimport pytest\n\n@pytest.mark.parametrize('level', [base.S, base.S.level, 2])\n"
        "def test_level(level):\n    pass\n"
    ),
    "a seed": "import random\nimport numpy\nrandom.seed(1, 2)\nnumpy.random.seed(2)\n",
    "an object of a class that is used and keeps nothing": "import base\nPART = [base.Settings(), 2]\n",
    "a new object": "import base\ns = base.Settings()\ns.level = 2\n",
}


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    with np.errstate(), decimal.localcontext():  # some cases change settings, for real
        yield
    forget()


def case(part: str) -> Case:
    if "2]" in part and "= 2" not in part:
        return {"base": BASE, "shop_model": USES, "part": part}, "part", "2]", "3]"
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


RIDGE = f"from sklearn.linear_model import Ridge\n{SHOP}\n@shop.model\ndef model():\n    return Ridge()\n"
AUTOUSE = "import pytest\nimport sklearn\n\n@pytest.fixture(autouse=True)\ndef patched(monkeypatch):\n    {}\n"
OF_LIBRARIES = {
    "a fixture": AUTOUSE.format("monkeypatch.setattr(sklearn, 'absent', 1, raising=False)"),
    "a fixture by name": AUTOUSE.format("monkeypatch.setattr('sklearn.absent', 1, raising=False)"),
    "a mock": "from unittest import mock\n" + AUTOUSE.format("mock.patch('sklearn.absent', 1, create=True).start()"),
    "a store": "import sklearn\nsetattr(sklearn, 'absent', 1)\n",
    "an answer that is kept": "import numpy\nold = numpy.seterr(under='ignore' if 1 else 'warn')\n",
    "a condition": "import numpy\nif numpy.seterr(under='ignore' if 1 else 'warn') is None:\n    DONE = True\n",
    "a registry": (
        "import sklearn\n\ndef named(name):\n    return lambda function: function\n\nsklearn.absent = named\n"
        "sklearn.kept = 0\n\n@sklearn.absent('part')\ndef part():\n    return 0 + 1\n"
    ),
    "another name": "import sklearn\nlibrary = sklearn\nlibrary.absent = 1\n",
}


@pytest.mark.parametrize("part", OF_LIBRARIES.values(), ids=OF_LIBRARIES)
def test_settings_of_libraries_count(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = "0 + 1" if "0 + 1" in part else "if 1" if "if 1" in part else "= 1\n" if "= 1\n" in part else ", 1"
    files = {"shop_model": RIDGE, "part": part}
    first, same, after = edited((files, "part", old, old.replace("1", "2")), tmp_path, monkeypatch)
    for name in ("absent", "kept"):
        vars(sklearn).pop(name, None)
    assert first == same
    assert first != after
