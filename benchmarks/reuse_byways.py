"""What a strict reader thought of: further ways in which the models of ``reuse_project`` come to what they use."""

from __future__ import annotations

MODELS = (
    *("handed", "renamed", "exported", "held", "tabled", "wrapped_body", "last_star", "given", "ordered", "native"),
    *("remembering", "hooked", "in_class"),
)
FILES = {
    "tools/__init__.py": "",
    "tools/near.py": "def near(x):\n    return x + 11\n",
    "tools/far.py": "def far(x):\n    return x + 12\n",
    "exports/__init__.py": '__all__ = ["inside"]\n',
    "exports/inside.py": "def from_inside(x):\n    return x + 13\n",
    "closed.py": "def closed(x):\n    return x + 14\n",
    "by_table.py": "def by_table(x):\n    return x + 15\n",
    "for_body.py": "def for_body(x):\n    return x + 16\n",
    "starred_first.py": "def of_both(x):\n    return x - 17\n",
    "starred_last.py": "def of_both(x):\n    return x - 18\n",
    "settings.py": """
from functools import cache
from pathlib import Path

class Settings:
    level = 1.0
    hooked = 0.0

S = Settings()
HOOKED = Settings()

def get():
    return S

def read(name):
    return float((Path(__file__).parent / name).read_text())

@cache
def remembered_file(name):
    return read(name)
""",
    "body.py": "from settings import read\n\nclass Body:\n    level = read('in_class.txt')\n",
    "cached.txt": "1\n",
    "hooked.txt": "1\n",
    "in_class.txt": "1\n",
}
CONFTEST = """
import settings

s = settings.get()
s.level = 2.0

def pytest_configure(config):
    settings.HOOKED.hooked = settings.read("hooked.txt")
"""
BLOCKS = """
import body
import by_table
import closed
import for_body
import settings
import tools.far
import tools.near
from exports import *
from starred_first import *
from starred_last import *

def through(package, x):
    return package.near.near(x)

other = tools

class Bound:
    for_body = staticmethod(for_body.for_body)

@shop.model
def handed():
    return Noted("handed", lambda x: through(tools, x))

@shop.model
def renamed():
    return Noted("renamed", lambda x: other.far.far(x))

@shop.model
def exported():
    return Noted("exported", lambda x: inside.from_inside(x))

def holding(module):
    return lambda: Noted("held", lambda x: module.closed(x))

shop.model(holding(closed), name="held")

@shop.model
def tabled():
    return Noted("tabled", lambda x: by_table.__dict__["by_table"](x))

@shop.model
def wrapped_body():
    return Noted("wrapped_body", Bound.for_body)

@shop.model
def last_star():
    return Noted("last_star", of_both)

@shop.model
def given():
    return Noted("given", lambda x: x * settings.S.level)

def in_order(steps):
    return lambda: Noted("ordered", lambda x: x + next(iter(steps.values())))

shop.model(in_order({"first": 1, "second": 2}), name="ordered")

def made_native(function):
    made = np.frompyfunc(function, 1, 1)
    return lambda: Noted("native", made)

def doubling(x):
    return x * 2

shop.model(made_native(doubling), name="native")

@shop.model
def remembering():
    return Noted("remembering", lambda x: x * settings.remembered_file("cached.txt"))

@shop.model
def hooked():
    return Noted("hooked", lambda x: x * settings.HOOKED.hooked)

@shop.model
def in_class():
    return Noted("in_class", lambda x: x * body.Body.level)
"""
