"""What is hidden, form by form: ``zz1`` is the secret, and everything else stays as it is."""

from __future__ import annotations

import pytest

from pytest_mlexp.tracking.secrets import redact_command, redact_uri, redact_value
from tests.tracking.secrets.planted import SECRET, shown

JWT = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJub2JvZHkifQ.bm9ib2R5"


URIS = {
    "https://h/p;token=zz1": "https://h/p",
    "https://h/p;token=zz1;v=1/x?y=2": "https://h/p;v=1/x?y=2",
    "jdbc:sqlserver://h:1433;user=u;password=zz1": "jdbc:sqlserver://h:1433;user=u",
    "jdbc:sqlserver://h;password={z;z/1};encrypt=true": "jdbc:sqlserver://h;encrypt=true",
    "jdbc:sqlserver://h;password=z/z1;encrypt=true": "jdbc:sqlserver://h;encrypt=true",
    "jdbc:oracle:thin:me/zz1@h:1521:x": "jdbc:oracle:thin:@h:1521:x",
    "Server=h;Pwd=zz1": "Server=h;Pwd=***",
    "https://hooks.slack.com/services/T0/B0/zz1": "https://hooks.slack.com/services/***",
    f"https://h/{JWT}/x": "https://h/***/x",
}

# Wherever they stand: in code, in settings and in values of environment variables.
ANYWHERE = [
    "Server=h;Pwd=zz1",
    "Pwd=zz1;Server=h",
    "Driver={ODBC 18};Server=h;Uid=u;Pwd={zz1};Encrypt=yes",
    "Endpoint=sb://h/;SharedAccessKeyName=n;SharedAccessKey=zz1=",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=zz1/+==;EndpointSuffix=core",
    "host=h port=1 user=u password=zz1 dbname=d",
    "password=zz1 host=h dbname=d",
    "Authorization: Bearer zz1",
    "Authorization: Basic zz1",
    "Proxy-Authorization: Digest zz1",
    "X-Api-Key: zz1",
    "x-auth-token: zz1",
    "Bearer zz1zz1",
    f"Bearer {JWT}",
    JWT,
    "/path?a=1&token=zz1",
    "?sv=2020&ss=b&sig=zz1",
    "machine h login u password zz1",
    "wandb login zz1" + "a" * 37,
]

TOKENS = [
    "xoxb-1234567890-abc",
    "xapp-1-A0-abcdefghij",
    "sk_live_" + "a1" * 12,
    "whsec_" + "a1" * 16,
    "AIza" + "a1B2c" * 7,
    "GOCSPX-" + "a1" * 14,
    "SG." + "a" * 22 + "." + "b" * 43,
    "npm_" + "a1" * 18,
    "SK" + "0f" * 16,
    "glptt-" + "a1" * 20,
    "dckr_pat_" + "a1" * 14,
    "gsk_" + "a1" * 26,
    "123456789:AA" + "b" * 33,
    "ASIA" + "A1" * 8,
    "$2y$05$" + "a1" * 20,
]

CODE = [
    'login(password=", zz1")',
    'password = "% zz1"',
    'token = "zz1" "zz1" + \'zz1\'',
    'token = "it\'s zz1"',
    'token = "a \\" zz1"',
    'auth = ("me", "zz1")',
    'API_KEYS: dict[str, str] = "zz1"',
    'requests.get(url, auth=HTTPBasicAuth("me", "zz1"))',
    'password = SecretStr("zz1")',
    'password: str = Field(default="zz1")',
    'parser.add_argument("--password", type=str, default="zz1")',
    'run(["mysql", "--password", "zz1"])',
    'os.system("train --password zz1")',
    'os.system("train --pass=zz1")',
    'os.system("curl -u me:zz1 h")',
    'if password == "zz1":',
    'PASS = "zz1"',
    'connect(pass_="zz1")',
    'db = {"pass": "zz1"}',
    'headers = {"X-Api-Key": "zz1"}',
    "headers = ['Cookie: zz1']",
    'wandb.login(key="zz1' + "a" * 37 + '")',
    'env = [{"name": "DB_PASSWORD", "value": "zz1"}]',
    '"<password>zz1</password>"',
    'text = "{\\"password\\": \\"zz1\\"}"',
    'password = "' + "zz1" * 400 + '"',
]

WORDS = [
    "PASS={zz1}",
    "PASS=\\zz1",
    "PASS=[zz1",
    "PASS=zz1",
    "PASS=zz1 ./run --rows 3",
    "train --pass=zz1",
    "train --pass zz1",
    "train -pass zz1 --rows 3",
    'train --password "zz1"',
    "train --password 'zz1 zz1'",
    "DB_PASS=zz1,zz1",
    "curl -u me:zz1 https://h",
    "mysql -u root -pzz1 db",
    "sshpass -p zz1 ssh h",
    "docker login -u me -p zz1",
    "poetry config pypi-token.pypi zz1",
    "aws configure set aws_secret_access_key zz1",
    "aws_secret_access_key=zz1",
]

LINES = [
    'password: ", zz1"',
    "password = {zz1 zz1",
    "pass: zz1",
    "PASS = zz1",
    "password: zz1, zz1",
    "password = zz1 zz1 zz1",
    "# password = zz1 zz1",
    "auth: {user: me, password: zz1, rows: 3}",
    "passwords: [zz1, zz1]",
    "//registry.example.org/:_authToken=zz1",
    "h.example.org:5432:db:me:zz1",
    "requirepass zz1",
    "- PGPASSWORD=zz1",
    "auth_token: 12345zz1",
    "args: --opt=password=zz1",
]


@pytest.mark.parametrize("uri", URIS)
def test_a_uri_loses_parameters_of_its_path(uri: str) -> None:
    assert redact_uri(uri) == URIS[uri]
    assert redact_uri(URIS[uri]) == URIS[uri]


@pytest.mark.parametrize("text", ANYWHERE)
@pytest.mark.parametrize("name", ["a.py", "a.yaml", "a.sh", "a.md", "a.ipynb"])
def test_a_secret_is_hidden_wherever_it_stands(text: str, name: str) -> None:
    for line in (f'run("{text}")', f"# {text}", f"see '{text}'", f'    "{text}\\n",'):
        after = "".join(shown(name, line))
        assert SECRET not in after
        assert JWT not in after
    assert SECRET not in redact_value(text)
    assert SECRET not in "".join(redact_command([text]))


@pytest.mark.parametrize("token", TOKENS)
def test_tokens_of_services_are_known_by_their_form(token: str) -> None:
    assert shown("a.py", f'send("{token}")') == ['send("***")']
    assert redact_value(token) == "***"


@pytest.mark.parametrize("line", CODE)
@pytest.mark.parametrize("name", ["a.py", "a.ts", "a.sh", "a.yaml"])
def test_a_quoted_text_with_a_secret_name_is_hidden(line: str, name: str) -> None:
    assert SECRET not in "".join(shown(name, line))


@pytest.mark.parametrize("line", WORDS)
@pytest.mark.parametrize(
    "name",
    [
        "a.sh",
        "a.fish",
        "Dockerfile.dev",
        "a.dockerfile",
        "Makefile",
        "Makefile.inc",
        "a.mk",
        ".env.local",
        "A.YML",
        "x.bat",
    ],
)
def test_a_command_in_a_script_loses_its_secrets(line: str, name: str) -> None:
    assert SECRET not in "".join(shown(name, line))


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize(
    "name", ["a.yaml", "docker-compose.yml", "a.ini", ".pgpass", ".netrc", "credentials", "a.cnf", "x.tf"]
)
def test_settings_lose_the_values_of_secret_names(line: str, name: str) -> None:
    assert SECRET not in "".join(shown(name, line))


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("a.fish", "set -gx DB_PASS zz1", "set -gx DB_PASS ***"),
        ("Makefile.inc", "PASSWORD := zz1", "PASSWORD := ***"),
        ("a.mk", "PASSWORD ?= zz1 zz1", "PASSWORD ?= ***"),
        ("Dockerfile.dev", "ENV DB_PASSWORD zz1", "ENV DB_PASSWORD ***"),
        ("a.json", '"password": 1234,', '"password": ***,'),
        ("a.json", '{"auth":{"password":1234},"rows":3}', '{"auth":{"password":***},"rows":3}'),
        ("a.yaml", "{password: zz1, rows: 3}", "{password: ***, rows: 3}"),
        ("a.py", 'login("me", password="zz1", rows=3)', 'login("me", password="***", rows=3)'),
        ("a.py", "a = 1  # Bearer zz1zz1, see above", "a = 1  # Bearer ***, see above"),
        (
            "a.py",
            'h = "Authorization: Digest username=\\"me\\", response=\\"zz1\\""',
            'h = "Authorization: Digest ***"',
        ),
        ("a.py", 'u = "jdbc:sqlserver://h;user=u;password=zz1"', 'u = "jdbc:sqlserver://h;user=u"'),
        ("a.txt", "https://h/x?token=zz1&v=1", "https://h/x?v=1"),
        ("a.md", "export API_TOKEN=zz1 and go", "export API_TOKEN=*** and go"),
        ("a.ipynb", '    "TOKEN = \\"zz1\\"\\n",', '    "TOKEN = \\"***\\"\\n",'),
        ("a.ipynb", "    \"login(password='zz1')\"", "    \"login(password='***')\""),
        ("a.ipynb", '    "%env API_TOKEN=zz1\\n",', '    "%env API_TOKEN=***\\n",'),
        ("a.ipynb", '{"source": ["TOKEN = \\"zz1\\"\\n", "x = 1"]}', '{"source": ["TOKEN = \\"***\\"\\n", "x = 1"]}'),
        ("a.ipynb", '"u = \\"https://h/x?v=1&token=zz1\\"\\n"', '"u = \\"https://h/x?v=1\\"\\n"'),
        ("a.py", 'u = "https://h/x?token=zz1\\n"', 'u = "https://h/x\\n"'),
        ("a.ipynb", f'"wandb.login(key=\\"zz1{"a" * 37}\\")"', '"wandb.login(key=\\"***\\")"'),
        ("a.yaml", 'x: "{\\"password\\": \\"zz1\\"}"', 'x: "{\\"password\\": \\"***\\"}"'),
        ("a.xml", '<add key="Password" value="zz1"/>', '<add key="Password" value="***"/>'),
    ],
)
def test_nothing_but_the_secret_is_hidden(name: str, line: str, expected: str) -> None:
    assert shown(name, line) == [expected]
