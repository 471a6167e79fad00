"""Edits of the project of ``reuse_project``, each with the models that must be fitted again because of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import reuse_byways

MODELS = (
    *reuse_byways.MODELS,
    *("helper", "attribute", "inherited", "constant", "configured", "looked_up", "star", "lately", "registered"),
    *(
        "handled",
        "decorated",
        "packaged",
        "dynamic",
        "computed",
        "relatively",
        "caching",
        "defaulted",
        "grid1",
        "grid2",
    ),
    *("declared", "partial", "lambda", "closure", "instance"),
    *("patched", "replaced", "subclassed", "documented", "chosen", "precise", "placed", "by_hand", "optional"),
)
ALL = frozenset(MODELS)


@dataclass(frozen=True)
class Edit:
    """A change of one file, and the models that must be fitted again because of it."""

    name: str
    file: str
    old: str
    new: str
    again: frozenset[str] = field(default_factory=frozenset)
    in_key: bool = True  # whether the key knows before the trial runs
    also: tuple[tuple[str, str, str], ...] = ()  # what else is replaced: file, old, new

    def with_(self, file: str, old: str, new: str) -> Edit:
        """The same edit, and a further replacement."""
        return replace(self, also=(*self.also, (file, old, new)))

    def apply(self, folder: Path) -> None:
        """Change the file in a copy of the project."""
        for file, old, new in ((self.file, self.old, self.new), *self.also):
            path = folder / file
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            assert old in text, f"{self.name}: {old!r} is not in {file}"
            path.write_text(text.replace(old, new, 1), encoding="utf-8")


def edit(name: str, file: str, old: str, new: str, *again: str) -> Edit:
    """An edit that makes some models run again."""
    return Edit(name, file, old, new, ALL if again == ("all",) else frozenset(again))


SCALE = 'def scale(x):\n    """Twice as much."""\n    # after the shift\n    return shift(x) * 2\n'
NEW_DATASET = """
@shop.dataset(version="1")
def fewer():
    table = np.loadtxt(HERE / "data.csv", delimiter=",")[:8]
    return Dataset.from_arrays(table[:, :1], table[:, 1], split=(list(range(4)), list(range(4, 8))))

@shop.model
def helper"""


MATTER = (
    edit("helper", "helpers.py", "* 2", "* 3", "helper"),
    edit("helper of a helper", "deeper.py", "x + 1", "x + 2", "helper", "attribute"),
    edit("helper by attribute", "helpers.py", "+ 3", "+ 4", "attribute"),
    edit("import from elsewhere", "helpers.py",
         "from deeper import shift", "from deeper import never_called as shift", "helper"),
    edit("base class method", "base.py", "return self.offset", "return self.offset + 1", "inherited"),
    edit("base class attribute", "base.py", "offset = 4", "offset = 5", "inherited"),
    edit("base of the base", "noted.py", "float(row[0])", "float(row[0]) + 0", "all"),
    edit("method added", "base.py",
         "    def bonus", "    def fit(self, X, y):\n        return super().fit(X, y)\n\n    def bonus", "inherited"),
    edit("constant", "config.py", "RATE = 2 * 5", "RATE = 11", "constant"),
    edit("dataclass field used", "config.py", "level=2.0", "level=3.0", "configured"),
    edit("dataclass default", "config.py", "steps: int = 3", "steps: int = 4", "configured"),
    edit("dataclass decorator", "config.py", "frozen=True", "frozen=True, order=True", "configured"),
    edit("dict at module level", "config.py", '"low": 1', '"low": 3', "looked_up"),
    edit("dict filled later", "config.py", '"high": 2}', '"high": 2}\nTABLE["low"] = 4', "all"),
    edit("star import", "starred.py", "x - 1", "x - 3", "star"),
    edit("star import overrides", "starred.py", "x - 2", "x - 2\n\ndef from_star(x):\n    return x", "star"),
    edit("function-level import", "late.py", "min(x, LATE_LIMIT)", "max(x, LATE_LIMIT)", "lately"),
    edit("constant behind it", "late.py", "LATE_LIMIT = 6", "LATE_LIMIT = 7", "lately"),
    edit("registered function", "plugins.py", "x + 0.5", "x + 0.75", "all"),
    edit("registering decorator", "registry.py",
         "KNOWN[name] = function", "KNOWN[name] = KNOWN.get(name, function)", "all"),
    edit("dispatch dict", "shop.py", '{"name": by_name}', '{"name": abs}', "handled"),
    edit("function in the dispatch dict", "shop.py", "x + 9", "x + 10", "handled"),
    edit("decorator's body", "wrappers.py", "2 * function(x)", "3 * function(x)", "decorated"),
    edit("decorator taken off", "shop.py", "@doubled\n", "", "decorated"),
    edit("decorated function", "shop.py",
         "def wrapped(x):\n    return x + 1", "def wrapped(x):\n    return x + 2", "decorated"),
    edit("package version", "site-packages/tinylib-1.0.dist-info/METADATA",
         "Version: 1.0", "Version: 1.1", "packaged"),
    edit("required package", "site-packages/tinydep-1.0.dist-info/METADATA",
         "Version: 1.0", "Version: 1.1", "packaged"),
    edit("module used as a whole", "whole.py", "x + 8", "x + 9", "dynamic"),
    edit("module imported by name", "later.py", "x + 6", "x + 7", "computed"),
    edit("class changed from outside", "shop.py", "CACHE = {}", "CACHE = {}\nBase.offset = 9", "all"),
    edit("relative import", "pkg/sibling.py", "x / 2", "x / 4", "relatively"),
    edit("package's own code", "pkg/__init__.py", "", "import warnings\nwarnings.warn_explicit\nprint()\n", "all"),
    edit("helper with a cache", "shop.py", "CACHE[x] = x\n", "CACHE[x] = x + 1\n", "caching"),
    edit("parameter default", "shop.py", "level=1.0):", "level=2.0):", "defaulted"),
    edit("parameter in the grid", "shop.py", '"level": [1, 2]', '"level": [1, 2.0]', "grid2.0"),
    edit("factory", "shop.py",
         "x * level)\n\n@shop.model(dep", "x * level + 1)\n\n@shop.model(dep", "grid1", "grid2"),
    edit("declared file", "weights.txt", "1.5", "1.75", "declared"),
    edit("partial's argument", "shop.py", "made, level=1", "made, level=2", "partial"),
    edit("partial's function", "shop.py", "x - level", "x + level", "partial"),
    edit("lambda", "shop.py", "x + 0.25", "x + 0.5", "lambda"),
    edit("closure's cell", "shop.py", "closing(3)", "closing(4)", "closure"),
    edit("closure's body", "shop.py", '"closure", lambda x: x * level', '"closure", lambda x: x / level', "closure"),
    edit("instance's argument", "shop.py", 'Noted("instance", abs)', 'Noted("instance", round)', "instance"),
    edit("data byte", "data.csv", "3,1", "3,0", "all"),
    edit("split", "shop.py", "list(range(6)), list(range(6, 12))", "list(range(7)), list(range(7, 12))", "all"),
    edit("seed", "shop.py", "seeds=(0,)", "seeds=(1,)", "all"),
    edit("constant patched by conftest", "conftest.py", "LEVEL = 5", "LEVEL = 6", "patched"),
    edit("function patched by conftest", "conftest.py", "x + 1", "x + 2", "replaced"),
    edit("patch taken back", "conftest.py", "patchable.adjust = lambda x: x + 1\n", "", "replaced"),
    edit("fixture that patches", "conftest.py",
         "@pytest.fixture\ndef small():\n    return",
         "@pytest.fixture(autouse=True)\ndef small(monkeypatch):\n"
         "    monkeypatch.setattr(patchable, 'adjust', abs)\n    return", "replaced"),
    edit("environment set by conftest", "conftest.py",
         "import extras", "import os\nos.environ['A'] = ''\nimport extras", "all"),
    edit("subclass that is found", "extras.py", "weight = 2", "weight = 3", "subclassed"),
    edit("docstring that is read", "documents.py", "is counted", "was counted", "documented"),
    edit("module of a computed name", "kinds/small.py", "x * 3", "x * 4", "chosen"),
    edit("precision", "config.py", '"float64"', '"float32"', "precise"),
    edit("library imported for its effects", "deeper.py", "def shift", "import otherlib\n\ndef shift", "all"),
    Edit("file read by hand", "by_hand.txt", "2.5", "2.75",
         frozenset({"by_hand"}), in_key=False),
    Edit("file that is there now", "optional.txt", "", "here", frozenset({"optional"}), in_key=False),
    edit("package given to a function", "tools/near.py", "x + 11", "x + 12", "handed", "renamed"),
    edit("package under another name", "tools/far.py", "x + 12", "x + 13", "handed", "renamed"),
    edit("module that is exported", "exports/inside.py", "x + 13", "x + 14", "exported"),
    edit("module in a closure", "closed.py", "x + 14", "x + 15", "held"),
    edit("definition in the table of a module", "by_table.py", "x + 15", "x + 16", "tabled"),
    edit("function bound in a class", "for_body.py", "x + 16", "x + 17", "wrapped_body"),
    edit("last of two star imports", "starred_last.py", "x - 18", "x - 19", "last_star"),
    edit("object that a function gives", "conftest.py", "s.level = 2.0", "s.level = 3.0", "given"),
    edit("fixture that another asks for", "conftest.py", "@pytest.fixture\n",
         "@pytest.fixture(autouse=True)\ndef asks(request):\n    request.getfixturevalue('patched')\n\n"
         "@pytest.fixture\ndef patched(monkeypatch):\n    monkeypatch.setattr(patchable, 'adjust', abs)\n\n"
         "@pytest.fixture\n", "replaced"),
    Edit("function before the tests of a module", "test_shop.py", "@pytest",
         "import patchable\n\ndef setup_module():\n    patchable.adjust = abs\n\n@pytest",
         frozenset({"replaced"}), in_key=False),
    edit("order of a dict in a closure", "shop.py",
         '{"first": 1, "second": 2}', '{"second": 2, "first": 1}', "ordered"),
    edit("function of a ufunc", "shop.py", "x * 2\n\nshop.model(made", "x * 3\n\nshop.model(made", "native"),
    Edit("file that a dataset read into a cache", "cached.txt", "1", "2", frozenset({"remembering"}), in_key=False),
    Edit("file that a hook read", "hooked.txt", "1", "2", frozenset({"hooked"}), in_key=False),
    Edit("file that a class read", "in_class.txt", "1", "2", frozenset({"in_class"}), in_key=False),
    edit("effect of an import", "config.py", "RATE = 2", "import os\nos.environ['RATE'] = '1'\nRATE = 2", "all"),
)  # fmt: skip
HARMLESS = (
    edit("comment", "helpers.py", "# after the shift", "# behind it"),
    edit("comment added", "deeper.py", "return x + 1", "return x + 1  # one more"),
    edit("blank lines", "helpers.py", "def by_attribute", "\n\n\ndef by_attribute"),
    edit("docstring", "helpers.py", "Twice as much.", "Two times."),
    edit("docstring added", "deeper.py", "def shift(x):\n", 'def shift(x):\n    """One more."""\n'),
    edit("layout", "helpers.py", "return shift(x) * 2", "return (\n        shift(x)\n        * 2\n    )"),
    edit("type hint", "deeper.py", "def shift(x):", "def shift(x: float) -> float:"),
    edit("unrelated function", "helpers.py", "x * 100", "x * 200"),
    edit("unrelated function added", "deeper.py",
         "def never_called", "def new_one():\n    return 0\n\ndef never_called"),
    edit("unrelated module", "unrelated.py", "return 1", "return 2"),
    edit("new module", "another.py", "", "print('never imported')\n"),
    edit("unrelated constant", "config.py", "OTHER_RATE = 3", "OTHER_RATE = 4"),
    edit("constant written otherwise", "config.py", "2 * 5", "10"),
    edit("moved down", "deeper.py", "def shift", "UNUSED = 0\n\n\n\ndef shift"),
    edit("order of definitions", "starred.py",
         "def from_star(x):\n    return x - 1\n\ndef also_there(x):\n    return x - 2\n",
         "def also_there(x):\n    return x - 2\n\ndef from_star(x):\n    return x - 1\n"),
    edit("import order", "helpers.py",
         "import deeper\nfrom deeper import shift", "from deeper import shift\nimport deeper"),
    edit("unused import", "deeper.py", "def shift", "import math\n\ndef shift"),
    edit("changed gate", "shop.py", "at_least=0.0", "at_least=-1.0"),
    edit("new gate", "shop.py",
         'shop.gate("hits", at_least=0.0)', 'shop.gate("hits", at_least=0.0)\nshop.gate("hits", at_least=-9.0)'),
    edit("changed evaluator", "metrics.py", "float(sum", "1.0 + float(sum"),
    edit("new evaluator", "shop.py",
         "@shop.evaluator",
         '@shop.evaluator(maximize="n")\ndef count(y_pred):\n    return len(y_pred)\n\n@shop.evaluator'),
    edit("new model", "shop.py",
         "@shop.evaluator", '@shop.model\ndef late_comer():\n    return Noted("new", abs)\n\n@shop.evaluator', "new"),
    edit("one value more in the grid", "shop.py", "[1, 2]", "[1, 2, 3]", "grid3"),
    edit("one seed more", "shop.py", "seeds=(0,)", "seeds=(0, 1)", *MODELS),
    edit("model taken out", "shop.py", 'shop.model(Noted("instance", abs), name="instance")', ""),
    edit("another package", "site-packages/otherlib-1.0.dist-info/METADATA", "Version: 1.0", "Version: 1.1"),
    edit("assertion in the test", "test_shop.py", ">= 0", ">= -1"),
    edit("description", "shop.py", "seeds=(0,)", 'seeds=(0,), description="What sells"'),
    edit("data written otherwise", "data.csv", "3,1", "3.0,1"),
    edit("renamed gate", "shop.py", 'shop.gate("hits", at_least=0.0)', 'shop.gate("shots", at_least=0.0)',
         ).with_("shop.py", 'maximize="hits")\ndef hits', 'maximize="shots")\ndef shots'),
    edit("new dataset", "shop.py", "\n@shop.model\ndef helper", NEW_DATASET, *MODELS),
    edit("first of two star imports", "starred_first.py", "x - 17", "x - 16"),
    edit("file that nobody reads", "unread.txt", "", "1"),
    edit("README", "README.md", "What sells", "What is sold"),
    edit("helper moved to another module", "helpers.py", SCALE, "").with_(
        "moved.py", "", "from deeper import shift\n\n" + SCALE).with_(
        "shop.py", "import by_attribute, scale", "import by_attribute\nfrom moved import scale"),
    edit("module renamed", "lower.py", "", "def shift(x):\n    return x + 1\n").with_(
        "helpers.py", "import deeper\nfrom deeper import shift", "import lower as deeper\nfrom lower import shift"),
    edit("methods in another order", "base.py",
         "    def bonus(self):\n        return self.offset\n", "").with_(
        "base.py", "    def predict", "    def bonus(self):\n        return self.offset\n\n    def predict"),
    edit("comment in conftest", "conftest.py", "# for tests of another kind", "# for all"),
    edit("fixture of other tests", "conftest.py", "return patchable.LEVEL", "return patchable.LEVEL + 1"),
    edit("hook that counts nothing", "conftest.py", "@pytest.fixture",
         "def pytest_configure(config):\n    config.addinivalue_line('markers', 'slow: is')\n\n@pytest.fixture"),
    edit("unrelated in a module that is loaded", "extras.py", "return x", "return x + 1"),
    edit("unit test", "test_other.py", "",
         "from helpers import scale\n\ndef test_scale():\n    assert scale(1) == 4\n"),
    edit("for scripts only", "helpers.py", "def unused", 'if __name__ == "__main__":\n    print(1)\n\ndef unused'),
)  # fmt: skip
