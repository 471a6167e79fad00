"""What is no secret stays byte for byte: a diff that was changed for nothing is not what ran."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_mlexp.tracking import secrets
from pytest_mlexp.tracking.secrets import redact_command, redact_diff, redact_source, redact_value
from tests.tracking.secrets.planted import patch_of

CODE = [
    "generate(prompt, max_tokens=5, stop_token='</s>')",
    'CountVectorizer(token_pattern=r"\\w+")',
    'tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased", use_fast=True)',
    'tokenizer.pad_token = "[PAD]"',
    'config = {"pad_token_id": 0, "eos_token": "</s>", "token_type": "word"}',
    'tokens = ["a", "b"]; COLUMNS = ["token", "label"]',
    'if token == "[SEP]":',
    'assert union["pass"] == "through"',
    'elif qop == "auth" or "auth" in qop.split(","):',
    "token = tokens[0]; password = read()",
    "connect(host=host, token=TOKEN, password=password)",
    'headers = {"Authorization": f"Bearer {token}"}',
    'headers = {"Authorization": f"Bearer {os.environ[\'HF_TOKEN\']}"}',
    'headers = {"x-goog-api-key": self.key}',
    'token = os.environ.get("HF_TOKEN", "")',
    'engine = create_engine(f"postgresql://{user}:{password}@{host}/db")',
    'url = f"https://{token}@example.org/a.git"',
    'password: str = ""',
    "def f(token: str, other: str = 'abc', *, password: str | None = None) -> str:",
    "def f(authorization: str, x_api_key: str) -> None:",
    "if x: pass",
    "class A: pass  # nothing",
    'first_pass = "a"',
    '"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
    'data = ["dGVzdCBkYXRhIGZvciBhIGJhc2U2NCBhcnJheQ==", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"]',
    'primary_key = "id"; cache_key = "x"; random_key = "y"',
    'signature_version="s3v4"; model_signature: str = "a"',
    'key = "column"; sort(key="score")',
    "x = a if token else b",
    "y = x[a:b] - token @ weights",
    'parser.add_argument("--token-pattern", default="a")',
    'parser.add_argument("--token", "-t", help="how to log in")',
    '@click.option("--password", "word")',
    '"""Use --token to log in."""',
    "# Bearer authentication is what the server wants; basic or digest will not do.",
    'uri = "https://example.org/a;b=1/c?page=2#top"',
    'url = "https://example.org/a.html#"; other = "https://example.org/?&a=1#token-types"',
    'dsn = "host=h port=5432 dbname=d"; text = "a; b = c; d"; scheduler = "Server=h;Database=d"',
    'if "-----BEGIN PRIVATE KEY-----" in text:',
    'marks = re.compile("-----BEGIN PRIVATE KEY-----(.*?)-----END PRIVATE KEY-----")',
    'image = "registry.example.org/a:1@sha256:9f86d081884c7d65"',
    'raise ValueError(f"token: {token!r} is not known")',
    'print(f"password={password!r}")',
    'print("password:", password)',
    'print("Token: " + token + "\\n")',
    "SK_LEARN = sk_learn_contrib_extras_of_ours(1); eyJ = key_words[-1:]",
    'password = getpass("Password: ")',
    'url = base + "?token=" + token + "&x=1"',
    'run(f"x --password={password} --rows 3")',
    'text = f"machine {host} login me password {password}"',
    'dsn = f"Server={server};Pwd={password};Encrypt=yes"; other = "PWD=%s" % password',
    'API_KEY = "API_KEY"',
    '"!function(a){var token=a}"',
    'auth = ("", "")',
    "# postgresql://<user>:<password>@<host>/db",
    "# abfs[s]://file_system@account/<path>",
]

SETTINGS = [
    "pad_token_id: 0",
    "use_auth_token: true",
    "token: null",
    "password: ${DB_PASSWORD}",
    "token: ${{ secrets.GITHUB_TOKEN }}",
    "password: ${oc.env:DB_PASSWORD}  # from outside",
    "password: $(DB_PASSWORD)",
    "PASS_RATE = 0.9",
    "bypass: on",
    "run: pytest tests/test_token.py::test_password --tokenizer bert",
    "image: a@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "ports: 5432:5432",
    "secretName: db",
    "dist_auth_type: basic",
    "docker run -u 1000:1000 -v $PWD:/app image",
    "docker run -u $(id -u):$(id -g) image",
    "train --max-tokens 512 --tokenizer bert PASS_RATE=0.9",
    "set -euo pipefail",
    "token-bucket==1.0  # pinned",
]


@pytest.mark.parametrize("line", CODE)
@pytest.mark.parametrize("name", ["a.py", "a.ipynb"])
def test_ordinary_code_stays_as_it_is(line: str, name: str) -> None:
    text = f"    {json.dumps(line + chr(10))}," if name.endswith("ipynb") else line
    assert redact_source(text, name=name) == text
    assert redact_diff(patch_of(name, text)) == patch_of(name, text)


@pytest.mark.parametrize("line", SETTINGS)
@pytest.mark.parametrize("name", ["a.yaml", "run.sh", "README.md"])
def test_ordinary_settings_stay_as_they_are(line: str, name: str) -> None:
    assert redact_source(line, name=name) == line
    assert redact_diff(patch_of(name, line)) == patch_of(name, line)


@pytest.mark.parametrize(
    "lines",
    [
        ["if line == '-----BEGIN PRIVATE KEY-----':", "    return", "pass", "'-----END PRIVATE KEY-----'", "x = 1"],
        ["@click.option(", '    "--api-key",', '    "api_key",', ")"],
        ['"auth_policy": (', '    """What it is.', '    """', ")"],
    ],
)
def test_code_of_several_lines_stays_as_it_is(lines: list[str]) -> None:
    assert redact_diff(patch_of("a.py", *lines)) == patch_of("a.py", *lines)


@pytest.mark.parametrize(
    "lines", [["auth:", "  user: me", "  rows: 3"], ["token: true", "  rows: 3"], ["signature:", "a: 1"]]
)
def test_what_stands_below_a_name_stays_where_it_is_no_text(lines: list[str]) -> None:
    assert redact_diff(patch_of("a.yaml", *lines)) == patch_of("a.yaml", *lines)


def test_an_ordinary_command_line_is_left_alone() -> None:
    tests = (
        "tests/test_token.py::test_password[x=1]",
        "tests/test_auth.py::test_login[mode=a]",
        "tests/a.py::b[x@y:z@]",
    )
    command = ("pytest", *tests, "--max-tokens=512", "--pass-rate=0.5", "-k", "a or b", "--mlexp", "img:1@sha256:aa")
    assert redact_command(command) == command


@pytest.mark.parametrize(
    "value", ["", "4", "max_split_size_mb:128,expandable_segments:True", ":4096:8", "0,1", "refs/heads/a"]
)
def test_ordinary_variables_stay_as_they_are(value: str) -> None:
    assert redact_value(value) == value


def test_this_package_itself_stays_as_it_is() -> None:
    for path in Path(secrets.__file__).parent.parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert redact_source(text, name=path.name) == text
