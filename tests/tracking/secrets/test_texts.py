"""Command lines, patches, notebooks, and what the name of a file says of it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlexp.tracking.secrets import redact_command, redact_diff
from tests.tracking.secrets.planted import shown

PIECES = (
    'password: "~token = ~"""~\'~[~(~|~  ~- ~zz1~=~;~,~\\~\\n~    "~\\n",~\\"~name: ~value: ~https://u:p@h/~?sig=~@@'
    "~+++ ~--- ~Bearer zz1zz1~{~}~#~\t~\r~--password ~-----BEGIN RSA PRIVATE KEY-----~-----END RSA PRIVATE KEY-----~"
    f"{'Qm9i' * 8}"
).split("~")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (["--x-token=zz"], ("--x-token=***",)),
        (["--password", "zz", "-k", "a"], ("--password", "***", "-k", "a")),
        (["--password", "-zz"], ("--password", "***")),
        (["--no-password", "--mlexp"], ("--no-password", "--mlexp")),
        (["-o", "api_key = zz zz"], ("-o", "api_key = ***")),
        (["DB_PASSWORD=zz,zz"], ("DB_PASSWORD=***",)),
        (["--override-ini=x_token=zz zz"], ("--override-ini=x_token=***",)),
        (["a b; DB_PASSWORD=zz zz\nzz"], ("a b; DB_PASSWORD=***",)),
        (["Authorization: Bearer zz"], ("Authorization: ***",)),
        (["--uri=https://u:zz@h/x?token=zz"], ("--uri=https://h/x",)),
        (["--uri", "me:zz@h/x"], ("--uri", "h/x")),
        (["--pass", "zz", "DB_PASS=zz"], ("--pass", "***", "DB_PASS=***")),
        (['{"password": "zz", "rows": "3"}'], ('{"password": "***", "rows": "3"}',)),
    ],
)
def test_a_command_line_loses_its_secrets(command: list[str], expected: tuple[str, ...]) -> None:
    assert redact_command(command) == expected


@pytest.mark.parametrize(
    ("names", "line", "expected"),
    [
        ("a.py a.ipynb a.ts A.R Jenkinsfile", "password: zz1 zz1", "password: zz1 zz1"),
        ("a.md a.txt x.log", "password=zz1 zz1", "password=*** zz1"),
        (
            "a.sh a.fish x.bat a.json Dockerfile Dockerfile.dev a.dockerfile .bashrc",
            "password: zz1 zz1",
            "password: *** zz1",
        ),
        (
            "a.yaml A.YML a.ini .env.local Makefile Makefile.inc .netrc credentials x.tf",
            "password: zz1 zz1",
            "password: ***",
        ),
    ],
)
def test_the_name_of_a_file_says_what_a_value_is(names: str, line: str, expected: str) -> None:
    assert [shown(name, line) for name in names.split()] == [[expected]] * len(names.split())


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
    "patch",
    [
        "--- Dockerfile\n+++ Dockerfile\n@@ -0,0 +1 @@\n+ENV PASS=zz1\n",  # without a prefix
        "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,3 +1,3 @@\n password: |\n-  old\n+  zz1\n rows: 3\n",
        "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,1 +1,3 @@\n rows: 3\n+++ b/a.py\n+password: zz1\n",  # an added "++ b/a.py"
    ],
)
def test_an_added_line_belongs_to_the_file_and_lines_around_it(patch: str) -> None:
    assert redact_diff(patch) == patch.replace("zz1", "***")


def test_a_notebook_is_still_json() -> None:
    source = [
        'TOKEN = "zz1"\n',
        'TOKEN = "zz1"  # é\n',
        'dsn = "host=h password=zz1"\n',
        "é = '\\t'\n",
        'print("a\\"b")',
    ]
    text = json.dumps({"cells": [{"source": source}]}, indent=1, ensure_ascii=False)
    after = "\n".join(shown("a.ipynb", *text.split("\n")))
    assert json.loads(after)["cells"][0]["source"] == [line.replace("zz1", "***") for line in source]


@pytest.mark.parametrize(
    "line",
    [
        "    \"login(password='zz1')\"",
        '    "%env API_TOKEN=zz1\\n",',
        '    "%env API_TOKEN zz1\\n",',
        '{"source": ["TOKEN = \\"zz1\\"\\n", "x = 1"]}',
        '"token = \\"zz1\\"  # \\ud800"',
    ],
)
def test_a_line_of_a_notebook_loses_its_secret_alone(line: str) -> None:
    assert shown("a.ipynb", line) == [line.replace("zz1", "***")]


@given(
    st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), min_size=1, max_size=8),
    st.sampled_from(["a.py", "a.yaml", "a.sh", "a.md", "a.ipynb", "Makefile"]),
)
def test_a_patch_keeps_its_lines_and_an_untracked_file_loses_the_same(lines: list[str], name: str) -> None:
    assert len(shown(name, *lines)) == len(lines)


@given(
    st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), min_size=1, max_size=8),
    st.lists(st.sampled_from("+- "), min_size=8, max_size=8),
    st.sampled_from(["a.py", "a.yaml", "a.ipynb"]),
)
def test_a_patch_keeps_the_sign_of_each_line(lines: list[str], signs: list[str], name: str) -> None:
    body = [sign + line for sign, line in zip(signs, lines, strict=False)]
    after = redact_diff("\n".join([f"+++ b/{name}", "@@ -1 +1 @@", *body])).split("\n")
    assert [line[0] for line in after[2:]] == [line[0] for line in body]
