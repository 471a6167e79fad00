from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_mlexp.provenance.code.locating import Place
from pytest_mlexp.provenance.code.sources import read_source
from pytest_mlexp.provenance.code.variables import variables_of
from tests.provenance.reached import MODEL, SHOP, key

IMPORT = "import os\nfrom os import environ, getenv\n"


@pytest.mark.parametrize(
    "read",
    [
        "os.environ['RATE']",
        'os.environ.get("RATE", 1)',
        "os.getenv('RATE')",
        "getenv(key='RATE')",
        "environ['RATE'] == '2'",
        "'RATE' not in os.environ",
        "os.environb[b'RATE']",
    ],
)
def test_a_variable_that_a_model_reads_is_in_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: str
) -> None:
    files = {"base": f"{IMPORT}\ndef value():\n    return {read}\n", "shop_model": f"from base import *\n{SHOP}{MODEL}"}
    found = []
    for number, rate in enumerate((None, "", "1", "2", "1")):
        monkeypatch.delenv("RATE", raising=False)
        if rate is not None:
            monkeypatch.setenv("RATE", rate)
        found.append(key(tmp_path / str(number), files, monkeypatch))
    assert len(set(found)) == 4
    assert found[2] == found[4]


@pytest.mark.parametrize(
    "base",
    [
        "NAME = 'RATE'\n\ndef value():\n    return os.environ[NAME]\n",
        "def env(name):\n    return os.environ.get(name)\n\ndef value():\n    return env('RATE')\n",
        "e = os.environ\n\ndef value():\n    return e['RATE']\n",
        "from os import environ as e\n\ndef value():\n    return e['RATE']\n",
        "from os import getenv as g\n\ndef value():\n    return g('RATE')\n",
        "def value():\n    from os import getenv as g\n    return g('RATE')\n",
        "def value():\n    return dict(os.environ)['RATE']\n",
        "def value():\n    return os.environ.copy().pop('RATE')\n",
        "def value():\n    return os.path.expandvars('$RATE/a')\n",
        "def value():\n    return os.path.expandvars('${RATE}')\n",
        "from os.path import expandvars as fill\n\ndef value():\n    return fill('a$RATE')\n",
        "class A:\n    name = 'RATE'\n\n    def read(self):\n        return os.getenv(self.name)\n\nvalue = A().read\n",
    ],
)
def test_a_variable_counts_whose_name_stands_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str
) -> None:
    files = {"base": f"{IMPORT}{base}", "shop_model": f"from base import value\n{SHOP}{MODEL}"}
    found = []
    for number, rate in enumerate("121"):
        monkeypatch.setenv("RATE", rate)
        found.append(key(tmp_path / str(number), files, monkeypatch))
    assert found[0] == found[2] != found[1]


def test_a_variable_counts_whose_name_a_model_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = f"{IMPORT}\ndef reads(name):\n    return lambda: lambda X: environ[name]\n"
    files = {"base": base, "shop_model": f"from base import reads\n{SHOP}shop.model(reads('RATE'), name='model')\n"}
    found = []
    for number, rate in enumerate("121"):
        monkeypatch.setenv("RATE", rate)
        found.append(key(tmp_path / str(number), files, monkeypatch))
    assert found[0] == found[2] != found[1]


@pytest.mark.parametrize(
    "text", ["os.environ['RATE'] = '1'", "os.environ[name]", "os.getenv('PYTEST_XDIST_WORKER')", "{'RATE': environ}"]
)
def test_what_is_assigned_or_of_pytest_or_not_set_is_none(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RATE", "name"):
        monkeypatch.delenv(name, raising=False)
    assert variables_of([text]) == {}


def test_a_variable_that_other_code_reads_is_not_in_the_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = f"{IMPORT}\ndef value():\n    return 1\n\ndef other():\n    return os.environ['RATE']\n"
    files = {"base": base, "shop_model": f"from base import value\n{SHOP}{MODEL}"}
    monkeypatch.setenv("RATE", "1")
    before = key(tmp_path / "before", files, monkeypatch)
    monkeypatch.setenv("RATE", "2")
    assert key(tmp_path / "after", files, monkeypatch) == before


@pytest.mark.parametrize("read", ["float(sys.argv[1])", "argv[1:]", "argparse.ArgumentParser().parse_args()"])
def test_the_arguments_count_where_code_reads_them(monkeypatch: pytest.MonkeyPatch, read: str) -> None:
    found = []
    for arguments in (["script.py", "1"], ["script.py", "2"], ["moved.py", "1"]):
        monkeypatch.setattr(sys, "argv", arguments)
        found.append(variables_of([f"def value():\n    return {read}"]))
    assert found[0] != found[1]
    assert found[0] == found[2] != {}


@pytest.mark.parametrize(("module", "lines"), [("__main__", 2), ("imported", 1)])
def test_what_is_for_scripts_alone_counts_in_a_script(tmp_path: Path, module: str, lines: int) -> None:
    file = tmp_path / "script.py"
    file.write_text("import base\nif __name__ == '__main__':\n    base.LIMIT = 2\n")
    assert len(read_source(module, Place("source", file)).body) == lines
