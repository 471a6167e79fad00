from __future__ import annotations

import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_mlexp.plugin.terminal import _say_where, how_to_open
from pytest_mlexp.tracking.mirrored import Mirrored


def test_a_server_is_opened_by_its_address() -> None:
    assert how_to_open("https://mlflow.example.com/x") == "https://mlflow.example.com/x"


def test_the_command_can_be_pasted(monkeypatch: pytest.MonkeyPatch) -> None:
    beside = Path(sys.executable).parent
    monkeypatch.setenv("PATH", str(beside))
    assert how_to_open("sqlite:////a b/x.db") == "mlflow ui --backend-store-uri 'sqlite:////a b/x.db'"
    monkeypatch.setenv("PATH", os.devnull)
    assert how_to_open("sqlite:////x.db") == f"{beside / 'mlflow'} ui --backend-store-uri sqlite:////x.db"


def said(mirrored: Mirrored) -> list[str]:
    lines: list[str] = []
    reporter: Any = SimpleNamespace(
        write_line=lambda line, **_: lines.append(line), config=SimpleNamespace(get_verbosity=lambda: 0)
    )
    recorder: Any = SimpleNamespace(trouble="no space", mirrored=mirrored, session="s", shown_uri="sqlite:////x.db")
    _say_where(reporter, recorder)
    return lines


@pytest.mark.parametrize(("experiments", "is_told"), [((), False), (("churn",), True)])
def test_a_store_that_holds_nothing_of_a_session_is_not_offered(experiments: tuple[str, ...], is_told: bool) -> None:
    assert any(line.startswith("open the runs") for line in said(Mirrored(0, 0, experiments))) == is_told


def test_a_journal_that_was_damaged_before_the_session_went_on_is_told() -> None:
    assert "the journal is not whole: line 3 is damaged" in said(Mirrored(0, 0, (), damage="line 3 is damaged"))
