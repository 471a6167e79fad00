from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlexp.tracking.secrets import is_secret_name, redact_command, redact_diff, redact_text, redact_uri

TOKEN = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://bob:s3cret@host:80/p?a=1&token=q#frag", "http://host:80/p?a=1#frag"),
        ("https://tok@github.com/o/r.git", "https://github.com/o/r.git"),
        ("postgresql://u:p/a?s#s@h/db", "postgresql://h/db"),
        ("redis://:pw@h", "redis://h"),
        ("mysql+pymysql://u:p%40w@h:3306/db?ssl=1&password=x", "mysql+pymysql://h:3306/db?ssl=1"),
        ("s3://b/k?X-Amz-Signature=zz&X-Amz-Security-Token=y&v=1", "s3://b/k?v=1"),
        ("https://h/blob?sv=1&sig=zz", "https://h/blob?sv=1"),
        ("https://h/cb#access_token=zz", "https://h/cb"),
        ("http://[::1/x?token=a", "http://[::1/x"),
        ("sqlite:////data/x.db?password=p", "sqlite:////data/x.db"),
        ("bob:pw12@host/x", "host/x"),
    ],
)
def test_a_uri_loses_credentials_and_secret_parameters_only(uri: str, expected: str) -> None:
    assert redact_uri(uri) == expected


@pytest.mark.parametrize(
    "uri",
    [
        "sqlite:///C:/a@b/mlflow.db",
        "file:///tmp/x",
        "git@github.com:o/r.git",
        "https://h:8080/x@y?page=2#top",
        "databricks://profile",
        "mlruns",
        "",
    ],
)
def test_a_uri_without_secrets_is_left_alone(uri: str) -> None:
    assert redact_uri(uri) == uri


@given(st.text(min_size=1), st.text(min_size=1))
def test_quoted_credentials_never_survive(user: str, password: str) -> None:
    uri = f"https://{quote(user, safe='')}:{quote(password, safe='')}@host.example/path"
    assert redact_uri(uri) == "https://host.example/path"


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60))
def test_redaction_settles_at_once(text: str) -> None:
    once = redact_uri("https://host.example/" + text)
    assert redact_uri(once) == once


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("MLFLOW_TRACKING_TOKEN", True),
        ("--api-key", True),
        ("DBPASSWORD", True),
        ("AWS_SECRET_ACCESS_KEY", True),
        ("password-file", True),
        ("accessToken", True),
        ("DB_PASS", True),
        ("SMTPPASS", True),
        ("OPENAI_KEY", True),
        ("GITHUB_PAT", True),
        ("password2", True),
        ("PASS_RATE", False),
        ("first_pass", False),
        ("bypass", False),
        ("pattern", False),
        ("cache_key", False),
        ("max_tokens", False),
        ("tokenizer", False),
        ("--author", False),
        ("random_key", False),
        ("keyword", False),
    ],
)
def test_a_name_promises_a_secret_or_not(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["--x-token=zz"], ("--x-token=***",)),
        (["--password", "zz", "-k", "a"], ("--password", "***", "-k", "a")),
        (["--password", "-zz"], ("--password", "***")),
        (["--no-password", "--mlexp"], ("--no-password", "--mlexp")),
        (["-o", "api_key = zz zz"], ("-o", "api_key = ***")),
        (["DB_PASSWORD=zz,zz"], ("DB_PASSWORD=***",)),
        (["--override-ini=x_token=zz"], ("--override-ini=x_token=***",)),
        (["Authorization: Bearer zz"], ("Authorization: ***",)),
        (["--uri=https://u:zz@h/x?token=zz"], ("--uri=https://h/x",)),
        (["--uri", "me:zz@h/x"], ("--uri", "h/x")),
        ([TOKEN], ("***",)),
        (["--pass", "zz", "DB_PASS=zz"], ("--pass", "***", "DB_PASS=***")),
        (['{"password": "zz", "rows": "3"}'], ('{"password": "***", "rows": "3"}',)),
    ],
)
def test_a_command_line_loses_its_secrets(command: list[str], expected: tuple[str, ...]) -> None:
    assert redact_command(command) == expected


def test_an_ordinary_command_line_is_left_alone() -> None:
    command = ("pytest", "tests/a.py::test_b[x@y:z@]", "--max-tokens=512", "-k", "a or b", "--mlexp", "img:1@sha256:aa")
    assert redact_command(command) == command


def test_code_that_only_looks_like_a_token_is_left_alone() -> None:
    text = "hf_hub_download_and_more()\nbasic usage of sk-learn-contrib-extras\n@decorator\nx: int = 1\n"
    assert redact_text(text) == text


def test_a_text_loses_tokens_and_credentials_wherever_they_stand() -> None:
    text = redact_text(f'+url = "https://u:zz@h/x"\n+key = "{TOKEN}"\n')
    assert text == '+url = "https://h/x"\n+key = "***"\n'


def test_a_patch_loses_what_added_lines_give_a_secret_name_and_still_applies() -> None:
    patch = """--- a/team.py
+++ b/team.py
@@ -1,3 +1,4 @@
 API_TOKEN = "known"
-password = "before"
+password = "abc"
+client = Client(api_key='abc', max_tokens=3)
+key: password = read()
--- a/team.yaml
+++ b/team.yaml
+password: abc
+port: 80
"""
    expected = patch.replace('"abc"', '"***"').replace("'abc'", "'***'").replace("password: abc", "password: ***")
    assert redact_diff(patch) == expected


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("run.sh", "export DB_PASS=zz"),
        ("run.sh", "train --password zz --rows 3"),
        (".env.local", "PGPASSWORD=zz"),
        ("Dockerfile", "ENV DB_PASSWORD zz"),
        ("team.yaml", "token: zz"),
        ("team.py", 'os.environ["DB_PASS"] = "zz"'),
        ("team.py", 'os.environ.setdefault("PGPASSWORD", "zz")'),
        ("team.py", 'os.getenv("API_KEY", "zz")'),
        ("team.py", 'PASSWORD: str | None = "zz"'),
        ("team.py", 'login(password=b"zz")'),
        ("team.py", 'TOKEN = """zz"""'),
    ],
)
def test_an_added_line_loses_its_secret_whatever_its_form(name: str, line: str) -> None:
    assert redact_diff(f"+++ b/{name}\n+{line}\n") == f"+++ b/{name}\n+{line.replace('zz', '***')}\n"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("team.py", 'COLUMNS = ["token", "label"]'),
        ("team.py", "login(token=TOKEN, PASS_RATE=0.9)"),
        ("team.py", 'found.get("tokenizer", "bert")'),
        ("run.sh", "train --tokenizer bert --max-tokens 512 PASS_RATE=0.9"),
        ("Dockerfile", "ENV PASS_RATE 0.9"),
    ],
)
def test_an_added_line_without_secrets_is_left_alone(name: str, line: str) -> None:
    assert redact_diff(f"+++ b/{name}\n+{line}\n") == f"+++ b/{name}\n+{line}\n"


def test_a_very_long_added_line_is_redacted_in_no_time() -> None:
    line = "+" + "a" * 200_000
    assert redact_diff(f"+++ b/data.json\n{line}\n") == f"+++ b/data.json\n{line}\n"
