"""What takes several lines: texts, lists, private keys, notebooks. The number of lines stays."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mlexp.tracking.secrets import redact_command, redact_diff, redact_value
from tests.tracking.secrets.planted import SECRET, shown

MARKS = ("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----")
PIECES = (
    'password: "',
    "token = ",
    '"""',
    "'",
    "[",
    "(",
    "|",
    "  ",
    "- ",
    "zz1",
    MARKS[0],
    MARKS[1],
    "Qm9i" * 8,
    "=",
    ";",
    ",",
    "\\",
    "\\n",
    '    "',
    '\\n",',
    '\\"',
    "name: ",
    "value: ",
    "https://u:p@h/",
    "?sig=",
    "@@",
    "+++ ",
    "--- ",
    "Bearer zz1zz1",
    "{",
    "}",
    "#",
    "\t",
    "\r",
)
MATERIAL = "Qm9i" * 16


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("a.py", ['TOKEN = """', "zz1", 'zz1"""', "x = 1"]),
        ("a.py", ["TOKEN = (", '    "zz1"', '    "zz1"', ")", 'x = ("a")']),
        ("a.py", ['TOKEN = "zz1" \\', '    "zz1"', 'x = "a"']),
        ("a.py", ["API_KEYS = [", '    "zz1",', "    'zz1',", "]", 'x = ["a"]']),
        ("a.toml", ["password = '''", "zz1", "'''", "rows = 3"]),
        ("a.yaml", ["db:", "  password: |", "    zz1: zz1", "", "    zz1", "  rows: 3"]),
        ("a.yaml", ["password: >-  # folded", "  zz1", "rows: 3"]),
        ("a.yaml", ["password: !vault |", "  zz1", "rows: 3"]),
        ("a.yaml", ["password:", "  zz1", "rows: 3"]),
        ("a.yaml", ["passwords:", "- zz1", "- zz1", "rows: 3"]),
        ("a.yaml", ["- name: DB_PASSWORD", "  value: zz1", "- name: ROWS", "  value: 3"]),
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


def test_a_file_without_a_prefix_in_its_name_is_known_too() -> None:
    patch = "--- Dockerfile\n+++ Dockerfile\n@@ -0,0 +1 @@\n+ENV PASS=zz1\n"
    assert redact_diff(patch) == patch.replace("zz1", "***")


def test_an_added_line_below_an_unchanged_name_is_hidden() -> None:
    patch = "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,3 +1,3 @@\n password: |\n-  old\n+  zz1\n rows: 3\n"
    assert redact_diff(patch) == patch.replace("zz1", "***")


def test_an_added_line_that_looks_like_a_header_changes_no_file() -> None:
    patch = "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,1 +1,3 @@\n rows: 3\n+++ b/a.py\n+password: zz1\n"
    assert redact_diff(patch) == patch.replace("zz1", "***")


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("key.pem", "", ""),
        ("a.yaml", "  ", ""),
        ("a.py", '    "', '\\n"'),
        ("a.py", "# ", ""),
        ("a.ipynb", '    "', '\\n",'),
        ("a.json", '"', '",'),
    ],
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
    for text in (
        redact_value(key),
        *redact_command([key]),
        *shown("a.py", f'load("{key}")'),
        *shown(".env", f"K={key}"),
    ):
        assert "Qm9i" not in text
        assert "***" in text


def test_a_part_of_a_private_key_is_hidden_and_removed_lines_as_well() -> None:
    header = "--- a/key\n+++ b/key\n@@ -1,3 +1,3 @@\n"
    start = header + f" {MARKS[0]}\n-{MATERIAL}\n+{MATERIAL}\n {MATERIAL}\n"
    end = header + f"-{MATERIAL}\n+{MATERIAL}\n Qm9i\n {MARKS[1]}\n"
    assert "Qm9i" not in redact_diff(start)
    assert "Qm9i" not in redact_diff(end)
    assert [line[:1] for line in redact_diff(end).split("\n")] == [line[:1] for line in end.split("\n")]


def test_a_notebook_is_still_json() -> None:
    source = ['TOKEN = "zz1"\n', 'TOKEN = "zz1"  # é\n', "é = '\\t'\n", 'print("a\\"b")']
    text = json.dumps({"cells": [{"source": source}]}, indent=1, ensure_ascii=False)
    after = "\n".join(shown("a.ipynb", *text.split("\n")))
    assert json.loads(after)["cells"][0]["source"] == ['TOKEN = "***"\n', 'TOKEN = "***"  # é\n', *source[2:]]


def test_half_a_character_in_a_notebook_stays_escaped() -> None:
    assert shown("a.ipynb", '"token = \\"zz1\\"  # \\ud800"') == ['"token = \\"***\\"  # \\ud800"']


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
