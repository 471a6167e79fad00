"""Ways in which code reaches what it uses, other than by calling it by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.provenance.reached import MODEL, SHOP, Case, edited, forget

FIRST_MADE = f"import part\nfrom base import MADE\n{SHOP}\ndef value():\n    return MADE[0].weight\n"
LOOKED_UP = f"{SHOP}\ndef helper():\n    return 1\n\ndef value():\n    return globals()['helper']()\n"
HANDED = f"import part\n{SHOP}\ndef value():\n    return 1\n"
BASE = "MADE = []\n\nclass Base:\n    def __init_subclass__(cls):\n        MADE.append(cls)\n"
META = "MADE = []\n\nclass Meta(type):\n    def __init__(cls, *rest):\n        MADE.append(cls)\n"
DISPATCH = "from functools import singledispatch\n\n@singledispatch\ndef show(x):\n    return 0\n"
HAND_OVER = "def register(experiment):\n    experiment.model(lambda: None, name='other')\n"

CASES: dict[str, Case] = {
    "a subclass that its base is told of": (
        {
            "base": BASE,
            "part": "from base import Base\n\nclass Part(Base):\n    weight = 1\n",
            "shop_model": FIRST_MADE + MODEL,
        },
        "part",
        "weight = 1",
        "weight = 2",
    ),
    "a class that its metaclass enters": (
        {
            "base": META,
            "part": "from base import Meta\n\nclass Part(metaclass=Meta):\n    weight = 1\n",
            "shop_model": FIRST_MADE + MODEL,
        },
        "part",
        "weight = 1",
        "weight = 2",
    ),
    "an implementation registered elsewhere": (
        {
            "base": DISPATCH,
            "part": "from base import show\n\n@show.register\ndef _(x: int):\n    return 1\n",
            "shop_model": f"import part\nfrom base import show\n{SHOP}\ndef value():\n    return show(3)\n{MODEL}",
        },
        "part",
        "return 1",
        "return 2",
    ),
    "a name that is looked up": (
        {"shop_model": LOOKED_UP + MODEL},
        "shop_model",
        "return 1",
        "return 2",
    ),
    "the last of two imports of all names": (
        {
            "base": "def value():\n    return 1\n",
            "part": "def value():\n    return 2\n",
            "shop_model": f"from base import *\nfrom part import *\n{SHOP}{MODEL}",
        },
        "part",
        "return 2",
        "return 3",
    ),
    "a module that its package imports": (
        {
            "team.__init__": "from . import inner\n",
            "team.inner": "def value():\n    return 1\n",
            "shop_model": f"import team\n{SHOP}\ndef value():\n    return team.inner.value()\n{MODEL}",
        },
        "team.inner",
        "return 1",
        "return 2",
    ),
    "a module that its package has from a module that has it from the package": (
        {
            "team.__init__": "from team.shop import *\nfrom team.shop import inner\n",
            "team.shop": "from . import inner\n",
            "team.inner": "def value():\n    return 1\n",
            "shop_model": f"import team\n{SHOP}\ndef value():\n    return team.inner.value()\n{MODEL}",
        },
        "team.inner",
        "return 1",
        "return 2",
    ),
    "a base in a module that its package imports": (
        {
            "team.__init__": "from . import inner\n",
            "team.inner": BASE,
            "part": "import team\n\nclass Part(team.inner.Base):\n    weight = 1\n",
            "shop_model": FIRST_MADE.replace("from base import", "from team.inner import") + MODEL,
        },
        "part",
        "weight = 1",
        "weight = 2",
    ),
    "a name that a class body binds to what it stands for outside": (
        {
            "part": "def scale():\n    return 1\n",
            "shop_model": f"from part import scale\n{SHOP}\nclass Own:\n    scale = staticmethod(scale)\n"
            f"\ndef value():\n    return Own().scale()\n{MODEL}",
        },
        "part",
        "return 1",
        "return 2",
    ),
    "an object that is called as an experiment is": (
        {
            "base": "class Experiment:\n    def __init__(self, rate):\n        self.rate = rate\n",
            "part": "from base import Experiment\n\nCONFIG = Experiment(rate=2)\n",
            "shop_model": f"from part import CONFIG\n{SHOP}\ndef value():\n    return CONFIG.rate\n{MODEL}",
        },
        "part",
        "rate=2",
        "rate=3",
    ),
    "names that were put there": (
        {
            "part": "globals().update({'LAYERS': [1, 2]})\n",
            "shop_model": f"import part\n{SHOP}\ndef value():\n    return part.LAYERS\n{MODEL}",
        },
        "part",
        "[1, 2]",
        "[1, 3]",
    ),
    "a setting that was read at import": (
        {
            "shop_model": "import json\nfrom pathlib import Path\n"
            "SETTINGS = json.loads(Path(__file__).with_name('settings.py').read_text())\n"
            f"{SHOP}\ndef value():\n    return SETTINGS['at']\n{MODEL}",
            "settings": '{"at": 1}',
        },
        "settings",
        '"at": 1',
        '"at": 2',
    ),
    "what an estimator had learnt": (
        {
            "shop_model": "from sklearn.linear_model import LinearRegression\nimport part\n"
            f"{SHOP}\n@shop.model(params={{'inner': [LinearRegression().fit([[0], [1]], part.Y)]}})\n"
            "def model(inner):\n    return inner\n",
            "part": "Y = [0, 1]\n",
        },
        "part",
        "[0, 1]",
        "[0, 2]",
    ),
}
CALLS = "".join(f"def call{n}():\n    return call{n - 1}()\n\n" for n in range(1, 500))
CASES["the end of a long chain of calls"] = (
    {
        "part": f"def call0():\n    return 1\n\n{CALLS}",
        "shop_model": f"import part\n{SHOP}\ndef value():\n    return part.call499()\n{MODEL}",
    },
    "part",
    "return 1",
    "return 2",
)
HARMLESS = {
    "a loop that only declares gates": (
        {
            "shop_model": f"from pytest_mlexp.gates.rules import Gate\n{SHOP}"
            "for rule in [Gate('fit_seconds', at_most=9.0)]:\n    shop.gate(rule)\n"
            "def value():\n    return eval('1')\n" + MODEL,
        },
        "shop_model",
        "shop.gate(rule)",
        "shop.gate(rule & Gate('predict_seconds', at_most=9.0))",
    ),
    "a module that is handed the experiment": (
        {
            "part": HAND_OVER,
            "shop_model": HANDED + MODEL + "part.register(shop)\n",
        },
        "part",
        "name='other'",
        "name='another'",
    ),
}


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    forget()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_reached_another_way_counts(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, same, after = edited(case, tmp_path, monkeypatch)
    assert first == same
    assert first != after


@pytest.mark.parametrize("case", HARMLESS.values(), ids=HARMLESS)
def test_what_only_declares_does_not(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, same, after = edited(case, tmp_path, monkeypatch)
    assert first == same == after
