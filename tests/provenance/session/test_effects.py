"""What the modules of a session do to each other, and what code reads that is left out otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.provenance.reached import MODEL, SHOP, Case, edited, forget

SCALE = "def scale(x):\n    return x\n\ndef unused(x):\n    return x\n"
BASE = f"LIMIT = 1\nTABLE = {{}}\n\nclass Base:\n    weight = 0\n\n{SCALE}"
USES = f"import base\n{SHOP}\ndef value():\n    return base.scale(1)\n{MODEL}"
LIMITED = f"import base\n{SHOP}\ndef value():\n    return base.scale(1) + base.LIMIT\n{MODEL}"
LOOKS = f"import base\n{SHOP}\ndef value():\n    return base.TABLE['a']\n{MODEL}"
SUBCLASSES = f"from base import Base\n{SHOP}\ndef value():\n    return Base.__subclasses__()[0].weight\n{MODEL}"
LEARNS = f"from sklearn.linear_model import Ridge\nimport base\n{SHOP}\n@shop.model\ndef model():\n    return Ridge()\n"
HOOK = "def pytest_configure(config):\n    import base\n    base.scale = lambda x: x + 1\n"
FIXTURE = (
    "import base\nimport pytest\n\n@pytest.fixture(autouse=True)\n"
    "def patched(monkeypatch):\n    monkeypatch.setattr(base, 'scale', lambda x: x + 1)\n"
)
BY_NAME = FIXTURE.replace("import base\n", "").replace("base, 'scale'", "'base.scale'")
ASKED_FOR = FIXTURE.replace("(autouse=True)", "") + "\ndef test_quality(evaluation, patched):\n    pass\n"
REGISTERED = "from functools import singledispatch\n\n@singledispatch\ndef show(x):\n    return 0\n"
SHOWS = f"from base import show\n{SHOP}\ndef value():\n    return show(3)\n{MODEL}"
DISPATCHED = "from base import show\n\n@show.register\ndef _(x: int):\n    return 1\n"
FILLS = "import base\n\ndef enter(table, what):\n    table['a'] = what\n\nDONE = enter(base.TABLE, 1)\n"
LOOPS = "import base\nfor module in (base,):\n    module.scale = lambda x: x + 1\n"
IN_PACKAGE = {"shop_model": "from team.shop import shop\n", "team.shop": USES, "base": BASE}
DOCUMENTED = f'{SHOP}\ndef helper():\n    """One."""\n\ndef value():\n    return len(helper.__doc__)\n{MODEL}'
HINTED = (
    f"import typing\n{SHOP}\ndef helper(x: int): pass\n\n"
    f"def value():\n    return typing.get_type_hints(helper)\n{MODEL}"
)
ORDERED = (
    f"{SHOP}\nclass Steps:\n    def b(self):\n        return 1\n\n    def a(self):\n        return 2\n\n"
    f"def value():\n    return list(vars(Steps))\n{MODEL}"
)
LOADED = f"import sys\nimport base\n{SHOP}\ndef value():\n    return sys.modules['base'].scale(1)\n{MODEL}"
FOUND = f"import sys\nimport base\n{SHOP}\ndef value(name='ba'):\n    return sys.modules[name + 'se'].scale(1)\n{MODEL}"
MADE_UP = f"import importlib\n{SHOP}\ndef value(name):\n    return importlib.import_module(f'team.{{name}}')\n{MODEL}"
DYNAMIC = MADE_UP.replace("f'team.{name}'", "name")

TABLE = """
class Table:
    steps = []

    @classmethod
    def add(cls, step):
        cls.steps.append(step)
        return step
"""

COUNTS: dict[str, Case] = {
    "a patch by a module that is not imported": (
        {"base": BASE, "shop_model": USES, "part": "import base\nbase.scale = lambda x: x + 1\n"},
        "part",
        "x + 1",
        "x + 2",
    ),
    "a hook of pytest": ({"base": BASE, "shop_model": USES, "part": HOOK}, "part", "x + 1", "x + 2"),
    "a fixture of all tests": ({"base": BASE, "shop_model": USES, "part": FIXTURE}, "part", "x + 1", "x + 2"),
    "a fixture that patches by a name": ({"base": BASE, "shop_model": USES, "part": BY_NAME}, "part", "x + 1", "x + 2"),
    "a fixture of the cells' test": ({"base": BASE, "shop_model": USES, "part": ASKED_FOR}, "part", "x + 1", "x + 2"),
    "a loop over modules": ({"base": BASE, "shop_model": USES, "part": LOOPS}, "part", "x + 1", "x + 2"),
    "a constant that is patched": (
        {"base": BASE, "shop_model": LIMITED, "part": "import base\nbase.LIMIT = 2\n"},
        "part",
        "= 2",
        "= 3",
    ),
    "a function that is put there": (
        {"base": BASE, "shop_model": USES.replace("scale", "put"), "part": "import base\nbase.put = lambda x: x + 1\n"},
        "part",
        "x + 1",
        "x + 2",
    ),
    "an assignment that fills a table": (
        {"base": BASE, "shop_model": LOOKS, "part": FILLS},
        "part",
        "TABLE, 1",
        "TABLE, 2",
    ),
    "an implementation that is registered": (
        {"base": REGISTERED, "shop_model": SHOWS, "part": DISPATCHED},
        "part",
        "return 1",
        "return 2",
    ),
    "a subclass that is asked for": (
        {
            "base": BASE,
            "shop_model": SUBCLASSES,
            "part": "from base import Base\n\nclass Part(Base):\n    weight = 1\n",
        },
        "part",
        "weight = 1",
        "weight = 2",
    ),
    "a setting of a library": (
        {"base": BASE, "shop_model": LEARNS, "part": "import numpy\nnumpy.seterr(all='warn')\n"},
        "part",
        "'warn'",
        "'raise'",
    ),
    "the environment": (
        {"base": BASE, "shop_model": USES, "part": "import os\nos.environ['A'] = '1'\n"},
        "part",
        "'1'",
        "'2'",
    ),
    "the package that the model is in": (
        {**IN_PACKAGE, "team.__init__": "import base\nbase.scale = lambda x: x + 1\n"},
        "team.__init__",
        "x + 1",
        "x + 2",
    ),
    "a docstring that is read": ({"shop_model": DOCUMENTED}, "shop_model", '"One."', '"Two."'),
    "a hint that is read": ({"shop_model": HINTED}, "shop_model", "x: int", "x: float"),
    "the order of methods that is read": (
        {"shop_model": ORDERED},
        "shop_model",
        "    def b(self):\n        return 1\n\n    def a(self):\n        return 2\n",
        "    def a(self):\n        return 2\n\n    def b(self):\n        return 1\n",
    ),
    "a module among the loaded ones": ({"base": BASE, "shop_model": LOADED}, "base", "return x", "return -x"),
    "some module among the loaded ones": ({"base": BASE, "shop_model": FOUND}, "base", "return x", "return -x"),
    "some module of a package": (
        {"shop_model": MADE_UP, "team.__init__": "", "team.inner": BASE},
        "team.inner",
        "return x",
        "return -x",
    ),
    "any module": ({"base": BASE, "shop_model": "import base\n" + DYNAMIC}, "base", "return x", "return -x"),
    "a function that a class in another package keeps": (
        {
            "team.inner": TABLE,
            "part": "import team.inner\n\n@team.inner.Table.add\ndef step():\n    return 1\n",
            "shop_model": f"import team.inner\n{SHOP}\ndef value():\n    return team.inner.Table.steps[0]()\n{MODEL}",
        },
        "part",
        "return 1",
        "return 2",
    ),
}

HARMLESS: dict[str, Case] = {
    "a patch of what the model does not use": (
        {"base": BASE, "shop_model": USES, "part": "import base\nbase.unused = lambda x: x + 1\n"},
        "part",
        "x + 1",
        "x + 2",
    ),
    "a fixture that nobody asks for": (
        {"base": BASE, "shop_model": USES, "part": FIXTURE.replace("(autouse=True)", "")},
        "part",
        "x + 1",
        "x + 2",
    ),
    "a fixture that calls what the model uses": (
        {
            "base": BASE,
            "shop_model": USES,
            "part": FIXTURE.replace("monkeypatch.setattr(base, 'scale', ", "base.scale("),
        },
        "part",
        "x + 1",
        "x + 2",
    ),
    "a unit test": (
        {"base": BASE, "shop_model": USES, "part": "import base\n\ndef test_scale():\n    assert base.scale(1) == 1\n"},
        "part",
        "== 1",
        "== 2",
    ),
    "where to look for modules, and what is told": (
        {"base": BASE, "shop_model": USES, "part": "import sys\nsys.path.append('a')\nprint('a')\n"},
        "part",
        "'a'",
        "'b'",
    ),
    "a setting of another library": (
        {"base": BASE, "shop_model": LEARNS, "part": "import pytest\npytest.importorskip('sys')\n"},
        "part",
        "'sys'",
        "'os'",
    ),
    "a subclass where nobody asks for subclasses": (
        {"base": BASE, "shop_model": USES, "part": "from base import Base\n\nclass Part(Base):\n    weight = 1\n"},
        "part",
        "weight = 1",
        "weight = 2",
    ),
    "a value that is made of what the model uses": (
        {"base": BASE, "shop_model": USES, "part": "import base\nEXPECTED = base.scale(1)\n"},
        "part",
        "(1)",
        "(2)",
    ),
    "methods in another order": (
        {"shop_model": ORDERED.replace("list(vars(Steps))", "Steps().a()")},
        "shop_model",
        "    def b(self):\n        return 1\n\n    def a(self):\n        return 2\n",
        "    def a(self):\n        return 2\n\n    def b(self):\n        return 1\n",
    ),
}


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    with np.errstate():  # some cases change numpy's settings, for real
        yield
    forget()


@pytest.mark.parametrize("case", COUNTS.values(), ids=COUNTS)
def test_what_may_change_a_result_counts(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, same, after = edited(case, tmp_path, monkeypatch)
    assert first == same
    assert first != after


@pytest.mark.parametrize("case", HARMLESS.values(), ids=HARMLESS)
def test_what_touches_nothing_of_the_model_does_not(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, same, after = edited(case, tmp_path, monkeypatch)
    assert first == same == after
