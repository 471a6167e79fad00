"""The experiment of the project of ``reuse_project``."""

from __future__ import annotations

import reuse_byways

SHOP = (
    """
import functools
import importlib
from pathlib import Path

import documents
import numpy as np
import patchable
import plugins
import tinylib
import whole
from base import Base
from config import DEFAULT, PRECISION, RATE, TABLE
from helpers import by_attribute, scale
from metrics import agreement
from noted import Noted
from pkg.inner import relative
from registry import KNOWN
from starred import *
from wrappers import doubled

from pytest_mlexp import Dataset, Experiment

HERE = Path(__file__).parent
CACHE = {}
shop = Experiment("shop", seeds=(0,))

CALLS = 0

def remembered(x):
    global CALLS
    CALLS += 1
    CACHE[x] = x
    return CACHE[x]

def by_name(x):
    return x + 9

HANDLERS = {"name": by_name}

@doubled
def wrapped(x):
    return x + 1

@shop.dataset(version="1")
def rows():
    settings.remembered_file("cached.txt")
    table = np.loadtxt(HERE / "data.csv", delimiter=",")
    return Dataset.from_arrays(table[:, :1], table[:, 1], split=(list(range(6)), list(range(6, 12))))

@shop.model
def helper():
    return Noted("helper", scale)

@shop.model
def attribute():
    return Noted("attribute", by_attribute)

@shop.model
def inherited():
    return Base("inherited", abs)

@shop.model
def constant():
    return Noted("constant", lambda x: x + RATE)

@shop.model
def configured():
    return Noted("configured", lambda x: x * DEFAULT.level)

@shop.model
def looked_up():
    return Noted("looked_up", lambda x: x + TABLE["low"])

@shop.model
def star():
    return Noted("star", from_star)

@shop.model
def lately():
    from late import late

    return Noted("lately", late)

@shop.model
def registered():
    return Noted("registered", KNOWN["first"])

@shop.model
def handled():
    return Noted("handled", HANDLERS["name"])

@shop.model
def decorated():
    return Noted("decorated", wrapped)

@shop.model
def packaged():
    return Noted("packaged", tinylib.value)

@shop.model
def dynamic():
    return Noted("dynamic", getattr(whole, "looked_up"))

@shop.model
def computed():
    return Noted("computed", importlib.import_module("later").later)

@shop.model
def relatively():
    return Noted("relatively", relative)

@shop.model
def caching():
    return Noted("caching", remembered)

@shop.model
def defaulted(level=1.0):
    return Noted("defaulted", lambda x: x * level)

@shop.model(params={"level": [1, 2]})
def grid(level: int):
    return Noted(f"grid{level}", lambda x: x * level)

@shop.model(depends_on=["weights.txt"])
def declared():
    return Noted("declared", lambda x: x * float((HERE / "weights.txt").read_text()))

@shop.model
def patched():
    return Noted("patched", lambda x: x + patchable.LEVEL)

@shop.model
def replaced():
    return Noted("replaced", lambda x: patchable.adjust(x))

@shop.model
def subclassed():
    return Noted("subclassed", lambda x: x + patchable.Kind.__subclasses__()[0].weight)

@shop.model
def documented():
    return Noted("documented", lambda x: x + len(documents.told.__doc__))

@shop.model
def chosen(kind="small"):
    return Noted("chosen", importlib.import_module(f"kinds.{kind}").kind)

@shop.model
def precise():
    return Noted("precise", lambda x: float(np.asarray(x / 3, dtype=PRECISION)))

@shop.model
def placed(device):
    return Noted("placed", lambda x: x + len(device))

def made(level, name):
    return Noted(name, lambda x: x - level)

shop.model(functools.partial(made, level=1, name="partial"), name="partial")
shop.model(lambda: Noted("lambda", lambda x: x + 0.25), name="lambda")

def closing(level):
    def factory():
        return Noted("closure", lambda x: x * level)
    return factory

shop.model(closing(3), name="closure")
shop.model(Noted("instance", abs), name="instance")

@shop.model
def by_hand():
    return Noted("by_hand", lambda x: x + float((HERE / "by_hand.txt").read_text()))

@shop.model
def optional():
    return Noted("optional", lambda x: x + (HERE / "optional.txt").exists())

"""
    + reuse_byways.BLOCKS
    + """
@shop.evaluator(maximize="hits")
def hits(y_true, y_pred):
    return agreement(y_true, y_pred)

shop.gate("hits", at_least=0.0)
"""
)
