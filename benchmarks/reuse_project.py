"""A small project in which code is reached in every way there is: a helper's helper, a closure, a late import ..."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import reuse_byways
from reuse_shop import SHOP

FILES = {
    **reuse_byways.FILES,
    "noted.py": """
import os

class Noted:
    \"\"\"Predicts what a function says, and notes its fits.\"\"\"

    def __init__(self, name, function):
        self.name, self.function = name, function

    def fit(self, X, y):
        file = os.open(os.environ["FITS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(file, f"{self.name}\\n".encode())
        os.close(file)
        return self

    def predict(self, X):
        return [self.function(float(row[0])) for row in X]
""",
    "deeper.py": """
def shift(x):
    return x + 1

def never_called(x):
    return x
""",
    "helpers.py": """
import deeper
from deeper import shift

def scale(x):
    \"\"\"Twice as much.\"\"\"
    # after the shift
    return shift(x) * 2

def by_attribute(x):
    return deeper.shift(x) + 3

def unused(x):
    return x * 100
""",
    "base.py": """
from noted import Noted

class Base(Noted):
    offset = 4

    def predict(self, X):
        return [value + self.bonus() for value in super().predict(X)]

    def bonus(self):
        return self.offset
""",
    "config.py": """
from dataclasses import dataclass

PRECISION = "float64"
RATE = 2 * 5
OTHER_RATE = 3

@dataclass(frozen=True)
class Config:
    level: float = 1.0
    steps: int = 3

DEFAULT = Config(level=2.0)
TABLE = {"low": 1, "high": 2}
""",
    "starred.py": """
def from_star(x):
    return x - 1

def also_there(x):
    return x - 2
""",
    "late.py": """
LATE_LIMIT = 6

def late(x):
    return min(x, LATE_LIMIT)
""",
    "later.py": """
def later(x):
    return x + 6
""",
    "registry.py": """
KNOWN = {}

def register(name):
    def enter(function):
        KNOWN[name] = function
        return function
    return enter
""",
    "plugins.py": """
from registry import register

@register("first")
def first_plugin(x):
    return x + 0.5
""",
    "wrappers.py": """
import functools

def doubled(function):
    @functools.wraps(function)
    def run(x):
        return 2 * function(x)
    return run
""",
    "whole.py": """
def looked_up(x):
    return x + 7

def looked_up_too(x):
    return x + 8
""",
    "pkg/__init__.py": "",
    "pkg/inner.py": """
from .sibling import near

def relative(x):
    return near(x)
""",
    "pkg/sibling.py": """
def near(x):
    return x / 2
""",
    "unrelated.py": """
def nobody():
    return 1
""",
    "patchable.py": """
LEVEL = 1

class Kind:
    weight = 0

def adjust(x):
    return x
""",
    "extras.py": """
from patchable import Kind

class Extra(Kind):
    weight = 2

def surplus(x):
    return x
""",
    "conftest.py": """
import extras
import patchable
import pytest

# for tests of another kind
patchable.LEVEL = 5
patchable.adjust = lambda x: x + 1

@pytest.fixture
def small():
    return patchable.LEVEL
"""
    + reuse_byways.CONFTEST,
    "documents.py": """
def told(x):
    \"\"\"A text that is counted.\"\"\"
""",
    "kinds/__init__.py": "",
    "kinds/small.py": """
def kind(x):
    return x * 3
""",
    "README.md": "What sells.\n",
    "weights.txt": "1.5\n",
    "by_hand.txt": "2.5\n",
    "data.csv": "".join(f"{number},{number % 2}\n" for number in range(12)),
    "metrics.py": """
def agreement(y_true, y_pred):
    return float(sum(a == b for a, b in zip(y_true, y_pred)))
""",
    "shop.py": SHOP,
    "test_shop.py": """
import pytest
from shop import shop

@pytest.mark.mlexp(shop)
def test_shop(evaluation):
    assert len(evaluation.metrics) >= 0
""",
    "pytest.ini": "[pytest]\npythonpath = .\nmlexp_devices = cpu\n",
    "site-packages/tinylib.py": "import tinydep\n\ndef value(x):\n    return x + tinydep.ONE\n",
    "site-packages/otherlib.py": "",
    "site-packages/tinydep.py": "ONE = 1\n",
    "site-packages/tinylib-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tinylib\nVersion: 1.0\n"
    "Requires-Dist: tinydep>=1\nRequires-Dist: absent; python_version < '3'\n",
    "site-packages/tinydep-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tinydep\nVersion: 1.0\n",
    "site-packages/otherlib-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: otherlib\nVersion: 1.0\n",
}


def write(folder: Path, files: Mapping[str, str] = FILES) -> None:
    """Write the project."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
