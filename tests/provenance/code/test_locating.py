from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mlexp.provenance.code.locating import folders_of, locate


def test_folders_in_packages_that_are_not_loaded_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "unloaded_package" / "inner"
    inner.mkdir(parents=True)
    (inner.parent / "__init__.py").touch()
    (inner / "part.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert locate("unloaded_package.inner").kind == "folder"
    assert folders_of("unloaded_package.inner") == [inner]
    assert locate("unloaded_package.inner.part").path == inner / "part.py"
    assert locate("unloaded_package.inner.other").kind == "missing"
