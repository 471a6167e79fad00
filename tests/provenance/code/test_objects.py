"""Modules that are handed about as objects, and looked up by other spellings than the usual ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.provenance.reached import MODEL, SHOP, edited, forget

PART = "def value():\n    return 1\n"
IN_TEAM = "import team\nimport team.inner\n"
IMPORTED = "import part\n"

WAYS = {
    # name: what the module of the model holds before the experiment, how it comes to the value
    "a package given to a function": (IN_TEAM, "def run(package):\n    return package.inner.value()", "run(team)"),
    "a package under another name": (f"{IN_TEAM}other = team\n", "", "other.inner.value()"),
    "a package in a table": (f"{IN_TEAM}TABLE = {{'team': team}}\n", "", "TABLE['team'].inner.value()"),
    "a module by the text of its name": (IN_TEAM, "", "getattr(team, 'inner').value()"),
    "a module that its package exports": ("from team import *\n", "", "inner.value()"),
    "a definition by the table of its module": (IMPORTED, "", "part.__dict__['value']()"),
    "a module by the loaded ones": (f"{IMPORTED}from sys import modules\n", "", "modules['part'].value()"),
    "a module by sys under another name": (f"{IMPORTED}import sys as s\n", "", "s.modules['part'].value()"),
    "an importer under another name": ("from importlib import import_module as load\n", "", "load('part').value()"),
    "an importer that is handed over": (
        "import importlib\n",
        "",
        "list(map(importlib.import_module, ['part']))[0].value()",
    ),
    "an importer that is bound in a function": (
        "",
        "def find(name):\n    from importlib import import_module as load\n    return load(name)",
        "find('part').value()",
    ),
    "a text that a library looks up": ("", "def find(name):\n    return print(name)", "find('part.value')"),
    "a name in a query": (
        "import pandas\nfrom part import value as limit\n",
        "",
        "pandas.DataFrame({'a': [1]}).query('a > @limit()')",
    ),
    "pydoc": ("import pydoc\n", "", "pydoc.locate('part').value()"),
    "exec": ("", "def run(names):\n    exec('import part', names)\n    return names['part'].value()", "run({})"),
}
HELD = {
    "a module in a closure": "def make(module):\n    return lambda: lambda X: module.value()\n",
    "a package in a closure": "def make(module):\n    return lambda: lambda X: module.inner.value()\n",
    "a function in a ufunc": (
        "import numpy\n\ndef make(module):\n    held = numpy.frompyfunc(module.value, 0, 1)\n    return lambda: held\n"
    ),
}


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    forget()


@pytest.mark.parametrize(("begin", "helper", "way"), WAYS.values(), ids=WAYS)
def test_a_module_counts_however_it_is_reached(
    begin: str, helper: str, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = f"{begin}{SHOP}\n{helper}\n\ndef value():\n    return {way}\n{MODEL}"
    files = {"part": PART, "team.__init__": "__all__ = ['inner']\n", "team.inner": PART, "shop_model": model}
    name = "team.inner" if "inner" in way + helper else "part"
    first, same, after = edited((files, name, "return 1", "return 2"), tmp_path, monkeypatch)
    assert first == same
    assert first != after


@pytest.mark.parametrize("made", HELD.values(), ids=HELD)
def test_what_a_model_holds_counts(made: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = "team" if "inner" in made else "part"
    declared = f"import part, team.inner\n{made}\n{SHOP}\nMADE = make({held})\nshop.model(MADE, name='model')\n"
    files = {"part": PART, "team.__init__": "", "team.inner": PART, "shop_model": declared}
    case = (files, "team.inner" if held == "team" else "part", "return 1", "return 2")
    first, same, after = edited(case, tmp_path, monkeypatch)
    assert first == same
    assert first != after


@pytest.mark.parametrize("question", ["'numpy' in sys.modules", "'absent' not in sys.modules"])
def test_whether_a_library_is_loaded_leads_nowhere_else(
    question: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = f"import sys\nimport part\n{SHOP}\ndef value():\n    return {question}\n{MODEL}"
    first, same, after = edited(
        ({"part": PART, "shop_model": model}, "part", "return 1", "return 2"), tmp_path, monkeypatch
    )
    assert first == same == after


@pytest.mark.parametrize("test", ["test_value", "tests", "conftest"])
def test_tests_in_a_package_are_no_part_of_it(test: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = f"{IN_TEAM}{SHOP}\ndef value():\n    return getattr(team, 'inner').value()\n{MODEL}"
    files = {"team.__init__": "", "team.inner": PART, f"team.{test}": PART, "shop_model": model}
    first, same, after = edited((files, f"team.{test}", "return 1", "return 2"), tmp_path, monkeypatch)
    assert first == same == after
