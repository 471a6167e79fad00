from __future__ import annotations

import importlib.util
import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from sklearn.metrics import accuracy_score

from pytest_mlexp.provenance.fingerprint import fingerprint
from pytest_mlexp.provenance.libraries.packages import version_of

Load = Callable[[str], ModuleType]
BASE = '''
def identity(function):
    return function

def score(y_true, y_pred, weight=1.0, *, scale=2):
    """Say how good."""
    # a remark
    total = sum(y_true)
    return total * weight / scale
'''
CLASS = '''
class Parent:
    def fit(self, X):
        return X + 1

class Model(Parent):
    """Learn."""

    size = 3

    @property
    def doubled(self):
        return self.size * 2  # twice
'''


@pytest.fixture
def load(tmp_path: Path) -> Load:
    numbers = itertools.count()

    def import_source(source: str) -> ModuleType:
        path = tmp_path / f"v{next(numbers)}" / "blocks.py"
        path.parent.mkdir()
        path.write_text(source, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(f"team_{path.parent.name}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        return module

    return import_source


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# a remark", "# another remark"),
        ("    # a remark\n", ""),
        ("Say how good.", "Say it differently."),
        ('    """Say how good."""\n', ""),
        ("total * weight / scale", "(total   *\n        weight) / scale"),
        ("def score", "OTHER = 1\n\n\ndef score"),
        ("weight=1.0", "weight = 1.00"),
    ],
)
def test_a_harmless_edit_keeps_the_fingerprint(load: Load, old: str, new: str) -> None:
    assert old in BASE
    assert fingerprint(load(BASE).score) == fingerprint(load(BASE.replace(old, new)).score)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("weight / scale", "weight * scale"),
        ("def score", "@identity\ndef score"),
        ("sum(y_true)", "sum(y_pred)"),
        ("weight=1.0", "weight=1.5"),
        ("scale=2", "scale=3"),
        ("scale=2", "scale=2.0"),
        ("    return total", "    total += 1\n    return total"),
        ("y_true, y_pred", "y_pred, y_true"),
    ],
)
def test_an_edit_that_may_matter_changes_the_fingerprint(load: Load, old: str, new: str) -> None:
    assert old in BASE
    assert fingerprint(load(BASE).score) != fingerprint(load(BASE.replace(old, new)).score)


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("# twice", "# two times", True),
        ('    """Learn."""\n', "", True),
        ("class Model", "@(lambda cls: cls)\nclass Model", False),
        ("self.size * 2", "self.size * 3", False),
        ("size = 3", "size = 4", False),
        ("    @property\n", "", False),
        ("X + 1", "X + 2", False),
    ],
)
def test_a_class_counts_by_its_source_and_its_first_party_parents(load: Load, old: str, new: str, same: bool) -> None:
    assert old in CLASS
    first, second = load(CLASS).Model, load(CLASS.replace(old, new)).Model
    assert (fingerprint(first) == fingerprint(second)) is same
    assert (fingerprint(first()) == fingerprint(second())) is same


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("f = lambda x: x + 1", "f = lambda x: x + 2"),
        ("f, g = lambda x: x + 1, lambda x: x", "f, g = lambda x: x + 2, lambda x: x"),
        ("exec('def f(x): return x + 1')", "exec('def f(x): return x + 2')"),
        ("exec('class f: a = lambda self: 1')", "exec('class f: a = lambda self: 2')"),
        (
            "def make(k):\n    return lambda x: x + k\nf = make(1)",
            "def make(k):\n    return lambda x: x + k\nf = make(2)",
        ),
        (
            "import functools\ndef g(a, b): return a\nf = functools.partial(g, b=1)",
            "import functools\ndef g(a, b): return a\nf = functools.partial(g, b=2)",
        ),
        (
            "import functools\n@functools.cache\ndef f(x): return x",
            "import functools\n@functools.cache\ndef f(x): return -x",
        ),
        (
            "import contextlib\n@contextlib.contextmanager\ndef f(): yield 1",
            "import contextlib\n@contextlib.contextmanager\ndef f(): yield 2",
        ),
        (
            "class g:\n    def __init__(self, f): self.__wrapped__ = f; self.k = 1\nf = g(len)",
            "class g:\n    def __init__(self, f): self.__wrapped__ = f; self.k = 1\nf = g(max)",
        ),
        ("exec('class f: a = property(lambda s: 1)')", "exec('class f: a = property(lambda s: 2)')"),
        (
            "exec('class f:\\n @classmethod\\n def m(c): return 1')",
            "exec('class f:\\n @classmethod\\n def m(c): return 2')",
        ),
        ("exec('class f: a = 1')", "exec('class f: a = 2')"),
        (
            "class C:\n    def __init__(self, k): self.k = k\n    def m(self): return self.k\nf = C(1).m",
            "class C:\n    def __init__(self, k): self.k = k\n    def m(self): return self.k\nf = C(2).m",
        ),
        (
            "def twice(g):\n    def run(): return 2 * g()\n    return run\n@twice\ndef f(): return 1",
            "def twice(g):\n    def run(): return 3 * g()\n    return run\n@twice\ndef f(): return 1",
        ),
    ],
)
def test_every_kind_of_callable_counts_by_what_it_does(load: Load, source: str, changed: str) -> None:
    assert fingerprint(load(source).f) == fingerprint(load("\n\n" + source).f)
    assert fingerprint(load(source).f) != fingerprint(load(changed).f)


def test_the_version_of_a_library_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = fingerprint(accuracy_score)
    monkeypatch.setattr("pytest_mlexp.provenance.fingerprint.version_of", lambda module: "0.0")
    assert fingerprint(accuracy_score) != before


def test_how_this_package_is_installed_does_not_count(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "from pytest_mlexp import Evaluation\ndef target(y):\n    return Evaluation({'n': len(y)})\n"
    before = fingerprint(load(source).target)
    monkeypatch.setattr("pytest_mlexp.provenance.libraries.packages.own_version", lambda: "9.9+feedbeef")
    version_of.cache_clear()
    assert fingerprint(load(source).target) == before


STABLE = """
import functools, math, re
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from pytest_mlexp.provenance import fingerprint as fingerprint_module
from pytest_mlexp.provenance.fingerprint import fingerprint

class Thing:
    def __init__(self): self.tags = {"a", "b", "c", "d"}; self.other = self
    def run(self): return {"x", "y", "z"}

def outer(words):
    def inner(): return words, {"p", "q", "r"}
    return inner

values = [
    {"a", "b", "c"}, Thing(), Thing, Thing().run, outer(frozenset("hello")), lambda: {"u", "v", "w"}, accuracy_score,
    functools.partial(accuracy_score, normalize=True), LogisticRegression(C=2), np.exp, np.arange(3), math.sin,
    re.compile("a"), functools.lru_cache(outer), object(), np.random.default_rng(3),
]
print([fingerprint(value) for value in values])
"""


@pytest.mark.parametrize("has_a_file", [True, False])
def test_fingerprints_are_the_same_in_every_process(tmp_path: Path, has_a_file: bool) -> None:
    script = tmp_path / "script.py"
    script.write_text(STABLE, encoding="utf-8")
    start = [sys.executable, str(script)] if has_a_file else [sys.executable, "-c", STABLE]
    outputs = set()
    for seed in "012":
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path.cwd())}
        done = subprocess.run(start, capture_output=True, text=True, check=True, env=environment)
        outputs.add(done.stdout)
    assert len(outputs) == 1
    assert len(set(outputs.pop().split(","))) == 16


def test_equal_code_in_two_files_is_not_mixed_up(tmp_path: Path) -> None:
    found = []
    for order in (("a", "b"), ("b", "a")):
        digests = {}
        for name in order:
            path = tmp_path / f"{name}_{order[0]}.py"
            path.write_text(f"def build(C={1 if name == 'a' else 2}):\n    return C\n")
            spec = importlib.util.spec_from_file_location(path.stem, path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            digests[name] = fingerprint(module.build)
        found.append(digests)
    assert found[0] == found[1]


def test_a_library_that_nothing_uses_any_more_does_not_count(load: Load) -> None:
    score = "def score(y_true):\n    return sum(y_true)\n"
    other = "def other():\n    return DecisionTreeClassifier()\n"
    imports = "from sklearn.tree import DecisionTreeClassifier\n"
    texts = [imports + other + score, imports + score, score]
    assert len({fingerprint(load(text).score) for text in texts}) == 1
    assert fingerprint(load(imports + other).other) != fingerprint(load(other).other)
