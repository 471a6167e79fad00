"""What is no secret stays byte for byte: a diff that was changed for nothing is not what ran."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_mlexp.tracking import secrets
from pytest_mlexp.tracking.secrets import is_secret_name, redact_command, redact_diff, redact_source, redact_value
from tests.tracking.secrets.planted import patch_of

CODE = [
    "max_tokens=5",
    "generate(prompt, max_tokens=5, stop_token='</s>')",
    'tokenizer="bert"',
    'tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased", use_fast=True)',
    'CountVectorizer(token_pattern=r"\\w+")',
    'special_tokens = ["a"]',
    'tokenizer.pad_token = "[PAD]"',
    'config = {"pad_token_id": 0, "eos_token": "</s>", "token_type": "word"}',
    'tokens = ["a", "b"]',
    'if token == "[SEP]":',
    "token = tokens[0]; password = read()",
    "login(token=TOKEN, password=password)",
    'headers = {"Authorization": f"Bearer {token}"}',
    'headers = {"Authorization": f"Bearer {os.environ[\'HF_TOKEN\']}"}',
    'token = os.environ["HF_TOKEN"]',
    'token = os.environ.get("HF_TOKEN", "")',
    'engine = create_engine(f"postgresql://{user}:{password}@{host}/db")',
    'password: str = ""',
    "def f(token: str, other: str = 'abc', *, password: str | None = None) -> str:",
    "def f(authorization: str, x_api_key: str) -> None:",
    "pass_rate = 0.5",
    'passed = "yes"',
    'n_passes = "3"',
    'bypass = "x"',
    "if x: pass",
    "else: pass",
    "class A: pass  # nothing",
    "    pass",
    'first_pass = "a"',
    'commit = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"',
    '"sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"',
    'data = ["dGVzdCBkYXRhIGZvciBhIGJhc2U2NCBhcnJheQ==", "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"]',
    'array = np.frombuffer(b"\\x00\\x01")',
    'primary_key = "id"; cache_key = "x"; random_key = "y"',
    'signature_version="s3v4"',
    "signature = inspect.signature(fit)",
    'key = "column"',
    "x = a if token else b",
    "x = {**a, 'author': 'me'}",
    "@pytest.mark.parametrize('x', [1, 2])",
    "y = x[a:b] - token @ weights",
    'parser.add_argument("--token-pattern", default="a")',
    'parser.add_argument("--token", "-t", help="how to log in")',
    '@click.option("--password", "word")',
    '"""Use --token to log in."""',
    "# Bearer authentication is what the server wants; basic or digest will not do.",
    'uri = "https://example.org/a;b=1/c?page=2#top"',
    'dsn = "host=h port=5432 dbname=d"',
    'text = "a; b = c; d"',
    'scheduler = "Server=h;Database=d"',
    'if "-----BEGIN PRIVATE KEY-----" in text:',
    'marks = re.compile("-----BEGIN PRIVATE KEY-----(.*?)-----END PRIVATE KEY-----")',
    'image = "registry.example.org/a:1@sha256:9f86d081884c7d65"',
    'raise ValueError(f"token: {token!r} is not known")',
    'print("password:", password)',
    "wandb.login()",
    'sort(key="score")',
    "loss = F.cross_entropy(logits, target, label_smoothing=0.1)",
    "SK_LEARN = sk_learn_contrib_extras_of_ours(1)",
    "eyJ = key_words[-1:]",
    'headers = {"x-goog-api-key": self.key}',
    'password = getpass("Password: ")',
    'url = base + "?token=" + token + "&x=1"',
    'run(f"x --password={password} --rows 3")',
    'text = f"machine {host} login me password {password}"',
    'dsn = f"Server={server};Pwd={password};Encrypt=yes"',
    'API_KEY = "API_KEY"',
    'print("Token: " + token + "\\n")',
    '"!function(a){var token=a}"',
    'auth = ("", "")',
    'url = "https://example.org/a.html#"',
    'url = "https://example.org/a.html#token-types"',
    'model_signature: str = "a"',
    "# postgresql://<user>:<password>@<host>/db",
    'assert union["pass"] == "through"',
]

SETTINGS = [
    "max_tokens: 512",
    "pad_token_id: 0",
    "tokenizer: bert-base-uncased",
    "use_auth_token: true",
    "token: null",
    "password: ${DB_PASSWORD}",
    "token: ${{ secrets.GITHUB_TOKEN }}",
    "password: ${oc.env:DB_PASSWORD}  # from outside",
    "password: $(DB_PASSWORD)",
    "pass_rate: 0.5",
    "PASS_RATE = 0.9",
    "n_passes = 3",
    "bypass: on",
    "run: pytest tests/test_token.py::test_password --tokenizer bert",
    "image: a@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "ports: 5432:5432",
    "secretName: db",
    "author: Bob",
    "monkey: 1",
    "dist_auth_type: basic",
    "docker run -u 1000:1000 -v $PWD:/app image",
    "docker run -u $(id -u):$(id -g) image",
    "train --max-tokens 512 --tokenizer bert",
    "set -euo pipefail",
    "numpy==2.0  # pinned",
    "token-bucket==1.0",
]


@pytest.mark.parametrize("line", CODE)
@pytest.mark.parametrize("name", ["a.py", "a.ipynb", "b.pyi"])
def test_ordinary_code_stays_as_it_is(line: str, name: str) -> None:
    text = f"    {json.dumps(line + chr(10))}," if name.endswith("ipynb") else line
    assert redact_source(text, name=name) == text
    assert redact_diff(patch_of(name, text)) == patch_of(name, text)


@pytest.mark.parametrize("line", SETTINGS)
@pytest.mark.parametrize("name", ["a.yaml", "a.ini", "run.sh", "Dockerfile", "README.md", "requirements.txt"])
def test_ordinary_settings_stay_as_they_are(line: str, name: str) -> None:
    assert redact_source(line, name=name) == line
    assert redact_diff(patch_of(name, line)) == patch_of(name, line)


def test_code_around_the_marks_of_a_key_stays_as_it_is() -> None:
    lines = ["if line == '-----BEGIN PRIVATE KEY-----':", "    return", "pass", "'-----END PRIVATE KEY-----'", "x = 1"]
    assert redact_diff(patch_of("a.py", *lines)) == patch_of("a.py", *lines)


@pytest.mark.parametrize(
    "lines", [["auth:", "  user: me", "  rows: 3"], ["token: true", "  rows: 3"], ["signature:", "a: 1"]]
)
def test_what_stands_below_a_name_stays_where_it_is_no_text(lines: list[str]) -> None:
    assert redact_diff(patch_of("a.yaml", *lines)) == patch_of("a.yaml", *lines)


@pytest.mark.parametrize(
    "word",
    [
        "tests/test_token.py::test_password[x=1]",
        "tests/test_auth.py::test_login[mode=a]",
        "--max-tokens=5",
        "--pass-rate=0.5",
    ],
)
def test_the_tests_of_a_command_line_stay_as_they_are(word: str) -> None:
    assert redact_command(["pytest", word]) == ("pytest", word)


@pytest.mark.parametrize(
    "value", ["", "4", "max_split_size_mb:128,expandable_segments:True", ":4096:8", "0,1", "refs/heads/a"]
)
def test_ordinary_variables_stay_as_they_are(value: str) -> None:
    assert redact_value(value) == value


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("pass", True),
        ("--pass", True),
        ("-pass", True),
        ("db.pass", True),
        ("passed", False),
        ("n_passes", False),
        ("_authToken", True),
        ("dbPassword", True),
        ("AccountKey", True),
        ("SharedAccessKeyName", False),
        ("api_tokens", True),
        ("token_pattern", False),
        ("padToken", False),
        ("TOKEN_ID", False),
        ("auth_type", False),
        ("password_type", True),
        ("blob_sas", True),
        ("sas_date_formats", False),
    ],
)
def test_a_name_is_read_word_by_word(name: str, secret: bool) -> None:
    assert is_secret_name(name) is secret


def test_this_package_itself_stays_as_it_is() -> None:
    for path in Path(secrets.__file__).parent.parent.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert redact_source(text, name=path.name) == text
