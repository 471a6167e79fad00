from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pytest_mlexp.errors import SettingsError
from pytest_mlexp.tracking.address import absolute, check_uri, how_to_open


@pytest.mark.parametrize(
    "uri",
    [
        None,
        "off",
        "sqlite:////srv/runs.db",
        "postgresql+psycopg2://host/runs",
        "http://127.0.0.1:5000",
        "https://user:pass@host",
        "databricks",
        "databricks://profile",
        "uc:catalog",
    ],
)
def test_addresses_that_mlflow_knows_are_taken(uri: str | None) -> None:
    check_uri(uri)


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("runs", "sqlite:///runs.db would be a file"),
        ("htp://host", "did you mean 'http'"),
        ("ftp://user:secret@host/x", "'ftp://host/x' is no address"),
        ("oof", "no address of an MLflow store"),
        ("file:///srv/mlruns", "sqlite:////srv/mlruns.db would be a file"),
    ],
)
def test_anything_else_is_refused_with_the_candidates(monkeypatch: pytest.MonkeyPatch, uri: str, words: str) -> None:
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    with pytest.raises(SettingsError, match=words):
        check_uri(uri)


def test_a_folder_is_taken_where_mlflow_was_told_to_allow_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    check_uri("mlruns")
    check_uri("file:///srv/mlruns")


@pytest.mark.parametrize("uri", [None, "off", "sqlite:////srv/runs.db", "sqlite:///:memory:", "https://host/runs.db"])
def test_what_does_not_depend_on_the_folder_stays(uri: str | None) -> None:
    assert absolute(uri) == uri


def test_a_file_in_this_folder_is_found_from_any_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute("sqlite:///runs.db") == f"sqlite:///{tmp_path}/runs.db"


def test_a_server_is_opened_by_its_address() -> None:
    assert how_to_open("https://mlflow.example.com/x") == "https://mlflow.example.com/x"


def test_the_command_can_be_pasted(monkeypatch: pytest.MonkeyPatch) -> None:
    beside = Path(sys.executable).parent
    monkeypatch.setenv("PATH", str(beside))
    assert how_to_open("sqlite:////a b/x.db") == "mlflow ui --backend-store-uri 'sqlite:////a b/x.db'"
    monkeypatch.setenv("PATH", os.devnull)
    assert how_to_open("sqlite:////x.db") == f"{beside / 'mlflow'} ui --backend-store-uri sqlite:////x.db"
