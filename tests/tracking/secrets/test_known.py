"""What is hidden whatever its name: credentials in addresses, tokens, headers, private keys."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlexp.tracking.secrets import redact_command, redact_diff, redact_text, redact_uri, redact_value
from tests.tracking.secrets.planted import SECRET, shown

JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJub2JvZHkifQ.bm9ib2R5"

URIS = {
    "http://bob:s3cret@host:80/p?a=1&token=q#frag": "http://host:80/p?a=1#frag",
    "https://tok@github.com/o/r.git": "https://github.com/o/r.git",
    "postgresql://u:p/a?s#s@h/db": "postgresql://h/db",
    "redis://:pw@h": "redis://h",
    "s3://b/k?X-Amz-Signature=zz&X-Amz-Security-Token=y&v=1": "s3://b/k?v=1",
    "https://h/blob?sv=1&sig=zz": "https://h/blob?sv=1",
    "https://h/x?password=a?b&v=1": "https://h/x?v=1",
    "https://h/cb#access_token=zz": "https://h/cb",
    "http://[::1/x?token=a": "http://[::1/x",
    "sqlite:////data/x.db?password=p": "sqlite:////data/x.db",
    "bob:pw12@host/x": "host/x",
    "https://h/p;token=zz1;v=1/x?y=2": "https://h/p;v=1/x?y=2",
    "jdbc:sqlserver://h:1433;user=u;password=zz1": "jdbc:sqlserver://h:1433;user=u",
    "jdbc:sqlserver://h;password={z;z/1};encrypt=true": "jdbc:sqlserver://h;encrypt=true",
    "jdbc:sqlserver://h;password=z#z?1;encrypt=true": "jdbc:sqlserver://h;encrypt=true",
    "jdbc:oracle:thin:me/zz1@h:1521:x": "jdbc:oracle:thin:@h:1521:x",
    "Server=h;Pwd=zz1": "Server=h;Pwd=***",
    "https://hooks.slack.com/services/T0/B0/zz1": "https://hooks.slack.com/services/***",
    f"https://h/{JWT}/x": "https://h/***/x",
}
HARMLESS_URIS = (
    "sqlite:///C:/a@b/mlflow.db file:///tmp/x git@github.com:o/r.git https://h:8080/x@y?page=2#top"
    " https://h/x?&a=1 https://h/token&a=1;b=2 databricks://profile mlruns"
)
TOKENS = [
    "ghp_" + "a1B2" * 9,
    "xoxb-1234567890-abc",
    "sk_live_" + "a1" * 12,
    "AIza" + "a1B2c" * 7,
    "SG." + "a" * 22 + "." + "b" * 43,
    "SK" + "0f" * 16,
    "glptt-" + "a1" * 20,
    "123456789:AA" + "b" * 33,
    "ASIA" + "A1" * 8,
    "$2y$05$" + "a1" * 20,
    JWT,
]
# What a command, a header or a file holds; the secret alone is hidden, wherever the line stands.
FORMS = [
    "Authorization: Bearer zz1",
    "Authorization: Basic zz1",
    "Proxy-Authorization: Digest zz1",
    "X-Api-Key: zz1",
    "x-auth-token: zz1",
    "Bearer zz1zz1",
    "Server=h;Pwd=zz1",
    "Pwd=zz1;Server=h",
    "Driver={ODBC 18};Server=h;Uid=u;Pwd={zz1};Encrypt=yes",
    "Endpoint=sb://h/;SharedAccessKeyName=n;SharedAccessKey=zz1=",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=zz1/+==;EndpointSuffix=core",
    "host=h port=1 user=u password=zz1 dbname=d",
    "password=zz1 host=h",
    "/path?a=1&token=zz1",
    "?sv=2020&ss=b&sig=zz1",
    "machine h login u password zz1",
    "wandb login zz1" + "a" * 37,
    "curl -u me:zz1 h",
    "mysql -u root -pzz1 db",
    "docker login -u me -p zz1",
]
MARKS = ("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----")
MATERIAL = "Qm9i" * 16


@pytest.mark.parametrize("uri", URIS)
def test_a_uri_loses_credentials_and_secret_parameters_only(uri: str) -> None:
    assert redact_uri(uri) == URIS[uri]
    assert redact_uri(URIS[uri]) == URIS[uri]


@pytest.mark.parametrize("uri", ["", *HARMLESS_URIS.split()])
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


@pytest.mark.parametrize("token", TOKENS)
def test_tokens_of_services_are_known_by_their_form(token: str) -> None:
    assert shown("a.py", f'send("{token}")') == ['send("***")']
    assert redact_value(token) == "***"


@pytest.mark.parametrize("text", FORMS)
@pytest.mark.parametrize("name", ["a.py", "a.yaml", "a.sh", "a.md", "a.ipynb"])
def test_a_secret_is_hidden_wherever_it_stands(text: str, name: str) -> None:
    for line in (f'run("{text}")', f"# {text}", f"see '{text}'", f'    "{text}\\n",'):
        assert SECRET not in "".join(shown(name, line))
    assert SECRET not in redact_value(text)
    assert SECRET not in "".join(redact_command([text]))


def test_a_text_loses_tokens_and_credentials_wherever_they_stand() -> None:
    text = redact_text(f'+url = "https://u:zz@h/x"\n+key = "{TOKENS[0]}"\n')
    assert text == '+url = "https://h/x"\n+key = "***"\n'


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [("key.pem", "", ""), ("a.yaml", "  ", ""), ("a.py", '    "', '\\n"'), ("a.py", "# ", ""), ("a.json", '"', '",')],
)
def test_a_private_key_is_hidden_line_by_line(name: str, before: str, after: str) -> None:
    key = [MARKS[0], MATERIAL, MATERIAL, "Qm9i", MARKS[1], "rows"]
    lines = [f"{before}{line}{after}" for line in key]
    assert shown(name, *lines) == [
        line if place in {0, 4, 5} else f"{before}***{after}" for place, line in enumerate(lines)
    ]


@pytest.mark.parametrize("kind", ["", "EC ", "OPENSSH ", "ENCRYPTED "])
@pytest.mark.parametrize("end", ["\\n", "\\\\n", " "])
def test_a_private_key_on_one_line_is_hidden(kind: str, end: str) -> None:
    key = end.join([f"-----BEGIN {kind}PRIVATE KEY-----", MATERIAL, "Qm9i", f"-----END {kind}PRIVATE KEY-----"])
    for text in (redact_value(key), *shown("a.py", f'load("{key}")'), *shown(".env", f"K={key}")):
        assert "Qm9i" not in text
        assert "***" in text


def test_a_part_of_a_private_key_is_hidden_and_removed_lines_as_well() -> None:
    header = "--- a/key\n+++ b/key\n@@ -1,3 +1,3 @@\n"
    start = header + f" {MARKS[0]}\n-{MATERIAL}\n+{MATERIAL}\n {MATERIAL}\n"
    end = header + f"-{MATERIAL}\n+{MATERIAL}\n Qm9i\n {MARKS[1]}\n"
    assert "Qm9i" not in redact_diff(start)
    assert "Qm9i" not in redact_diff(end)
    assert [line[:1] for line in redact_diff(end).split("\n")] == [line[:1] for line in end.split("\n")]
