from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from pytest_mlexp.tracking.sources import described, loaded

CODE = b'"""Says."""\nimport numpy as np\nfrom os import path\n\ndef f(x):\n    """Does."""\n    return x + 1  # one\n'


def test_only_what_runs_counts() -> None:
    plain = described(b"import numpy as np\nfrom os import path\ndef f(x): return (x+1)\n")
    assert plain is not None
    assert described(CODE) == (plain[0], frozenset({"numpy", "os"}))
    assert described(CODE.replace(b"1 ", b"2 ")) != described(CODE)
    assert described(b"def") is None
    assert described(b"\0") is None


def test_imports_in_functions_count_and_relative_ones_do_not() -> None:
    found = described(b"from . import a\nfrom .b import c\ndef f():\n    import torch.nn\n")
    assert found is not None
    assert found[1] == {"torch"}


def test_first_party_modules_are_described_and_libraries_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("churn_of_ours", "churn_of_ours.features", "__broken__"):
        module = ModuleType(name)
        module.__file__ = str(tmp_path / f"{name}.py")
        Path(module.__file__).write_bytes(b"def" if "broken" in name else b"import numpy, json, churn_of_ours\n")
        monkeypatch.setitem(sys.modules, name, module)
    found = loaded()
    assert {"churn_of_ours.py", "churn_of_ours/features.py"} <= found.files.keys()
    assert "numpy" in found.imports
    assert not {"json", "churn_of_ours"} & set(found.imports)
    assert not any(name.startswith(("numpy/", "pytest_mlexp/", "json", "__broken__")) for name in found.files)


def test_a_module_that_is_loaded_anew_is_described_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = []
    for content in (b"SCALE = 1\n", b"SCALE = 2\n"):
        module = ModuleType("edited_of_ours")
        module.__file__ = str(tmp_path / "edited_of_ours.py")
        Path(module.__file__).write_bytes(content)
        monkeypatch.setitem(sys.modules, "edited_of_ours", module)  # as many modules as before, in the same order
        digests += [loaded().files["edited_of_ours.py"], loaded().files["edited_of_ours.py"]]
    assert digests[0] == digests[1] != digests[2] == digests[3]
    monkeypatch.delitem(sys.modules, "edited_of_ours")
    assert "edited_of_ours.py" not in loaded().files
