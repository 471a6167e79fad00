from __future__ import annotations

import sysconfig
from pathlib import Path

from pytest_mlexp.provenance.libraries.folders import is_library


def test_the_script_that_starts_pytest_is_no_code_of_the_team() -> None:
    script = Path(sysconfig.get_path("scripts")) / "pytest"
    assert is_library(str(script))
    assert not is_library(str(Path(sysconfig.get_path("data")) / "team" / "pytest"))
