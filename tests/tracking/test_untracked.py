from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mlexp.tracking import untracked
from pytest_mlexp.tracking.untracked import contents

PLANTED = "hunter2hunter2"


def test_small_source_and_settings_files_are_kept_and_nothing_else(tmp_path: Path) -> None:
    for name in ("model.py", "grid.toml", "schema.json", "data.csv", "weights.bin", "large.py"):
        (tmp_path / name).write_text("a = 1\n")
    (tmp_path / "large.py").write_text("#" * 200_000)
    (tmp_path / "latin.py").write_bytes(b"# \xe9\n")
    (tmp_path / "secrets.toml").write_text("a = 1\n")
    (tmp_path / "link.py").symlink_to(tmp_path / "model.py")
    names = [*(path.name for path in tmp_path.iterdir()), "gone.py"]
    kept, redacted = contents(tmp_path, names)
    assert set(kept) == {"model.py", "grid.toml", "schema.json"}
    assert kept["model.py"] == "a = 1\n"
    assert redacted == ()


def test_all_of_them_together_stay_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untracked, "MOST_BYTES", 10)
    for name in ("a.py", "b.py", "c.py"):
        (tmp_path / name).write_text("a = 1\n")
    assert set(contents(tmp_path, ["a.py", "b.py", "c.py"])[0]) == {"a.py"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.py", f'API_KEY = "{PLANTED}"\nx = 1\n'),
        ("a.py", f"settings['password'] = '{PLANTED}'\n"),
        ("a.json", f'{{"token": "{PLANTED}", "size": "12"}}\n'),
        ("a.toml", f'uri = "postgresql://user:{PLANTED}@host/db"\n'),
        ("a.yaml", f"password: '{PLANTED}'\n"),
        ("a.yaml", f"db_password: {PLANTED}\nsize: 3\n"),
        ("a.ini", f"[db]\npassword = {PLANTED}\n"),
    ],
)
def test_no_planted_secret_is_kept(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    kept, redacted = contents(tmp_path, [name])
    assert PLANTED not in kept[name]
    assert "***" in kept[name] or "@" not in kept[name]
    assert redacted == (name,)


def test_code_about_tokens_stays_as_it_is(tmp_path: Path) -> None:
    text = 'token = tokenizer(text)\nmax_tokens = "12"\nkey = "column"\ndef f(password=None): ...\n'
    (tmp_path / "a.py").write_text(text)
    assert contents(tmp_path, ["a.py"]) == ({"a.py": text}, ())
