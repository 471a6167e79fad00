from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pytest_mlexp.plugin.terminal import how_to_open


def test_a_server_is_opened_by_its_address() -> None:
    assert how_to_open("https://mlflow.example.com/x") == "https://mlflow.example.com/x"


def test_the_command_can_be_pasted(monkeypatch: pytest.MonkeyPatch) -> None:
    beside = Path(sys.executable).parent
    monkeypatch.setenv("PATH", str(beside))
    assert how_to_open("sqlite:////a b/x.db") == "mlflow ui --backend-store-uri 'sqlite:////a b/x.db'"
    monkeypatch.setenv("PATH", os.devnull)
    assert how_to_open("sqlite:////x.db") == f"{beside / 'mlflow'} ui --backend-store-uri sqlite:////x.db"
