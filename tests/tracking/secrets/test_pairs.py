"""What is given to a secret name: ``zz1`` is the secret, and nothing else is hidden."""

from __future__ import annotations

import re

import pytest

from tests.tracking.secrets.planted import SECRET, shown

# In quotes, in every kind of file.
QUOTED = [
    'TOKEN = "zz1"',
    'PASSWORD: str | None = "zz1"',
    'API_KEYS: dict[str, str] = "zz1"',
    'login("me", password="zz1", rows=3)',
    'login(password=b"zz1")',
    'connect(pass_="zz1")',
    'db = {"pass": "zz1", "rows": "3"}',
    "db = {'password' => 'zz1'}",
    'self.password = "zz1"',
    'char password[] = "zz1";',
    'password <- "zz1"',
    'const apiKey string = "zz1"',
    'if password == "zz1":',
    'token = "zz1" "zz1" + \'zz1\'',
    'token = "zz1" if local else "zz1"',
    'key = os.environ["API_TOKEN"] or "zz1"',
    'TOKEN = """zz1"""',
    'auth = ("zz1", "zz1")',
    'auth = (USER, "zz1")',
    'HTTPBasicAuth(USER, "zz1")',
    'password = SecretStr("zz1")',
    'password: str = Field(default="zz1")',
    'os.environ["DB_PASS"] = "zz1"',
    'os.environ.setdefault("PGPASSWORD", "zz1")',
    'os.Setenv("API_KEY", "zz1")',
    'config.set("db", "password", "zz1")',
    'conf.set("fs.azure.account.key.h", "zz1")',
    'parser.add_argument("--password", type=str, default="zz1")',
    'run(["mysql", "--password", "zz1"])',
    'env = [{"name": "DB_PASSWORD", "value": "zz1"}]',
    '<add key="Password" value="zz1"/>',
    '"<password>zz1</password>"',
    'text = "{\\"password\\": \\"zz1\\"}"',
    'headers = {"X-Api-Key": "zz1"}',
    "headers = ['Cookie: zz1']",
    "cursor.execute(\"ALTER USER me WITH PASSWORD 'zz1'\")",
    'os.system("train --password zz1")',
    'os.system("train --pass=zz1")',
    'os.system("DB_PASSWORD=zz1 ./train")',
    'os.system("helm --set auth.password=zz1")',
]
# In quotes, where what stands in them looks like code.
ODD = ['login(password=", zz1")', 'password = "% zz1"', 'token = "it\'s zz1"', 'token = "a \\" zz1"']
# The value is the word, in a shell.
WORDS = [
    "PASS=zz1 ./run --rows 3",
    "PASS=\\zz1",
    "PASS=[zz1",
    "PASS=a'zz1",
    "login config --password zz1==",
    "DB_PASS=zz1,zz1",
    "export DB_PASS=zz1",
    "train --pass=zz1",
    "train -pass zz1 --rows 3",
    'train --password "zz1"',
    "train --password 'zz1 zz1'",
    "sshpass -p zz1 ssh h",
    "poetry config pypi-token.pypi zz1",
    "aws configure set aws_secret_access_key zz1",
    "set -gx DB_PASS zz1",
    "ENV DB_PASSWORD zz1",
    "PASSWORD := zz1",
]
# The value is the rest of the line, in settings.
LINES = [
    "pass: zz1",
    "PASS = zz1",
    'password: ", zz1"',
    "password = {zz1 zz1",
    "password: zz1, zz1",
    "# password = zz1 zz1",
    "token: zz1==",
    "auth: {user: me, password: zz1, rows: 3}",
    "passwords: [zz1, zz1]",
    "app.secret.key=zz1",
    "//registry.example.org/:_authToken=zz1",
    "h.example.org:5432:db:me:zz1",
    "requirepass zz1",
    "- PGPASSWORD=zz1",
    "- {name: DB_PASSWORD, value: zz1}",
    "args: --opt=password=zz1",
]


@pytest.mark.parametrize("line", QUOTED)
@pytest.mark.parametrize("name", ["a.py", "a.sh", "a.yaml"])
def test_a_quoted_text_with_a_secret_name_is_hidden(line: str, name: str) -> None:
    assert shown(name, line) == [line.replace(SECRET, "***")]


@pytest.mark.parametrize("line", ODD)
def test_a_quoted_text_that_looks_like_code_is_hidden_whole(line: str) -> None:
    assert SECRET not in "".join(shown("a.py", line))


@pytest.mark.parametrize("line", WORDS)
def test_a_command_in_a_script_loses_its_secrets(line: str) -> None:
    assert shown("a.sh", line) == [re.sub(r"(?:\\|a')?zz1(?:[ ,]zz1|==)*", "***", line)]


@pytest.mark.parametrize("line", [*WORDS, *LINES])
def test_settings_lose_the_values_of_secret_names(line: str) -> None:
    assert SECRET not in "".join(shown("a.yaml", line))


@pytest.mark.parametrize(
    ("name", "line", "expected"),
    [
        ("a.mk", "PASSWORD ?= zz1 zz1", "PASSWORD ?= ***"),
        ("a.json", '"password": 1234,', '"password": ***,'),
        ("a.json", '{"auth":{"password":1234},"rows":3}', '{"auth":{"password":***},"rows":3}'),
        ("a.yaml", "{password: zz1, rows: 3}", "{password: ***, rows: 3}"),
        ("a.py", "a = 1  # Bearer zz1zz1, see above", "a = 1  # Bearer ***, see above"),
        ("a.py", 'h = "Authorization: Digest u=\\"me\\", r=\\"zz1\\""', 'h = "Authorization: Digest ***"'),
        ("a.py", 'u = "jdbc:sqlserver://h;user=u;password=zz1"', 'u = "jdbc:sqlserver://h;user=u"'),
        ("a.py", 'u = "https://h/x?token=zz1\\n"', 'u = "https://h/x\\n"'),
        ("a.txt", "https://h/x?token=zz1&v=1", "https://h/x?v=1"),
        ("a.md", "export API_TOKEN=zz1 and go", "export API_TOKEN=*** and go"),
    ],
)
def test_nothing_but_the_secret_is_hidden(name: str, line: str, expected: str) -> None:
    assert shown(name, line) == [expected]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("a.py", ['TOKEN = """', "zz1", 'zz1"""', "x = 1"]),
        ("a.py", ["TOKEN = (", '    "zz1"', '    "zz1"', ")", 'x = ("a")']),
        ("a.py", ['TOKEN = "zz1" \\', '    "zz1"', 'x = "a"']),
        ("a.py", ["API_KEYS = [", '    "zz1",', "    'zz1',", "]", 'x = ["a"]']),
        ("a.py", ["os.environ.get(", '    "API_KEY",', '    "zz1",', ")"]),
        ("a.py", ["add_argument(", '    "--password",', "    type=str,", '    default="zz1",', ")"]),
        ("a.ts", ["const token: string =", "  'zz1';", "const x = 'a';"]),
        ("a.toml", ["password = '''", "zz1", "'''", "rows = 3"]),
        ("a.yaml", ["db:", "  password: |", "    zz1: zz1", "", "    zz1", "  rows: 3"]),
        ("a.yaml", ["password: >-  # folded", "  zz1", "rows: 3"]),
        ("a.yaml", ["password: !vault |", "  zz1", "rows: 3"]),
        ("a.yaml", ["password:", "  zz1", "rows: 3"]),
        ("a.yaml", ["passwords:", "- zz1", "- zz1", "rows: 3"]),
        ("a.yaml", ["- name: DB_PASSWORD", "  value: zz1", "- name: ROWS", "  value: 3"]),
        ("a.yaml", ["args:", "  - --password", "  - zz1", "  - --rows", "  - 3"]),
        ("a.yaml", ['"password": "zz1"', '"user": "me"']),
        ("a.ini", ["[db]", "password =", "    zz1", "rows = 3"]),
        (".netrc", ["machine h", "  login u", "  password zz1", "machine other"]),
        ("a.ipynb", ['   "TOKEN = \\"\\"\\"\\n",', '   "zz1\\n",', '   "\\"\\"\\"\\n",', '   "x = 1\\n"']),
    ],
)
def test_a_secret_on_other_lines_than_its_name_is_hidden(name: str, lines: list[str]) -> None:
    after = shown(name, *lines)
    assert len(after) == len(lines)
    assert SECRET not in "".join(after)
    assert [line for line in after if "***" not in line] == [line for line in lines if SECRET not in line]
